"""SourceCache: remembers the clips opened last, and what was learnt about them."""

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
    processes by fork or pickle, so that they need not learn it again. How many of them hold a decoder is bounded
    elsewhere: by `OpenVideos`, for the whole process.

    Args:
        open_clip: opens a clip's path.
        known: how many sources to remember, at least 1.
        known_bytes: memory that they may take by their `held_bytes`; the one used last may take more.
    """

    def __init__(self, open_clip: Callable[[str], FrameSource], known: int = 1024, known_bytes: int = 2**28) -> None:
        self._open = open_clip
        self._known = known
        self._known_bytes = known_bytes
        self._sources: OrderedDict[str, FrameSource] = OrderedDict()

    def get(self, path: str) -> FrameSource:
        """The source of ``path``, opened if need be; SourceError where that fails."""
        if path not in self._sources:
            self._sources[path] = self._open(path)
            self._forget_oldest()
        self._sources.move_to_end(path)
        return self._sources[path]

    def _forget_oldest(self) -> None:
        held = sum(source.held_bytes for source in self._sources.values())
        while len(self._sources) > 1 and (len(self._sources) > self._known or held > self._known_bytes):
            _, source = self._sources.popitem(last=False)
            held -= source.held_bytes
            _close(source)

    def close(self) -> None:
        """Close every handle; sources stay known and open again when read."""
        for source in self._sources.values():
            _close(source)


def _close(source: FrameSource) -> None:
    if isinstance(source, _Closable):
        source.close()
