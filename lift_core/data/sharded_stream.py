"""ShardedIterableDataset: one stream of items, dealt out to all ranks and workers like cards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Generic, TypeVar

import torch.distributed
from torch.utils.data import IterableDataset, get_worker_info

from lift_core.errors import ConfigError

_Item = TypeVar("_Item")
_Sample = TypeVar("_Sample")


class ShardedIterableDataset(IterableDataset[_Sample], Generic[_Item, _Sample]):
    """Samples of a stream, each served by exactly one worker of one rank.

    Of R ranks, item ``i`` goes to rank ``i mod R``, and there, of its W workers, to worker ``(i // R) mod W``: nothing
    twice, nothing lost, whatever the length, also where ranks have different numbers of workers. Without this, each
    worker would serve the whole stream.

    Every worker walks the whole stream and drops what is not its own. So the stream holds descriptions that cost
    little, such as paths, and ``read`` does the work, for the worker's own items only.

    Ranks get different numbers of samples, by at most 1, where R does not divide the length. A training that waits for
    all ranks in each step must stop them together (``torch.distributed.algorithms.join.Join``), or cut the stream to a
    multiple of R and give all ranks as many workers, so that they make as many batches.

    Args:
        stream: called at the start of each epoch, in each worker; yields the same items in the same order everywhere.
        read: makes a sample of an item.
        rank, world_size: of this process; by default those of torch.distributed, or 0 of 1 where it is not running.
            They are looked up here and not in the workers, where it never runs.

    Raises:
        ConfigError: a rank that the world does not have.
    """

    def __init__(
        self,
        stream: Callable[[], Iterable[_Item]],
        read: Callable[[_Item], _Sample],
        *,
        rank: int | None = None,
        world_size: int | None = None,
    ) -> None:
        self._stream = stream
        self._read = read
        self.rank, self.world_size = settled_rank(rank, world_size)

    def __iter__(self) -> Iterator[_Sample]:
        first, step = self.share()
        return map(self._read, islice(self._stream(), first, None, step))

    def share(self) -> tuple[int, int]:
        """The first item of the stream that this process serves, and the step from one of its items to the next."""
        number, workers = this_worker()
        return self.rank + self.world_size * number, self.world_size * workers


def settled_rank(rank: int | None, world_size: int | None) -> tuple[int, int]:
    """Rank and world size, by default those of torch.distributed, or 0 of 1 where it is not running.

    Raises:
        ConfigError: a rank that the world does not have.
    """
    running = torch.distributed.is_available() and torch.distributed.is_initialized()
    rank = rank if rank is not None else torch.distributed.get_rank() if running else 0
    world_size = world_size if world_size is not None else torch.distributed.get_world_size() if running else 1
    if not 0 <= rank < world_size:
        raise ConfigError(f"rank {rank} of {world_size} does not exist", fix="Count from 0.")
    return rank, world_size


def this_worker() -> tuple[int, int]:
    """The number of this worker process and how many there are; 0 of 1 outside a worker."""
    worker = get_worker_info()
    return (0, 1) if worker is None else (worker.id, worker.num_workers)
