"""CachedDataset: keeps samples that were read before, up to a number of bytes, and varies them afterwards."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from torch.utils.data import Dataset

from lift_core.data.held_memory import size_in_bytes
from lift_core.data.shared_counter import SharedCounter
from lift_core.errors import ConfigError

_T = TypeVar("_T")


class CachedDataset(Dataset[_T]):
    """Samples of another data set, kept in memory once read; the least recently used make room for new ones.

    What is random belongs into ``transform``, which is applied to a copy of what the cache holds, anew each time. Were
    it inside ``dataset``, the first draw would be kept and every epoch would see the same picture.

    Every process has a cache of its own: W workers hold up to W times ``max_bytes``. With ``persistent_workers`` it
    lasts from one epoch to the next; without, it ends with the epoch. Forked workers start with what the main process
    has read, spawned ones with nothing.

    Args:
        dataset: reads samples, the same one for the same index.
        transform: what varies: called with a sample that is its own to change.
        max_bytes: of all samples kept in one process, as `size_in_bytes` counts them. A sample that is larger is not
            kept.

    Raises:
        ConfigError: a negative bound, or, when it is read, a sample whose memory cannot be counted.
    """

    def __init__(self, dataset: Dataset[_T], transform: Callable[[_T], _T] | None = None, *, max_bytes: int) -> None:
        if max_bytes < 0:
            raise ConfigError(f"a cache of {max_bytes} bytes", fix="Choose 0 or more.")
        self.dataset = dataset
        self.transform = transform
        self.max_bytes = max_bytes
        self._kept: OrderedDict[Hashable, tuple[_T, int]] = OrderedDict()
        self._held = 0
        self._hits, self._misses = SharedCounter(), SharedCounter()

    @property
    def hits(self) -> int:
        """Samples found in a cache so far, in all worker processes together."""
        return self._hits.total

    @property
    def misses(self) -> int:
        """Samples that had to be read so far, in all worker processes together."""
        return self._misses.total

    @property
    def held_bytes(self) -> int:
        """Bytes of the samples that this process keeps."""
        return self._held

    def __len__(self) -> int:
        return len(self.dataset)  # type: ignore[arg-type]  # torch's Dataset leaves __len__ to its subclasses

    def __getitem__(self, index: int) -> _T:
        if index in self._kept:
            self._hits.add()
            self._kept.move_to_end(index)
            sample = self._kept[index][0]
        else:
            self._misses.add()
            sample = self.dataset[index]
            self._keep(index, sample)
        mine = copy.deepcopy(sample)
        return mine if self.transform is None else self.transform(mine)

    def _keep(self, index: int, sample: _T) -> None:
        size = size_in_bytes(sample)
        if size > self.max_bytes:
            return
        while self._held + size > self.max_bytes:
            _, (_, freed) = self._kept.popitem(last=False)
            self._held -= freed
        self._kept[index] = (sample, size)
        self._held += size

    def __getstate__(self) -> dict[str, Any]:
        # A spawned worker would be sent every sample through a pipe; it reads those that it needs instead.
        return {**self.__dict__, "_kept": OrderedDict(), "_held": 0}
