"""Small clips for tests of data sets: folders of PNG files and sources in memory, whose pixels name their frame."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lift_core.data.source import Crop, FrameSource
from lift_core.errors import FrameReadError


class ArraySource(FrameSource):
    """A clip in memory that counts its reads.

    Args:
        clip: uint8 ``[N, H, W, 3]``. timestamps: seconds, or None.
    """

    def __init__(self, clip: NDArray[np.uint8], timestamps: NDArray[np.float64] | None = None) -> None:
        self._clip = clip
        self._timestamps = timestamps
        self.calls: list[list[int]] = []

    @property
    def name(self) -> str:
        return "array"

    def __len__(self) -> int:
        return len(self._clip)

    @property
    def size(self) -> tuple[int, int]:
        return self._clip.shape[1], self._clip.shape[2]

    @property
    def timestamps(self) -> NDArray[np.float64] | None:
        return self._timestamps

    def frames(self, indices: Sequence[int], *, crop: Crop | None = None) -> NDArray[np.uint8]:
        self.calls.append(list(indices))
        if any(not 0 <= i < len(self) for i in indices):
            raise FrameReadError("frame out of range", where=indices)
        region = crop or Crop(0, 0, *self.size)
        return np.stack([region.apply(self._clip[i]) for i in indices])


def coordinate_clip(frames: int, height: int, width: int) -> NDArray[np.uint8]:
    """Pixels that say where they are: R is the row, G the column, B the frame number."""
    clip = np.empty((frames, height, width, 3), dtype=np.uint8)
    clip[..., 0] = np.arange(height)[None, :, None]
    clip[..., 1] = np.arange(width)[None, None, :]
    clip[..., 2] = np.arange(frames)[:, None, None]
    return clip


def write_clip(folder: Path, frames: int, *, size: tuple[int, int] = (24, 32), first: int = 1, shade: int = 0) -> Path:
    """Write ``coordinate_clip`` as im01.png, im02.png, …; ``shade`` is added to R, to tell clips apart."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(coordinate_clip(frames, *size)):
        frame[..., 0] += np.uint8(shade)
        cv2.imwrite(str(folder / f"im{number + first:02d}.png"), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    return folder


def write_vimeo(root: Path, categories: int, clips: int, frames: int, *, size: tuple[int, int] = (24, 32)) -> Path:
    """Write ``sequences/<category>/<clip>/imNN.png``; the shade of a clip is its number."""
    for category in range(categories):
        for clip in range(clips):
            folder = root / "sequences" / f"{category + 1:05d}" / f"{clip + 1:04d}"
            write_clip(folder, frames, size=size, shade=category * clips + clip)
    return root
