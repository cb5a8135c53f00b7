"""OpenVideos: the videos that hold a decoder in this process; only those read last keep it."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Video(Protocol):
    """What can be asked to give its decoder up; it opens another when it is next read."""

    def close_if_idle(self) -> bool:
        """Close, unless a thread is reading: then False, at once."""


class OpenVideos:
    """Bounds the decoders of a process, whoever holds the videos: one takes tens of megabytes.

    Videos are held by weak references. After a fork the child's copy lists videos whose decoders are the parent's;
    their `close_if_idle` leaves those alone.

    Args:
        limit: how many videos may stay open, at least 1; those being read do, however many.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._videos: dict[int, weakref.ref[Video]] = {}

    @contextmanager
    def reading(self, video: Video) -> Iterator[None]:
        """Count ``video`` as open while it is read, in whatever thread; then close those unread for longest."""
        self._list_last(video)
        try:
            yield
        finally:
            # Again, because another thread may have closed it before this one began to read.
            self._list_last(video)
            self._close_oldest()

    def _list_last(self, video: Video) -> None:
        self._videos.pop(id(video), None)
        self._videos[id(video)] = weakref.ref(video)

    def _close_oldest(self) -> None:
        # No lock: a child forked while a thread holds it would wait forever. A copy is taken at once.
        for number, reference in self._videos.copy().items():
            if len(self._videos) <= self._limit:
                return
            video = reference()
            if video is None or video.close_if_idle():
                self._videos.pop(number, None)
