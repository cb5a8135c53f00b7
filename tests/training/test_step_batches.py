"""Batches dealt out to optimizer steps: each once, in order, and a step's again where it failed."""

from __future__ import annotations

from itertools import chain

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lift_core.data.sample import Batch, references
from lift_core.training.step_batches import StepBatches


def batches(count: int) -> list[Batch]:
    made = []
    for number in range(count):
        frames = torch.full((1, 2, 3, 4, 4), number, dtype=torch.uint8)
        made.append(
            Batch(
                frames=frames,
                ref_frames=references(frames),
                gt=frames[:, 0],
                timestep=torch.full((1,), 0.5),
                times=torch.zeros(1, 2),
                valid=torch.ones(1, 2, dtype=torch.bool),
                key=[str(number)],
            )
        )
    return made


def numbers(group: object) -> list[int]:
    return [round(float(batch["frames"][0, 0, 0, 0, 0]) * 255) for batch in group]  # type: ignore[attr-defined]


@settings(deadline=None)
@given(count=st.integers(0, 9), accumulate=st.integers(1, 4))
def test_every_batch_is_given_once_in_order_and_the_last_step_may_be_short(count: int, accumulate: int) -> None:
    steps = [numbers(group) for group in StepBatches(batches(count), count, accumulate, torch.device("cpu"))]
    assert list(chain(*steps)) == list(range(count))
    assert [len(step) for step in steps[:-1]] == [accumulate] * (len(steps) - 1)


@settings(deadline=None)
@given(accumulate=st.integers(1, 4), broken_after=st.integers(0, 4), again=st.integers(1, 3))
def test_a_step_that_failed_can_be_gone_through_again(accumulate: int, broken_after: int, again: int) -> None:
    served = []
    for group in StepBatches(batches(8), 8, accumulate, torch.device("cpu")):
        for _ in range(again):
            for place, _batch in enumerate(group):
                if place == broken_after:
                    break
        served.append(numbers(group))
        assert len(group) == len(served[-1])
    assert list(chain(*served)) == list(range(8))


def test_a_step_lets_go_of_its_batches_when_the_next_one_is_asked_for() -> None:
    steps = StepBatches(batches(6), 6, 2, torch.device("cpu"))
    for group in steps:
        numbers(group)
        assert len(steps._host) == 2
