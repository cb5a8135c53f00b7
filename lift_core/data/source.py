"""FrameSource: random access to the frames of one clip, whatever it is stored in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

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
        bottom, right = self.top + self.height, self.left + self.width
        if min(self.top, self.left) < 0 or bottom > image.shape[0] or right > image.shape[1]:
            raise ConfigError(
                f"crop rows {self.top}:{bottom}, columns {self.left}:{right} reaches beyond"
                f" an image of {image.shape[0]}x{image.shape[1]}",
                fix="Choose a crop no larger than the frames.",
            )
        return image[self.top : bottom, self.left : right]


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
    def frames(self, indices: Sequence[int], *, crop: Crop | None = None) -> NDArray[np.uint8]:
        """Read frames in the order of ``indices``, which may repeat and need not be sorted.

        Args:
            indices: frame numbers from 0 to ``len - 1``; negative ones are refused.
            crop: keep only this rectangle of each frame; it is cut while reading, so that whole frames do not pile up.

        Returns:
            RGB uint8 ``[len(indices), height, width, 3]``, contiguous.

        Raises:
            FrameReadError: a frame that is missing, truncated, of another size, or out of range; it names the frame.
        """

    def frame(self, index: int) -> NDArray[np.uint8]:
        """Read one frame: RGB uint8 ``[H, W, 3]``."""
        return self.frames([index])[0]
