"""Tests of slots: batches lie in memory that is used again, never while someone still holds it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lift_core.data.loaders import create_dataloaders
from lift_core.data.sample import Batch, SampleKey
from lift_core.data.slots import BatchOrder, FilledSlot, SlotRing, picture_bytes, read_batch
from lift_core.data.splits import SplitConfig
from lift_core.data.tuner import LoaderSettings
from lift_core.errors import ConfigError
from tests.data.clip_trees import write_clip, write_vimeo
from tests.data.loader_trees import CONFIG, digests

SHAPE = (2, 4, 6, 8)
FORKED = LoaderSettings(num_workers=2, start_method="fork")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_vimeo(tmp_path_factory.mktemp("vimeo"), categories=4, clips=1, frames=8)


def filled(slot: int, shape: tuple[int, int, int, int] = SHAPE) -> FilledSlot:
    batch, context = shape[:2]
    return FilledSlot(
        slot,
        shape,
        timestep=np.full(batch, 0.5, np.float32),
        times=np.zeros((batch, context), np.float32),
        valid=np.ones((batch, context), np.bool_),
        key=[str(i) for i in range(batch)],
    )


def test_a_batch_shows_its_slot_as_frames_and_then_hidden_frames() -> None:
    ring = SlotRing(2, picture_bytes(*SHAPE) + 5)
    ring.memory[1] = torch.arange(ring.memory.shape[1]).to(torch.uint8)
    ring.take(), ring.take()
    batch = ring.batch(filled(1))
    frames = 2 * 4 * 3 * 6 * 8
    assert torch.equal(batch["frames"].flatten(), ring.memory[1, :frames])
    assert torch.equal(batch["gt"].flatten(), ring.memory[1, frames : frames + 2 * 3 * 6 * 8])
    assert batch["frames"].is_contiguous()
    assert batch["gt"].is_contiguous()
    assert torch.equal(batch["ref_frames"], batch["frames"][:, 1:3])


@pytest.mark.parametrize(
    "part",
    [
        lambda batch: batch["frames"],
        lambda batch: batch["gt"][0, 1:],
        lambda batch: batch["ref_frames"].permute(1, 0, 2, 3, 4)[1:],
        lambda batch: batch["frames"].numpy()[0],
        lambda batch: memoryview(batch["gt"].numpy()),
    ],
)
def test_a_slot_is_free_when_the_last_thing_that_shows_it_is_gone(part: Callable[[Batch], object]) -> None:
    ring = SlotRing(1, picture_bytes(*SHAPE))
    assert ring.take() == 0
    batch = ring.batch(filled(0))
    held = part(batch)
    del batch
    assert ring.free == 0
    assert ring.take() is None
    del held
    assert ring.free == 1


def test_a_copy_does_not_hold_a_slot() -> None:
    ring = SlotRing(1, picture_bytes(*SHAPE))
    ring.take()
    batch = ring.batch(filled(0))
    copied, times = batch["frames"].clone(), batch["times"]
    del batch
    assert ring.free == 1
    assert copied.shape == (2, 4, 3, 6, 8)
    assert times.shape == (2, 4)


@given(st.lists(st.integers(min_value=-1, max_value=3), max_size=30))
def test_no_slot_is_given_out_twice(moves: list[int]) -> None:
    """A move of -1 orders and receives a batch; another number drops the batch held at that place."""
    ring = SlotRing(3, picture_bytes(*SHAPE))
    held: list[tuple[int, Batch]] = []
    for move in moves:
        if move >= 0:
            del held[move : move + 1]
            continue
        slot = ring.take()
        assert (slot is None) == (len(held) == 3)
        if slot is not None:
            assert slot not in [other for other, _ in held]
            held.append((slot, ring.batch(filled(slot))))
    assert ring.free == 3 - len(held)


def test_workers_read_straight_into_the_slot(tree: Path) -> None:
    dataset = create_dataloaders(tree, CONFIG, settings=LoaderSettings()).train.dataset
    keys = tuple(SampleKey(1, index) for index in (5, 0, 3))
    memory = torch.zeros((2, picture_bytes(3, 4, 16, 16) + 7), dtype=torch.uint8)
    answer = read_batch(dataset, BatchOrder(keys, slot=1), memory)
    assert isinstance(answer, FilledSlot)
    assert answer.shape == (3, 4, 16, 16)
    assert int(memory[0].sum()) == 0
    expected = read_batch(dataset, BatchOrder(keys), None)
    assert not isinstance(expected, FilledSlot)
    assert torch.equal(memory[1, : expected["frames"].numel()].view(3, 4, 3, 16, 16), expected["frames"])
    assert torch.equal(memory[1, expected["frames"].numel() : -7].view(3, 3, 16, 16), expected["gt"])
    assert answer.key == expected["key"]
    assert np.array_equal(answer.times, expected["times"].numpy())
    assert np.array_equal(answer.timestep, expected["timestep"].numpy())


def test_a_batch_too_large_for_its_slot_is_stacked_in_memory_of_its_own(tree: Path) -> None:
    dataset = create_dataloaders(tree, CONFIG, settings=LoaderSettings()).train.dataset
    memory = torch.zeros((1, picture_bytes(3, 4, 16, 16) - 1), dtype=torch.uint8)
    order = BatchOrder(tuple(SampleKey(0, index) for index in range(3)), slot=0)
    answer = read_batch(dataset, order, memory)
    assert not isinstance(answer, FilledSlot)
    assert digests([answer]) == digests([read_batch(dataset, order, None)])  # type: ignore[list-item]
    assert int(memory.sum()) == 0


def test_a_loop_sees_few_places_again_and_again(tree: Path) -> None:
    loader = create_dataloaders(tree, CONFIG, settings=FORKED).train
    places = set()
    for number in range(3):
        loader.sampler.set_epoch(number)
        for batch in loader:
            places.add(batch["frames"].data_ptr())
        del batch
    assert len(places) <= FORKED.read_ahead + FORKED.kept < 18


def test_who_keeps_every_batch_gets_right_ones(tree: Path) -> None:
    settings = replace(FORKED, kept=1, prefetch_factor=1)
    kept = list(create_dataloaders(tree, CONFIG, settings=settings).train)
    assert len({batch["frames"].data_ptr() for batch in kept}) == len(kept) > settings.read_ahead + settings.kept
    assert digests(kept) == digests(create_dataloaders(tree, CONFIG, settings=LoaderSettings()).train)


@pytest.mark.parametrize("persistent", [True, False])
def test_an_epoch_left_early_spoils_nothing(tree: Path, persistent: bool) -> None:
    settings = replace(FORKED, persistent_workers=persistent)
    loader = create_dataloaders(tree, CONFIG, settings=settings).train
    first = next(iter(loader))
    before = digests([first])
    again = list(loader)
    assert digests([first]) == before
    assert digests(again) == digests(create_dataloaders(tree, CONFIG, settings=LoaderSettings()).train)


def test_clips_of_different_sizes_are_served_with_slots(tmp_path: Path) -> None:
    for name, size in (("a", (24, 32)), ("b", (40, 48)), ("c", (12, 16))):
        write_clip(tmp_path / name, 8, size=size)
    config = replace(CONFIG, crop=None, batch_size=1, split_config=SplitConfig((1.0, 0.0, 0.0)))
    whole = {}
    for settings in (FORKED, LoaderSettings()):
        whole[settings.num_workers] = digests(create_dataloaders(tmp_path, config, settings=settings).train)
    assert len(whole[0]) == 18
    assert whole[0] == whole[2]


def test_clips_of_different_sizes_in_one_batch_are_refused_as_without_slots(tmp_path: Path) -> None:
    for name, size in (("a", (24, 32)), ("b", (40, 48))):
        write_clip(tmp_path / name, 8, size=size)
    config = replace(CONFIG, crop=None, batch_size=12, split_config=SplitConfig((1.0, 0.0, 0.0)))
    with pytest.raises(ConfigError, match="samples of different shapes cannot be stacked"):
        list(create_dataloaders(tmp_path, config, settings=FORKED).train)


def test_without_the_memory_batches_travel_as_before(
    tree: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(count: int, size: int) -> SlotRing:
        raise RuntimeError("unable to allocate shared memory")

    monkeypatch.setattr("lift_core.data.loader.SlotRing", refused)
    with caplog.at_level(logging.WARNING):
        found = digests(create_dataloaders(tree, CONFIG, settings=FORKED).train)
    assert found == digests(create_dataloaders(tree, CONFIG, settings=LoaderSettings()).train)
    assert [r.message for r in caplog.records] == [
        "no slots, batches travel in fresh memory: unable to allocate shared memory"
    ]
