"""Batches as training takes them: cut into parts that fit the memory, and made smaller."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from torch import Tensor

from lift_core.data.sample import Batch, references
from lift_core.data.scaled_pictures import scale_pictures
from lift_core.errors import ConfigError


def split_batch(batch: Batch, parts: int) -> list[Batch]:
    """Cut a batch into ``parts`` batches of nearly equal size, larger ones first; views, no copies.

    Where there are fewer samples than parts, each sample is a batch.

    Raises:
        ConfigError: ``parts`` below 1.
    """
    if parts < 1:
        raise ConfigError(f"a batch cannot be cut into {parts} parts", fix="Choose 1 or more.")
    size = len(batch["key"])
    small, larger = divmod(size, parts)
    ends = [0]
    while ends[-1] < size:
        ends.append(ends[-1] + small + (len(ends) <= larger))
    return [_rows(batch, slice(start, end)) for start, end in pairwise(ends)]


def scale_batch(batch: Batch, scale: float) -> Batch:
    """The batch with smaller pictures, each pixel the mean of the area that it covers.

    Args:
        batch: float32 pictures.
        scale: above 0 and at most 1; 0.5 halves height and width.
    """
    if scale == 1:
        return batch
    scaled: dict[str, Any] = dict(batch)
    scaled["frames"] = scale_pictures(batch["frames"].flatten(0, 1), scale).unflatten(0, batch["frames"].shape[:2])
    scaled["ref_frames"] = references(scaled["frames"])
    scaled["gt"] = scale_pictures(batch["gt"], scale)
    return Batch(**scaled)  # type: ignore[typeddict-item]


def _rows(batch: Batch, rows: slice) -> Batch:
    cut: dict[str, Any] = {
        name: value[rows] if isinstance(value, Tensor | list) else value for name, value in batch.items()
    }
    return Batch(**cut)  # type: ignore[typeddict-item]
