"""SharedCounter: one count that all worker processes add to."""

from __future__ import annotations

import torch
from torch.utils.data import get_worker_info

_SLOTS = 257


class SharedCounter:
    """A count in shared memory with one slot per worker, so that no two processes write the same number.

    Works under every start method: a forked worker inherits the memory, a spawned one receives its handle.
    """

    def __init__(self) -> None:
        self._counts = torch.zeros(_SLOTS, dtype=torch.int64).share_memory_()

    def add(self) -> None:
        """Add one, in this process."""
        worker = get_worker_info()
        slot = 0 if worker is None else 1 + worker.id % (_SLOTS - 1)
        self._counts[slot] += 1

    @property
    def total(self) -> int:
        """What all processes have added so far."""
        return int(self._counts.sum())
