"""MultiScaleDataset: pictures at several scales, made when asked for, in batches of one scale that fit a budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor
from torch.nn.functional import interpolate
from torch.utils.data import Dataset, Sampler

from lift_core.errors import ConfigError, DatasetError


class ScaleKey(NamedTuple):
    """A sample's number and the scale to make it at, above 0 and at most 1: 0.5 halves height and width."""

    number: int
    scale: float


class MultiScaleDataset(Dataset[Tensor]):
    """Pictures of another data set, scaled when they are asked for: nothing is stored, whatever the number of scales.

    Address it by ScaleKey(number, scale); a plain number means scale 1. Smaller pictures are the mean of the areas that
    their pixels cover, so that fine detail does not turn into false patterns.

    Args:
        dataset: floating-point pictures ``[C, H, W]`` or clips ``[T, C, H, W]``.
    """

    def __init__(self, dataset: Dataset[Tensor]) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)  # type: ignore[arg-type]  # torch's Dataset leaves __len__ to its subclasses

    def __getitem__(self, item: int | ScaleKey) -> Tensor:
        number, scale = item if isinstance(item, ScaleKey) else ScaleKey(item, 1.0)
        picture = self.dataset[number]
        return scale_pictures(picture, scale) if picture.ndim == 4 else scale_pictures(picture[None], scale)[0]


class ScaleBatches(Sampler[list[ScaleKey]]):
    """Batches of one scale each, as large as a memory budget allows: give it to a DataLoader as ``batch_sampler``.

    In each epoch every sample comes once, at a scale drawn for it. A picture of half the height and width takes a
    quarter of the memory, so four times as many fit one batch. The order of batches is drawn too, so that scales mix.
    The budget holds where all samples have one shape, ``sample_shape`` at scale 1: no sample is looked at to draw.

    Args:
        length: number of samples.
        sample_shape: of a sample at scale 1: ``(C, H, W)`` or ``(T, C, H, W)``.
        scales: to draw from, above 0 and at most 1.
        max_bytes: of one batch.
        itemsize: bytes of one value, 4 for float32.
        seed: the draws of an epoch depend on (seed, epoch) alone; set ``epoch`` before each.

    Raises:
        ConfigError: no scales, or one beyond these bounds.
        DatasetError: a sample of the largest scale that does not fit the budget.
    """

    def __init__(
        self,
        length: int,
        sample_shape: Sequence[int],
        scales: Sequence[float],
        *,
        max_bytes: int,
        itemsize: int = 4,
        seed: int = 0,
    ) -> None:
        if not scales or min(scales) <= 0 or max(scales) > 1:
            raise ConfigError(f"scales {list(scales)} cannot be", fix="Give at least one, above 0 and at most 1.")
        self.length = length
        self.seed = seed
        self.epoch = 0
        *rest, height, width = sample_shape
        self.batch_sizes: dict[float, int] = {}
        for scale in scales:
            values = int(np.prod([*rest, *scaled_size(height, width, scale)]))
            self.batch_sizes[scale] = max_bytes // (values * itemsize)
            if self.batch_sizes[scale] == 0:
                raise DatasetError(
                    f"one sample at scale {scale:g} takes {values * itemsize} bytes, and a batch may take {max_bytes}",
                    fix="Raise max_bytes, or leave that scale out.",
                )

    def __iter__(self) -> Iterator[list[ScaleKey]]:
        batches = self._batches()
        order = np.random.default_rng([self.seed, self.epoch, 1]).permutation(len(batches))
        return (batches[place] for place in order)

    def __len__(self) -> int:
        return len(self._batches())

    def _batches(self) -> list[list[ScaleKey]]:
        draw = np.random.default_rng([self.seed, self.epoch, 0])
        scales = list(self.batch_sizes)
        drawn = draw.integers(len(scales), size=self.length)
        order = draw.permutation(self.length)
        batches = []
        for place, scale in enumerate(scales):
            keys = [ScaleKey(int(number), scale) for number in order if drawn[number] == place]
            size = self.batch_sizes[scale]
            batches += [keys[start : start + size] for start in range(0, len(keys), size)]
        return batches


def scale_pictures(pictures: Tensor, scale: float) -> Tensor:
    """Pictures ``[N, C, H, W]`` at a scale of at most 1; each pixel is the mean of the area that it covers."""
    if scale == 1:
        return pictures
    return interpolate(pictures, size=scaled_size(pictures.shape[-2], pictures.shape[-1], scale), mode="area")


def scaled_size(height: int, width: int, scale: float) -> tuple[int, int]:
    """Height and width at a scale, rounded, halves up, at least 1."""
    return max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5))
