"""SourceCache: remembers the clips opened last, and keeps few of their files open."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from lift_core.data.source import FrameSource


@runtime_checkable
class _Closable(Protocol):
    def close(self) -> None: ...


class SourceCache:
    """Opens clips on demand, once.

    What a source has learnt about its clip (a video's index, an image folder's size) is kept, and reaches worker
    processes by fork or pickle, so that they need not learn it again. Handles are kept for the clips used last only:
    a video's decoder holds tens of megabytes.

    Args:
        open_clip: opens a clip's path.
        known: how many sources to remember, at least 1.
        handles: how many of them may hold a file open, at least 1.
        known_bytes: memory that they may take by their `held_bytes`; the one used last may take more.
    """

    def __init__(
        self, open_clip: Callable[[str], FrameSource], known: int = 1024, handles: int = 8, known_bytes: int = 2**28
    ) -> None:
        self._open = open_clip
        self._known = known
        self._known_bytes = known_bytes
        self._handles = handles
        self._sources: OrderedDict[str, FrameSource] = OrderedDict()
        self._hot: OrderedDict[str, None] = OrderedDict()

    def get(self, path: str) -> FrameSource:
        """The source of ``path``, opened if need be; SourceError where that fails."""
        if path not in self._sources:
            self._sources[path] = self._open(path)
            self._forget_oldest()
        self._sources.move_to_end(path)
        self._hot[path] = None
        self._hot.move_to_end(path)
        if len(self._hot) > self._handles:
            self._close(self._hot.popitem(last=False)[0])
        return self._sources[path]

    def _forget_oldest(self) -> None:
        held = sum(source.held_bytes for source in self._sources.values())
        while len(self._sources) > 1 and (len(self._sources) > self._known or held > self._known_bytes):
            path, source = next(iter(self._sources.items()))
            held -= source.held_bytes
            self._close(path)
            del self._sources[path]

    def close(self) -> None:
        """Close every handle; sources stay known and open again when read."""
        for path in self._hot:
            self._close(path)
        self._hot.clear()

    def _close(self, path: str) -> None:
        source = self._sources.get(path)
        if isinstance(source, _Closable):
            source.close()
