"""FrameGallery: keeps the hidden frames that a method made worst and best, in bounded memory, for the figure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lift_core.errors import ConfigError
from lift_core.inference.evaluation_rows import FrameRow
from lift_core.viz.worst_and_best import ComparedFrame, MadeFrame

_WIDEST, _TALLEST = 480, 960
"""Pictures are kept no larger than this, in pixels; errors are taken at full size before."""


@dataclass(eq=False)
class _Kept:
    row: FrameRow
    order: int
    truth: NDArray[np.uint8]
    made: dict[str, MadeFrame] = field(default_factory=dict)


def _badness(kept: _Kept) -> tuple[float, int]:
    """Worst first; among equals the one that came first."""
    return kept.row.psnr, kept.order


def _goodness(kept: _Kept) -> tuple[float, int]:
    return -kept.row.psnr, kept.order


class FrameGallery:
    """The hidden frames that one method makes worst and best, and what every method made of them.

    Frames are shown clip by clip: all of a clip by ``method``, then the same by the others, then `keep` or `forget`.

    Args:
        method: whose PSNR decides.
        count: how many worst and how many best frames are kept. At most four times as many are held at any time,
            whatever is shown.

    Raises:
        ConfigError: a count below 1.
    """

    def __init__(self, method: str, count: int = 3) -> None:
        if count < 1:
            raise ConfigError(f"a figure of {count} frames shows nothing.", fix="Use 1 or more.")
        self.method = method
        self._count = count
        self._shown = 0
        self._worst: list[_Kept] = []
        self._best: list[_Kept] = []
        self._worst_of_clip: list[_Kept] = []
        self._best_of_clip: list[_Kept] = []

    def show(self, row: FrameRow, made: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        """Look at one frame that was made.

        Args:
            row: what was found of it.
            made, truth: RGB uint8 ``[H, W, 3]`` of one size.
        """
        if row.method == self.method:
            kept = _Kept(row, self._shown, _small(truth))
            self._shown += 1
            self._worst_of_clip = self._first([*self._worst_of_clip, kept], _badness)
            self._best_of_clip = self._first([*self._best_of_clip, kept], _goodness)
        for kept in (*self._worst_of_clip, *self._best_of_clip):
            if kept.row.frame == row.frame and row.method not in kept.made:
                kept.made[row.method] = _made(row, made, truth)

    def keep(self) -> None:
        """The clip is complete: its frames count."""
        self._worst = self._first(self._worst + self._worst_of_clip, _badness)
        self._best = self._first(self._best + self._best_of_clip, _goodness)
        self.forget()

    def forget(self) -> None:
        """The clip failed: drop what was shown of it."""
        self._worst_of_clip, self._best_of_clip = [], []

    def worst(self) -> list[ComparedFrame]:
        """The worst frames, worst first."""
        return [_compared(kept) for kept in self._worst]

    def best(self) -> list[ComparedFrame]:
        """The best frames, best first; in a short evaluation, those that are among the worst too are left out."""
        return [_compared(kept) for kept in self._best if kept not in self._worst]

    def _first(self, kept: list[_Kept], key: Callable[[_Kept], tuple[float, int]]) -> list[_Kept]:
        return sorted(kept, key=key)[: self._count]


def _made(row: FrameRow, made: NDArray[np.uint8], truth: NDArray[np.uint8]) -> MadeFrame:
    error = np.abs(made.astype(np.float32) - truth).mean(axis=2)
    return MadeFrame(_small(made), _small(error), row.psnr)


def _compared(kept: _Kept) -> ComparedFrame:
    row = kept.row
    # A name may hold bytes that are no UTF-8, and no font or PNG has them.
    clip = row.clip.encode(errors="replace").decode()
    return ComparedFrame(clip, row.frame, f"motion {row.motion_px:.1f} px ({row.motion})", kept.truth, kept.made)


def _small(picture: NDArray[Any]) -> NDArray[Any]:
    """The picture, or a copy of it that is small enough to keep."""
    height, width = picture.shape[:2]
    scale = min(_WIDEST / width, _TALLEST / height)
    if scale >= 1:
        return picture
    return cv2.resize(
        picture, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
    )
