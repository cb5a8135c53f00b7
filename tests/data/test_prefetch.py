"""Tests of DevicePrefetcher: the values of to_device, in memory that is used again."""

from __future__ import annotations

from itertools import islice

import pytest
import torch

from lift_core.data.prefetch import DevicePrefetcher
from lift_core.data.sample import Batch, references, to_device
from lift_core.errors import ConfigError

GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")


def batches(count: int, *, pinned: bool = False) -> list[Batch]:
    draw = torch.Generator().manual_seed(5)
    made = []
    for number in range(count):
        frames = torch.randint(0, 256, (2, 4, 3, 32, 40), dtype=torch.uint8, generator=draw)
        gt = torch.randint(0, 256, (2, 3, 32, 40), dtype=torch.uint8, generator=draw)
        times, timestep = torch.full((2, 4), float(number)), torch.full((2,), 0.25)
        frames, gt, times = (t.pin_memory() if pinned else t for t in (frames, gt, times))
        valid = torch.ones((2, 4), dtype=torch.bool)
        made.append(
            Batch(
                frames=frames,
                ref_frames=references(frames),
                gt=gt,
                timestep=timestep,
                times=times,
                valid=valid,
                key=[f"{number}a", f"{number}b"],
            )
        )
    return made


def assert_same(found: Batch, expected: Batch) -> None:
    assert found["key"] == expected["key"]
    for name in ("frames", "ref_frames", "gt", "timestep", "times", "valid"):
        assert torch.equal(found[name].cpu(), expected[name].cpu()), name  # type: ignore[literal-required]


def test_values_are_those_of_to_device_in_every_iteration() -> None:
    given = batches(5)
    prefetcher = DevicePrefetcher(given, "cpu")
    for _ in range(2):
        seen = 0
        for found, batch in zip(prefetcher, given, strict=True):
            assert_same(found, to_device(batch, "cpu"))
            seen += 1
        assert seen == 5


def test_pictures_lie_in_the_same_memory_again() -> None:
    places = [batch["frames"].data_ptr() for batch in DevicePrefetcher(batches(4), "cpu")]
    assert len(set(places)) == 1


@pytest.mark.parametrize("held", [2, 3])
def test_as_many_batches_are_valid_as_were_asked_for(held: int) -> None:
    given = batches(2 * held)
    stream = iter(DevicePrefetcher(given, "cpu", held=held))
    for start in (0, held):
        group = list(islice(stream, held))
        for found, batch in zip(group, given[start:], strict=False):
            assert_same(found, to_device(batch, "cpu"))


def test_float_batches_pass_unchanged() -> None:
    ready = [to_device(batch, "cpu") for batch in batches(2)]
    for found, expected in zip(DevicePrefetcher(ready, "cpu"), ready, strict=True):
        assert_same(found, expected)


def test_no_batches_give_none() -> None:
    assert list(DevicePrefetcher([], "cpu")) == []


def test_holding_no_batch_is_refused() -> None:
    with pytest.raises(ConfigError):
        DevicePrefetcher([], "cpu", held=0)


@GPU
@pytest.mark.parametrize("pinned", [True, False])
@pytest.mark.parametrize("held", [1, 2])
def test_on_a_gpu_values_hold_while_slow_work_runs_on_them(pinned: bool, held: int) -> None:
    given = batches(9, pinned=pinned)
    weight = torch.randn(2000, 2000, device="cuda")
    copies = []
    for found in DevicePrefetcher(given, "cuda", held=held):
        # Kernels that take long stand before the read: a buffer filled too early would show the next batch.
        for _ in range(20):
            weight = torch.tanh(weight @ weight)
        copies.append({name: found[name].clone() for name in ("frames", "gt", "times")})  # type: ignore[literal-required]
    assert len(copies) == 9
    for found, batch in zip(copies, given, strict=True):
        expected = to_device(batch, "cpu")
        for name, value in found.items():
            assert torch.allclose(value.cpu(), expected[name], atol=1e-7), name  # type: ignore[literal-required]
