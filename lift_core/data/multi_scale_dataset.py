"""MultiScaleDataset: pictures at several scales, made when asked for, in batches or groups that fit a memory budget."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from numbers import Integral
from typing import NamedTuple

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from lift_core.data.fixed_size import fixed_size as chosen_size
from lift_core.data.scaled_pictures import resize_pictures, scale_pictures, scaled_size
from lift_core.errors import ConfigError, DatasetError, ShapeError


class ScaleKey(NamedTuple):
    """A sample's number and the scale to make it at, above 0 and at most 1: 0.5 halves height and width."""

    number: int
    scale: float


class MultiScaleDataset(Dataset[Tensor]):
    """Pictures of another data set, scaled when they are asked for: nothing is stored, whatever the number of scales.

    Address it by ScaleKey(number, scale); a plain number means scale 1. A list of keys gives a batch ``[B, ...]``, each
    sample laid where it belongs once it is made; so a loader needs half the memory that stacking samples takes:
    ``DataLoader(dataset, sampler=ScaleBatches(...), batch_size=None)``. Smaller pictures are the mean of the areas that
    their pixels cover, so that fine detail does not turn into false patterns.

    Args:
        dataset: pictures ``[C, H, W]`` or clips ``[T, C, H, W]``, floating-point or uint8; these stay uint8, rounded.
        fixed_size: height and width that every picture is first brought to, whatever it has, so that all samples have
            one shape; by default that of ``LIFT_FIXED_SIZE`` (``256x448``), or else pictures stay as they are.

    Raises:
        ConfigError: a size that cannot be.
    """

    def __init__(self, dataset: Dataset[Tensor], fixed_size: tuple[int, int] | None = None) -> None:
        self.dataset = dataset
        self.fixed_size = chosen_size(fixed_size)

    def __len__(self) -> int:
        return len(self.dataset)  # type: ignore[arg-type]  # torch's Dataset leaves __len__ to its subclasses

    def __getitem__(self, item: int | ScaleKey | list[ScaleKey]) -> Tensor:
        if isinstance(item, list):
            return _batch(({0.0: self[key]} for key in item), len(item))[0.0]
        number, scale = item if isinstance(item, ScaleKey) else ScaleKey(item, 1.0)
        return self.at_scales(number, [scale])[scale]

    def at_scales(self, number: int, scales: Sequence[float]) -> dict[float, Tensor]:
        """One sample at several scales, by scale; it is read once.

        Raises:
            ConfigError: no scales, one that is not above 0 and at most 1, or one twice.
            ShapeError: a sample that is no picture and no clip, or neither floating-point nor uint8.
        """
        _check_scales(scales)
        picture = _checked_picture(self.dataset[number], number)
        clip = picture if picture.ndim == 4 else picture[None]
        if self.fixed_size is not None:
            clip = resize_pictures(clip, self.fixed_size)
        scaled = {scale: scale_pictures(clip, scale) for scale in scales}
        return scaled if picture.ndim == 4 else {scale: clip[0] for scale, clip in scaled.items()}


class ScaleGroupDataset(Dataset[dict[float, Tensor]]):
    """Each sample at several scales at once, by scale: what takes the most memory, kept to compare with.

    With all scales, a batch holds every one of them. With one group of `group_scales` after the other, it holds what a
    memory budget allows, and samples are read once for each group in place of once for each scale.

    Args:
        dataset: makes the pictures. scales: above 0 and at most 1, each once.

    Raises:
        ConfigError: no scales, one beyond these bounds, or one twice.
    """

    def __init__(self, dataset: MultiScaleDataset, scales: Sequence[float]) -> None:
        _check_scales(scales)
        self.dataset = dataset
        self.scales = tuple(scales)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, item: int | list[int]) -> dict[float, Tensor]:
        """A sample, or of a list of numbers a batch, by scale."""
        if isinstance(item, list):
            return _batch((self[number] for number in item), len(item))
        return self.dataset.at_scales(item, self.scales)


