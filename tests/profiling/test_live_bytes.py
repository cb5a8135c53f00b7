"""The count of live bytes: what is alive at once, freed tensors and views left out."""

from __future__ import annotations

import pytest
import torch

from lift_core.profiling.live_bytes import peak_live_bytes

MB = 250_000  # float32 numbers of a megabyte


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_tensors_count_while_they_live(device: str) -> None:
    def three_but_two_at_once() -> torch.Tensor:
        first = torch.ones(MB, device=device)
        second = first * 2
        del first
        return second + 1

    assert peak_live_bytes(three_but_two_at_once) == 2_000_000


def test_a_tensor_that_is_kept_counts_to_the_end() -> None:
    def kept() -> torch.Tensor:
        first = torch.ones(MB)
        second = first * 2
        return second + first

    assert peak_live_bytes(kept) == 3_000_000


def test_views_in_place_results_and_given_tensors_do_not_count() -> None:
    given = torch.ones(2, MB)

    def views() -> torch.Tensor:
        given.mul_(2)
        return given.t().reshape(MB, 2)[3:].add_(1)

    assert peak_live_bytes(views, [given]) == 0


def test_many_short_lives_do_not_add_up() -> None:
    def loop() -> None:
        for _ in range(50):
            torch.ones(MB).sum()

    assert peak_live_bytes(loop) <= 2_000_100
