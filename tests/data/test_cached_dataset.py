"""CachedDataset: reads once, keeps to its bound, lets nobody change what it holds, and counts over workers."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from lift_core.data.cached_dataset import CachedDataset
from lift_core.data.frame_sequences import FrameSequenceDataset
from lift_core.data.window import FrameWindow
from lift_core.errors import ConfigError
from tests.data.clip_trees import write_clip

SIZE = 400


class Counted(Dataset[Tensor]):
    """Sample i is 100 floats of value i; reads are counted in this process."""

    def __init__(self, count: int = 10) -> None:
        self.count = count
        self.reads: list[int] = []

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Tensor:
        self.reads.append(index)
        return torch.full((100,), float(index))


def test_a_sample_is_read_once_and_varied_anew_each_time() -> None:
    inner, draws = Counted(), iter(range(1, 10))
    cached = CachedDataset(inner, lambda sample: sample + 1000 * next(draws), max_bytes=10 * SIZE)
    assert [int(cached[3][0]) for _ in range(3)] == [1003, 2003, 3003]
    assert inner.reads == [3]
    assert (cached.hits, cached.misses, cached.held_bytes) == (2, 1, SIZE)


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(0, 6))
def test_it_keeps_what_was_used_last_within_its_bound(indices: list[int], room: int) -> None:
    inner = Counted()
    cached = CachedDataset(inner, max_bytes=room * SIZE + SIZE // 2)
    kept: OrderedDict[int, None] = OrderedDict()
    reads = []
    for index in indices:
        assert int(cached[index][0]) == index
        if index not in kept:
            reads.append(index)
        kept[index] = None
        kept.move_to_end(index)
        if len(kept) > room:
            kept.popitem(last=False)
        assert cached.held_bytes == len(kept) * SIZE <= cached.max_bytes
    assert inner.reads == reads
    assert (cached.hits, cached.misses) == (len(indices) - len(reads), len(reads))


def test_a_transform_that_changes_its_sample_in_place_spoils_nothing() -> None:
    cached = CachedDataset(Counted(), lambda sample: sample.mul_(0), max_bytes=SIZE)
    assert cached[5].sum() == 0
    cached.transform = None
    cached[5].add_(1)
    assert bool((cached[5] == 5).all())


@dataclass
class Picture:
    pixels: np.ndarray


class Pictures(Dataset[Picture]):
    """Pictures of a million bytes."""

    def __getitem__(self, index: int) -> Picture:
        return Picture(np.full(1_000_000, index, np.uint8))


def test_the_bound_holds_for_dataclasses() -> None:
    cached = CachedDataset(Pictures(), max_bytes=2_100_000)
    for index in range(100):
        assert cached[index].pixels[0] == index
    assert [cached[index].pixels[0] for index in (98, 99)] == [98, 99]
    assert (cached.hits, cached.misses) == (2, 100)
    assert 2_000_000 <= cached.held_bytes <= cached.max_bytes


def test_a_sample_that_cannot_be_counted_is_refused() -> None:
    cached: CachedDataset[object] = CachedDataset([(n for n in range(3))], max_bytes=1000)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="holds a generator"):
        cached[0]


@pytest.mark.parametrize(("method", "workers"), [("fork", 2), ("spawn", 1)])
def test_workers_have_caches_of_their_own_and_counts_in_common(method: str, workers: int) -> None:
    cached = CachedDataset(Counted(), max_bytes=10 * SIZE)
    options: dict[str, Any] = {"num_workers": workers, "multiprocessing_context": method, "persistent_workers": True}
    loader = DataLoader(cached, batch_size=1, **options)
    for epoch in (1, 2):
        assert [int(batch[0, 0]) for batch in loader] == list(range(10))
        assert (cached.misses, cached.hits) == (10, 10 * (epoch - 1))
    assert cached.held_bytes == 0


def test_samples_are_not_sent_to_other_processes() -> None:
    cached = CachedDataset(Counted(), max_bytes=100 * SIZE)
    empty = len(pickle.dumps(cached.__getstate__()["_kept"]))
    for index in range(10):
        cached[index]
    assert len(pickle.dumps(cached.__getstate__()["_kept"])) == empty


def test_a_negative_bound_is_refused() -> None:
    with pytest.raises(ConfigError):
        CachedDataset(Counted(), max_bytes=-1)


def test_samples_of_clips_keep_their_references_a_view_of_the_frames(tmp_path: Path) -> None:
    write_clip(tmp_path / "c", 5)
    cached = CachedDataset(FrameSequenceDataset(tmp_path, FrameWindow.uniform(2, 2), split="all"), max_bytes=10**6)
    for _ in range(2):
        sample = cached[1]
        assert sample["ref_frames"].data_ptr() == sample["frames"].data_ptr()
    assert cached.held_bytes < 3 * 3 * 24 * 32 * 4 + 2000
