"""StepBatches: the batches of one optimizer step after another, which can be gone through again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain

import torch

from lift_core.data.prefetch import DevicePrefetcher
from lift_core.data.sample import Batch


class StepBatches:
    """Deals a loader's batches out to optimizer steps, on their device, the next one on its way.

    Until a step is done its batches also stay in host memory, as bytes, so that a step that failed can be done again.

    Args:
        batches: of a loader, in host memory.
        number: how many there are.
        accumulate: batches of one step; the last step of an epoch may get fewer.
        device: where the step computes.
    """

    def __init__(self, batches: Iterable[Batch], number: int, accumulate: int, device: torch.device) -> None:
        self._host: deque[Batch] = deque()
        self._left = number
        self._accumulate = accumulate
        self._device = device
        self._moved = iter(DevicePrefetcher(_remembered(batches, self._host), device))

    def __iter__(self) -> Iterator[StepGroup]:
        """The steps; asking for the next one lets go of the batches of the last."""
        while self._left:
            count = min(self._accumulate, self._left)
            self._left -= count
            yield StepGroup(self._moved, self._host, count, self._device)
            for _ in range(count):
                self._host.popleft()


class StepGroup:
    """The batches of one step, float32 in [0, 1] on their device; each is valid until the next one is taken."""

    def __init__(self, moved: Iterator[Batch], host: deque[Batch], count: int, device: torch.device) -> None:
        self._moved = moved
        self._host = host
        self._count = count
        self._device = device
        self._given = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Batch]:
        """All batches from the first; those that were given before are moved once more."""
        again = DevicePrefetcher([self._host[place] for place in range(self._given)], self._device)
        return chain(again, self._rest())

    def _rest(self) -> Iterator[Batch]:
        while self._given < self._count:
            self._given += 1
            yield next(self._moved)


# Not a method: a generator that holds its owner is a cycle, in which a loader's workers would live on.
def _remembered(batches: Iterable[Batch], host: deque[Batch]) -> Iterator[Batch]:
    for batch in batches:
        host.append(batch)
        yield batch
        del batch
