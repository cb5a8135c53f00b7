"""FrameSource: random access to the frames of one clip, whatever it is stored in."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lift_core.errors import ConfigError


@dataclass(frozen=True)
class Crop:
    """A rectangle of a frame, in pixels: rows ``top`` to ``top + height``, columns ``left`` to ``left + width``."""

    top: int
    left: int
    height: int
    width: int

    def apply(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Cut the rectangle out of ``image`` ``[H, W, 3]``; a view, not a copy.

        Raises:
            ConfigError: the rectangle reaches beyond the image.
        """
        self.check_inside(image.shape[0], image.shape[1])
        return image[self.top : self.top + self.height, self.left : self.left + self.width]

    def check_inside(self, height: int, width: int) -> None:
        """Raise ConfigError where the rectangle reaches beyond an image of that size."""
        bottom, right = self.top + self.height, self.left + self.width
        if min(self.top, self.left) < 0 or bottom > height or right > width:
            raise ConfigError(
                f"crop rows {self.top}:{bottom}, columns {self.left}:{right} reaches beyond"
                f" an image of {height}x{width}",
                fix="Choose a crop no larger than the frames.",
            )


def scaled(image: NDArray[np.uint8], size: tuple[int, int] | None) -> NDArray[np.uint8]:
    """Scale ``image`` ``[H, W, 3]`` or ``[H, W]`` to ``size`` (height, width); None leaves it as it is.

    Each new pixel is the mean of the area that it covers (cv2.INTER_AREA); where the picture grows in height or width,
    bilinear interpolation.

    Raises:
        ConfigError: a size below 1x1.
    """
    if size is None or size == image.shape[:2]:
        return image
    height, width = size
    if min(size) < 1:
        raise ConfigError(f"frames cannot be scaled to {height}x{width}", fix="Choose a size of at least 1x1.")
    grows = height > image.shape[0] or width > image.shape[1]
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR if grows else cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def file_state(path: str | os.PathLike[str]) -> tuple[int, int, int] | None:
    """What changes when a file is written anew: bytes, time of change in nanoseconds, inode; None for no file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def empty_frames(
    count: int, whole: tuple[int, int], crop: Crop | None, size: tuple[int, int] | None
) -> NDArray[np.uint8]:
    """Room for ``count`` frames as `FrameSource.frames` returns them, where whole frames are ``whole``."""
    height, width = size or ((crop.height, crop.width) if crop else whole)
    if min(height, width) < 1:
        raise ConfigError(f"frames cannot be read as {height}x{width}", fix="Choose a size of at least 1x1.")
    return np.empty((count, height, width, 3), np.uint8)


class FrameSource(ABC):
    """Random access to the frames of one clip.

    A source is cheap to make and picklable. It opens its file handle in the process that first reads, never
    before: a decoder opened before a fork hangs the worker that inherits it.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """A stable text id: the clip's path as it was given, with forward slashes."""

    @abstractmethod
    def __len__(self) -> int:
        """The number of frames that can be decoded (never what a header claims)."""

    @property
    @abstractmethod
    def size(self) -> tuple[int, int]:
        """Height and width of every frame in pixels, as displayed (rotation applied)."""

    @property
    @abstractmethod
    def timestamps(self) -> NDArray[np.float64] | None:
        """Presentation times in seconds, ``[len]``, strictly increasing; None where the clip carries none."""

    @abstractmethod
    def frames(
        self, indices: Sequence[int], *, crop: Crop | None = None, size: tuple[int, int] | None = None
    ) -> NDArray[np.uint8]:
        """Read frames in the order of ``indices``, which may repeat and need not be sorted.

        Crop and size are applied to each frame as it is read, so that whole frames do not pile up.

        Args:
            indices: frame numbers from 0 to ``len - 1``; negative ones are refused.
            crop: keep only this rectangle of each frame.
            size: then scale it to this height and width; see `scaled`.

        Returns:
            RGB uint8 ``[len(indices), height, width, 3]``, contiguous.

        Raises:
            FrameReadError: a frame that is missing, truncated, of another size, or out of range; it names the frame.
            ConfigError: a crop that reaches beyond the frames, or an empty size.
        """

    @property
    def fingerprint(self) -> str | None:
        """A text that differs once the clip's content has changed, without reading it; None where that cannot be told.

        Clips of different `name` may share one.
        """
        return None

    @property
    def held_bytes(self) -> int:
        """About how much memory the source takes while its file is closed, where that is worth counting."""
        return 0

    def frame(self, index: int) -> NDArray[np.uint8]:
        """Read one frame: RGB uint8 ``[H, W, 3]``."""
        return self.frames([index])[0]
