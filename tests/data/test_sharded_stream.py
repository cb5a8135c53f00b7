"""ShardedIterableDataset: every item once, over any number of ranks and workers and any length."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from lift_core.data import sharded_stream
from lift_core.data.sharded_stream import ShardedIterableDataset
from lift_core.errors import ConfigError


class Numbers:
    """A stream of 0 to count - 1 that is pickled and begins anew whenever it is asked."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __call__(self) -> Iterator[int]:
        return iter(range(self.count))


def same(item: int) -> int:
    return item


@given(count=st.integers(0, 60), workers_by_rank=st.lists(st.integers(0, 4), min_size=1, max_size=5))
def test_every_item_is_served_once_by_its_rank_and_worker(count: int, workers_by_rank: list[int]) -> None:
    world = len(workers_by_rank)
    by_rank: list[int] = []
    for rank, workers in enumerate(workers_by_rank):
        dataset = ShardedIterableDataset(Numbers(count), same, rank=rank, world_size=world)
        dealt = [item for item in range(count) if item % world == rank]
        by_rank.append(0)
        for worker in range(max(workers, 1)):
            info = SimpleNamespace(id=worker, num_workers=workers) if workers else None
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(sharded_stream, "get_worker_info", lambda info=info: info)
                served = list(dataset)
            assert served == [item for item in dealt if item // world % max(workers, 1) == worker]
            by_rank[rank] += len(served)
        assert by_rank[rank] == len(dealt)
    assert sum(by_rank) == count
    assert max(by_rank) - min(by_rank) <= 1


@pytest.mark.parametrize("workers_by_rank", [(0, 0), (1, 2), (2, 2), (0, 2)])
@pytest.mark.parametrize("count", [0, 7, 12])
def test_real_workers_serve_every_item_once_in_each_epoch(workers_by_rank: tuple[int, ...], count: int) -> None:
    loaders = [
        DataLoader(
            ShardedIterableDataset(Numbers(count), same, rank=rank, world_size=2),
            batch_size=None,
            num_workers=workers,
            multiprocessing_context="fork" if workers else None,
            persistent_workers=workers > 0,
        )
        for rank, workers in enumerate(workers_by_rank)
    ]
    for _ in range(2):
        assert sorted(int(item) for loader in loaders for item in loader) == list(range(count))


def test_only_items_of_the_own_share_are_read() -> None:
    reads: list[int] = []
    dataset = ShardedIterableDataset(Numbers(10), lambda item: reads.append(item) or item, rank=1, world_size=3)
    assert list(dataset) == reads == [1, 4, 7]


def test_an_endless_stream_may_be_sharded() -> None:
    def endless() -> Iterator[int]:
        number = 0
        while True:
            yield number
            number += 1

    samples = iter(ShardedIterableDataset(endless, same, rank=1, world_size=2))
    assert [next(samples) for _ in range(3)] == [1, 3, 5]


def test_the_rank_is_that_of_the_running_group_and_reaches_other_processes(tmp_path: object) -> None:
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1)
    try:
        dataset = ShardedIterableDataset(Numbers(3), same)
    finally:
        torch.distributed.destroy_process_group()
    assert (dataset.rank, dataset.world_size) == (0, 1)
    far = pickle.loads(pickle.dumps(ShardedIterableDataset(Numbers(3), same, rank=4, world_size=5)))
    assert far.share() == (4, 5)


@pytest.mark.parametrize(("rank", "world"), [(2, 2), (-1, 2), (0, 0)])
def test_a_rank_that_does_not_exist_is_refused(rank: int, world: int) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        ShardedIterableDataset(Numbers(3), same, rank=rank, world_size=world)
