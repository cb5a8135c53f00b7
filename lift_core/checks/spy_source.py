"""SpySource: a clip that counts what is read from it and how many of its frames are alive at once."""

from __future__ import annotations

import weakref
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lift_core.checks.probe_pictures import probe_picture
from lift_core.data.source import Crop, FrameSource, empty_frames, scaled
from lift_core.errors import FrameReadError


class SpySource(FrameSource):
    """A clip of made-up pictures that keeps book: laziness is judged by counting, never by clocks.

    Args:
        length: number of frames.
        size: height and width.
        seed: of the pictures; equal seeds give equal frames.
        name: of the clip.
        timestamps: presentation times in seconds; None for a clip without.

    Attributes:
        pages: the numbers of the frames read, in order, repeats included; a list for each page of the book.
        peak: the largest number of whole frames that were alive at once. A view keeps its frame alive.
    """

    def __init__(
        self,
        length: int = 17,
        size: tuple[int, int] = (13, 29),
        *,
        seed: int = 0,
        name: str = "spied",
        timestamps: Sequence[float] | None = None,
    ) -> None:
        self._length, self._size, self._seed, self._name = length, size, seed, name
        self._timestamps = None if timestamps is None else np.asarray(timestamps, np.float64)
        self.pages: list[list[int]] = [[]]
        self.peak = 0
        self._alive = 0

    @property
    def name(self) -> str:
        return self._name

    def __len__(self) -> int:
        return self._length

    @property
    def size(self) -> tuple[int, int]:
        return self._size

    @property
    def timestamps(self) -> NDArray[np.float64] | None:
        return self._timestamps

    @property
    def reads(self) -> list[int]:
        """All frames read so far, on whatever page."""
        return [index for page in self.pages for index in page]

    def turn_page(self) -> None:
        """Begin a new page: what is read from now on is listed apart."""
        self.pages.append([])

    @property
    def alive(self) -> int:
        """How many whole frames are alive now."""
        return self._alive

    def frame(self, index: int) -> NDArray[np.uint8]:
        """Read one whole frame, RGB uint8 ``[H, W, 3]``, and count it until its memory is let go."""
        self._note(index)
        return self._counted(self.picture(index), 1)

    def frames(
        self, indices: Sequence[int], *, crop: Crop | None = None, size: tuple[int, int] | None = None
    ) -> NDArray[np.uint8]:
        """Read each different frame once; with neither crop nor size, the array counts as so many whole frames."""
        region = crop or Crop(0, 0, *self._size)
        out = empty_frames(len(indices), self._size, crop, size)
        for number in dict.fromkeys(indices):
            slots = [slot for slot, index in enumerate(indices) if index == number]
            out[slots] = scaled(region.apply(self.frame(number)), size)
        return self._counted(out, len(indices)) if crop is None and size is None else out

    def picture(self, index: int) -> NDArray[np.uint8]:
        """The content of a frame, without counting; no two frames are alike."""
        return probe_picture(*self._size, self._seed, index)

    def __getstate__(self) -> dict[str, object]:
        # The books stay with the process that reads.
        return {**self.__dict__, "pages": [[]], "peak": 0, "_alive": 0}

    def _note(self, index: int) -> None:
        if not 0 <= index < self._length:
            raise FrameReadError(f"frame {index} of a clip of {self._length} frames", where=self._name)
        self.pages[-1].append(int(index))

    def _counted(self, pictures: NDArray[np.uint8], whole_frames: int) -> NDArray[np.uint8]:
        self._alive += whole_frames
        self.peak = max(self.peak, self._alive)
        # A view's base is the array that owns the memory, so this runs when the last view is gone.
        weakref.finalize(pictures, self._let_go, whole_frames)
        return pictures

    def _let_go(self, whole_frames: int) -> None:
        self._alive -= whole_frames
