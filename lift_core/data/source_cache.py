"""SourceCache: keeps the clips opened last, in the process that opened them."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable

from lift_core.data.source import FrameSource


class SourceCache:
    """The ``capacity`` sources used last, opened on demand.

    A source opened in one process is never used in another: after a fork, and after pickling, the cache is empty.

    Args:
        open_clip: opens a clip's path.
        capacity: how many sources to keep, at least 1.
    """

    def __init__(self, open_clip: Callable[[str], FrameSource], capacity: int = 32) -> None:
        self._open = open_clip
        self._capacity = capacity
        self._sources: OrderedDict[str, FrameSource] = OrderedDict()
        self._process = os.getpid()

    def get(self, path: str) -> FrameSource:
        """The source of ``path``, opened if need be; SourceError where that fails."""
        if self._process != os.getpid():
            self._sources, self._process = OrderedDict(), os.getpid()
        if path not in self._sources:
            self._sources[path] = self._open(path)
        self._sources.move_to_end(path)
        if len(self._sources) > self._capacity:
            self._sources.popitem(last=False)
        return self._sources[path]

    def __getstate__(self) -> dict[str, object]:
        return {"_open": self._open, "_capacity": self._capacity}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._sources, self._process = OrderedDict(), os.getpid()
