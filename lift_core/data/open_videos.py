"""OpenVideos: the videos that hold a decoder in this process; only those read last keep it."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Video(Protocol):
    """What can be asked to give its decoder up; it opens another when it is next read."""

    def close(self) -> None: ...


class OpenVideos:
    """Bounds the decoders of a process, whoever holds the videos: one takes tens of megabytes.

    Videos are held by weak references. After a fork the child's copy lists videos whose decoders are the parent's;
    their `close` leaves those alone.

    Args:
        limit: how many videos may stay open, at least 1.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._videos: OrderedDict[int, weakref.ref[Video]] = OrderedDict()
        self._busy: set[int] = set()

    @contextmanager
    def reading(self, video: Video) -> Iterator[None]:
        """Keep ``video`` open while it is read, in whatever thread; then close those unread for longest."""
        number = id(video)
        self._videos[number] = weakref.ref(video)
        self._videos.move_to_end(number)
        self._busy.add(number)
        try:
            yield
        finally:
            self._busy.discard(number)
            self._close_oldest()

    def _close_oldest(self) -> None:
        # No lock: a child forked while a thread holds it would wait forever. A copy of the items is taken at once.
        for number, reference in list(self._videos.items()):
            if len(self._videos) <= self._limit:
                return
            if number not in self._busy:
                self._videos.pop(number, None)
                video = reference()
                if video is not None:
                    video.close()
