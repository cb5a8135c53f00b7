"""Clips in memory for the tests of the evaluation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.data.source import Crop, FrameSource
from lift_core.errors import FrameReadError
from lift_core.inference.hidden_frames import ClipMaterial, EvaluationConfig


class ListSource(FrameSource):
    """Frames in memory, with or without timestamps; from frame ``damaged`` on they cannot be read."""

    def __init__(
        self,
        images: Sequence[NDArray[np.uint8]],
        timestamps: Sequence[float] | None = None,
        damaged: int | None = None,
    ) -> None:
        self._images = np.stack(images)
        self._timestamps = None if timestamps is None else np.asarray(timestamps, np.float64)
        self._damaged = len(images) if damaged is None else damaged

    name = "list"

    @property
    def size(self) -> tuple[int, int]:
        return self._images.shape[1], self._images.shape[2]

    @property
    def timestamps(self) -> NDArray[np.float64] | None:
        return self._timestamps

    def __len__(self) -> int:
        return len(self._images)

    def frames(
        self, indices: Sequence[int], *, crop: Crop | None = None, size: tuple[int, int] | None = None
    ) -> NDArray[np.uint8]:
        if any(not 0 <= index < self._damaged for index in indices):
            raise FrameReadError("damaged", where=self.name)
        return self._images[list(indices)]


def moving(count: int, **settings: int) -> list[NDArray[np.uint8]]:
    """Frames of 32x48 in which things move."""
    clip = ProceduralClip(ClipConfig(frames=count, height=32, width=48, max_speed=3.0, **settings))
    return list(clip.frames(range(count)))


def material(
    source: FrameSource,
    config: EvaluationConfig | None = None,
    *,
    cuts: Sequence[int] | None = (),
    name: str = "list",
) -> ClipMaterial:
    """A clip to evaluate on, without cuts by default."""
    return ClipMaterial(name, lambda: source, config or EvaluationConfig(), cuts=cuts)
