"""VideoFileSource: the frames of a video file, frame-exact and decoded only where they are asked for."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import av
import numpy as np
from numpy.typing import NDArray

from lift_core.data.open_videos import OpenVideos
from lift_core.data.source import Crop, FrameSource, empty_frames
from lift_core.data.video_colour import Colour, Matrix, Orientation, Range, RgbConverter, choose_colour
from lift_core.data.video_container import FileMark, file_mark, logger
from lift_core.data.video_decoder import Decoder
from lift_core.data.video_index import VideoIndex
from lift_core.data.video_index_cache import cached_index, is_remembered
from lift_core.errors import FrameReadError, SourceError


@dataclass(frozen=True)
class _Opened:
    """What opening the file once has told; it travels to other processes."""

    index: VideoIndex
    colour: Colour


class _WarnOnce:
    """Gives each warning once, however often the file is opened; a copy knows what was given."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def __call__(self, warning: str) -> None:
        if warning not in self._given:
            self._given.add(warning)
            logger.warning("%s", warning)


class VideoFileSource(FrameSource):
    """A video file as a clip: its frames in presentation order, by number.

    The first use demuxes the file once to index it; the index is kept in the user's cache folder, so that the file is
    indexed again only after it has changed. Reading seeks to the key frame that a wanted frame needs, decodes forward
    in one pass, and keeps the wanted frames only. A frame is matched by its exact presentation time, so what is
    returned is frame ``i`` of a decode from the start, whatever the container, or an error. The decoder stays open for
    the next read; of all videos of a process the eight read last keep theirs. Threads may share a source: they read it
    one after the other.

    Frames are turned and mirrored as the file's display matrix says; pixels that are not square stay so. Several
    video streams: the first one.

    Args:
        path: the file.
        matrix: colour matrix, where the file's tag is missing or wrong; see `choose_colour` for the default.
        colour_range: limited or full, likewise.
        threads: decoder threads; 1 suits loaders with worker processes, 0 lets FFmpeg choose.

    Raises:
        SourceError: no such file; on first use no video container, no video stream, no frame to decode; and when the
            file is opened again, that it has changed or is gone.
        ConfigError: on first use, an unknown matrix or range.
    """

    # A decoder with threads that was opened before a fork cannot even be closed in the child: its threads are not
    # there to be joined. Such decoders are kept until the child ends.
    _inherited: ClassVar[list[Decoder]] = []
    _open_videos: ClassVar[OpenVideos] = OpenVideos(limit=8)

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        matrix: Matrix | None = None,
        colour_range: Range | None = None,
        threads: int = 1,
    ) -> None:
        self._path = Path(path)
        file_mark(self._path)
        self._matrix: Matrix | None = matrix
        self._range: Range | None = colour_range
        self._threads = threads
        self._known: _Opened | None = None
        self._mark: FileMark | None = None
        self._warn = _WarnOnce()
        # One for each process: a child forked while a thread of its parent reads must not wait for that thread.
        self._locks: dict[int, threading.Lock] = {}
        self._forget()

    def _forget(self) -> None:
        self._decoder: Decoder | None = None
        self._converter: RgbConverter | None = None
        self._process = os.getpid()

    def __getstate__(self) -> dict[str, object]:
        state = {**self.__dict__, "_decoder": None, "_converter": None, "_locks": {}}
        # An index may take megabytes: it does not travel where the other side finds it in the cache folder.
        return {**state, "_known": None} if is_remembered(self._path) else state

    @property
    def name(self) -> str:
        return self._path.as_posix()

    def __len__(self) -> int:
        return self._opened.index.count

    @property
    def size(self) -> tuple[int, int]:
        return self._opened.index.pictures.displayed_size

    @property
    def timestamps(self) -> NDArray[np.float64] | None:
        pts = self.pts
        return None if pts is None else np.asarray(pts * float(self.time_base), np.float64)

    @property
    def pts(self) -> NDArray[np.int64] | None:
        """Presentation times in units of `time_base`, ``[len]``, strictly increasing; None where there are none."""
        return self._opened.index.times

    @property
    def time_base(self) -> Fraction:
        """Seconds per unit of `pts`."""
        return self._opened.index.time_base

    @property
    def frame_rate(self) -> Fraction | None:
        """Average frames per second as the file states it."""
        return self._opened.index.frame_rate

    @property
    def held_bytes(self) -> int:
        return 0 if self._known is None else self._known.index.nbytes

    @property
    def fingerprint(self) -> str:
        return repr((self._opened.index.mark, self.colour))

    @property
    def colour(self) -> Colour:
        """The matrix and range that frames are converted with, and the file's other tags."""
        return self._opened.colour

    @property
    def orientation(self) -> Orientation:
        """How stored pictures are turned; frames have it applied already."""
        return self._opened.index.pictures.orientation

    @property
    def pixel_format(self) -> str:
        """FFmpeg's name of the stored format, ``yuv420p`` for example."""
        return self._opened.index.pictures.pixel_format

    @property
    def sample_aspect_ratio(self) -> Fraction:
        """Width over height of a displayed pixel; 1 where the file does not tell."""
        ratio = self._opened.index.aspect_ratio
        return 1 / ratio if self.orientation.transpose else ratio

    def close(self) -> None:
        """Close the file once no thread reads it; reading opens it again."""
        with self._lock:
            self._close()

    def close_if_idle(self) -> bool:
        """Close the file unless a thread is reading it; whether none was."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            self._close()
        finally:
            self._lock.release()
        return True

    @property
    def _lock(self) -> threading.Lock:
        # Of threads that ask at the same time all get the one that came first.
        return self._locks.setdefault(os.getpid(), threading.Lock())

    def _close(self) -> None:
        if self._decoder is not None and self._process == os.getpid():
            self._decoder.close()
            self._forget()

    def frames(
        self, indices: Sequence[int], *, crop: Crop | None = None, size: tuple[int, int] | None = None
    ) -> NDArray[np.uint8]:
        slots: dict[int, list[int]] = {}
        for slot, index in enumerate(indices):
            slots.setdefault(self._checked(index), []).append(slot)
        region = crop or Crop(0, 0, *self.size)
        region.check_inside(*self.size)
        out = empty_frames(len(indices), self.size, crop, size)
        with self._open_videos.reading(self), self._lock:
            for index, picture, convert in self._pictures(sorted(slots)):
                first, *others = slots[index]
                convert(picture, region, out[first])
                out[others] = out[first]
                # The decoder uses a picture's memory again once nobody holds it.
                del picture
        return out

    def _pictures(self, wanted: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame, RgbConverter]]:
        try:
            decoder, convert = self._handle()
            for index, picture in decoder.pictures(wanted):
                self._check_size(index, picture)
                yield index, picture, convert
                del picture
        except SourceError:
            # The file could not be opened again: the next reading starts afresh.
            self._close()
            raise

    def _check_size(self, index: int, picture: av.VideoFrame) -> None:
        height, width = self.orientation.displayed_size(picture.height, picture.width)
        if (height, width) != self.size:
            raise FrameReadError(
                f"frame {index} is {height}x{width}, but frame 0 is {self.size[0]}x{self.size[1]}",
                where=self.name,
                fix="All frames of a clip have one size: cut the file where its size changes.",
            )

    def _checked(self, index: int) -> int:
        if not 0 <= index < len(self):
            raise FrameReadError(f"frame {index} of a clip of {len(self)} frames", where=self.name)
        return int(index)

    @property
    def _opened(self) -> _Opened:
        if self._known is None:
            index = cached_index(self._path)
            self._check_unchanged(index.mark)
            self._mark = index.mark
            self._known = _Opened(index, choose_colour(index.pictures, self._matrix, self._range))
            if index.warning:
                self._warn(index.warning)
        return self._known

    def _handle(self) -> tuple[Decoder, RgbConverter]:
        """The decoder and converter of this process, opened when it first reads."""
        if self._decoder is not None and self._process != os.getpid():
            self._inherited.append(self._decoder)
            self._forget()
        if self._decoder is None or self._converter is None:
            self._process = os.getpid()
            self._decoder = self._open_decoder()
            self._converter = RgbConverter(self._opened.colour, self.orientation)
        return self._decoder, self._converter

    def _open_decoder(self) -> Decoder:
        index = self._opened.index
        self._check_unchanged(file_mark(self._path))
        return index.open_decoder(self._path, self._threads, self._warn)

    def _check_unchanged(self, mark: FileMark) -> None:
        if self._mark is not None and not mark.is_of_same_content(self._mark):
            raise SourceError("the file has changed since it was opened", where=self.name, fix="Open it again.")