class ScaleBatches(Sampler[list[ScaleKey]]):
    """Batches of one scale each, as large as a memory budget allows.

    Give it to a DataLoader as ``sampler`` with ``batch_size=None``, or as ``batch_sampler``, which stacks samples.

    In each epoch every sample comes once, at a scale drawn for it. A picture of half the height and width takes a
    quarter of the memory, so four times as many fit one batch. The order of batches is drawn too, so that scales mix.
    The budget holds where all samples have one shape, ``sample_shape`` at scale 1: no sample is looked at to draw.

    Args:
        length: number of samples.
        sample_shape: of a sample at scale 1: ``(C, H, W)`` or ``(T, C, H, W)``.
        scales: to draw from, above 0 and at most 1, each once.
        max_bytes: of one batch.
        itemsize: bytes of one value: 4 for float32, 1 for uint8.
        seed: the draws of an epoch depend on (seed, epoch) alone; set ``epoch`` before each.

    Raises:
        ConfigError: no scales, one beyond these bounds, or one twice; a shape or a number that cannot be.
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
        _check_scales(scales)
        self.length = length
        self.seed = seed
        self.epoch = 0
        needed = _bytes_at(sample_shape, scales, itemsize)
        _check_budget(needed, max_bytes)
        self.batch_sizes = {scale: max_bytes // size for scale, size in needed.items()}

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


def group_scales(
    sample_shape: Sequence[int], scales: Sequence[float], *, max_bytes: int, itemsize: int = 4
) -> list[tuple[float, ...]]:
    """Divide scales into groups, such that a sample at all scales of a group takes at most ``max_bytes``.

    Scales are placed from the largest down, each into the first group that has room ("first fit decreasing", which
    needs at most 11/9 of the fewest groups and 6/9 of a group more: Dosa, 2007).

    Args:
        sample_shape: of a sample at scale 1: ``(C, H, W)`` or ``(T, C, H, W)``; times B for a batch of B.
        scales: above 0 and at most 1, each once.
        max_bytes: of a group. itemsize: bytes of one value: 4 for float32, 1 for uint8.

    Raises:
        ConfigError: no scales, one beyond these bounds, or one twice; a shape or a number that cannot be.
        DatasetError: a scale that alone does not fit.
    """
    _check_scales(scales)
    needed = _bytes_at(sample_shape, sorted(scales, reverse=True), itemsize)
    _check_budget(needed, max_bytes)
    groups: list[list[float]] = []
    for scale, size in needed.items():
        fitting = (group for group in groups if sum(needed[other] for other in group) + size <= max_bytes)
        group = next(fitting, None)
        if group is None:
            groups.append([scale])
        else:
            group.append(scale)
    return [tuple(group) for group in groups]


def _batch(samples: Iterator[dict[float, Tensor]], count: int) -> dict[float, Tensor]:
    """Lay ``count`` samples side by side, by scale, as they come; at no time are two of them held beside the batch."""
    batch: dict[float, Tensor] = {}
    for place, sample in enumerate(samples):
        for scale, picture in sample.items():
            if scale not in batch:
                batch[scale] = picture.new_empty((count, *picture.shape))
            room = batch[scale]
            if room.shape[1:] != picture.shape:
                raise ConfigError(
                    f"pictures of different shapes cannot be a batch: {list(room.shape[1:])} and {list(picture.shape)}",
                    fix="Ask for one scale at a time, and hold pictures at a fixed_size.",
                )
            room[place] = picture
    return batch


def _checked_picture(sample: object, number: int) -> Tensor:
    if not isinstance(sample, Tensor) or sample.ndim not in (3, 4):
        found = f"of shape {list(sample.shape)}" if isinstance(sample, Tensor) else type(sample).__name__
        raise ShapeError(f"sample {number} is {found}", fix="Give a data set of tensors [C, H, W] or [T, C, H, W].")
    return sample


def _check_scales(scales: Sequence[float]) -> None:
    try:
        # Not by their minimum and maximum: a NaN may be neither.
        possible = len(scales) > 0 and all(0 < scale <= 1 for scale in scales) and len(set(scales)) == len(scales)
    except TypeError:
        possible = False
    if not possible:
        raise ConfigError(
            f"scales {scales} cannot be", fix="Give at least one, each above 0 and at most 1, none twice."
        )


def _bytes_at(sample_shape: Sequence[int], scales: Sequence[float], itemsize: int) -> dict[float, int]:
    """Bytes of a sample at each scale."""
    if (
        not isinstance(sample_shape, Sequence)
        or len(sample_shape) < 3
        or not all(map(_is_whole, (*sample_shape, itemsize)))
    ):
        raise ConfigError(
            f"samples of the shape {sample_shape} and {itemsize} bytes a value cannot be",
            fix="Give (C, H, W) or (T, C, H, W), and 4 bytes for float32.",
        )
    *rest, height, width = sample_shape
    return {scale: math.prod([*rest, *scaled_size(height, width, scale)]) * itemsize for scale in scales}


def _is_whole(number: object) -> bool:
    return isinstance(number, Integral) and int(number) > 0


def _check_budget(needed: dict[float, int], max_bytes: int) -> None:
    for scale, size in needed.items():
        if size > max_bytes:
            raise DatasetError(
                f"one sample at scale {scale:g} takes {size} bytes, and a batch may take {max_bytes}",
                fix="Raise max_bytes, or leave that scale out.",
            )
