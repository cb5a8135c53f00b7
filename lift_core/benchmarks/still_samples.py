"""StillSamples: in place of a data set, samples that cost one copy each, so that handing them over can be measured."""

from __future__ import annotations

import torch
from torch import Tensor

from lift_core.data.sample import Room, Sample, SampleKey, references


class StillSamples:
    """``count`` samples of the same pictures, with as much of a ClipDataset as a Loader asks for.

    Args:
        count: samples. shape: T, height and width. dtype: of the pictures; only uint8 is read into a room.
    """

    def __init__(self, count: int, shape: tuple[int, int, int], dtype: torch.dtype) -> None:
        self.sample_shape = shape
        self.dtype = dtype
        self._count = count
        self._pictures: Tensor | None = None

    @property
    def options(self) -> StillSamples:
        """Where a Loader looks for the dtype."""
        return self

    def __len__(self) -> int:
        return self._count

    def key(self, index: int) -> str:
        """The text id of a sample."""
        return str(index)

    def read(self, item: SampleKey, room: Room | None = None) -> Sample:
        """A copy of the pictures, in the memory that ``room`` gives or in memory of its own."""
        context, height, width = self.sample_shape
        if self._pictures is None:
            pictures = torch.arange((context + 1) * 3 * height * width).remainder_(251).to(self.dtype)
            self._pictures = pictures.view(context + 1, 3, height, width)
        if room is None:
            copied = self._pictures.clone()
            frames, gt = copied[:context], copied[context]
        else:
            frames, gt = room(context, height, width)
            frames.copy_(self._pictures[:context])
            gt.copy_(self._pictures[context])
        return Sample(
            frames=frames,
            ref_frames=references(frames),
            gt=gt,
            timestep=0.5,
            times=torch.arange(context, dtype=torch.float32),
            valid=torch.ones(context, dtype=torch.bool),
            key=str(item.index),
        )
