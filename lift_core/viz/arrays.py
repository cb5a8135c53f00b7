"""Arrays as pictures: what of an array can be drawn, on which scale, and where two of them differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def as_array(value: Any) -> Array | None:
    """A numpy or torch array, or nested sequences of one shape, as an array of numbers or bools; None for the rest."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if str(value.dtype) == "torch.bfloat16":
            value = value.float()
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, RuntimeError):
        return None
    return array if array.dtype.kind in "biuf" else None


def picture_in(value: object) -> Array | None:
    """The first array of two or more dimensions in a value, a sequence or a mapping; None where there is none."""
    array = as_array(value)
    if array is not None:
        return array if array.ndim >= 2 and array.size else None
    items = value.values() if isinstance(value, Mapping) else value
    if not isinstance(value, Mapping | Sequence) or isinstance(value, str | bytes):
        return None
    return next((found for item in items if (found := picture_in(item)) is not None), None)  # type: ignore[attr-defined]


def differing(first: Array, second: Array, atol: float) -> NDArray[np.bool_]:
    """Where two arrays of one shape differ by more than ``atol``; what is not a number equals only its like."""
    one, other = first.astype(np.float64), second.astype(np.float64)
    with np.errstate(invalid="ignore"):
        near = np.abs(one - other) <= atol
    different: NDArray[np.bool_] = ~(near | (one == other) | (np.isnan(one) & np.isnan(other)))
    return different


@dataclass(frozen=True)
class Layout:
    """How an array of two or more dimensions is read: a stack of pictures.

    Attributes:
        stack: shape of the stack; empty for one picture.
        colour: axis of red, green and blue within a picture: -1, -3, or None for one channel.
    """

    stack: tuple[int, ...]
    colour: int | None

    @classmethod
    def of(cls, array: Array) -> Layout:
        """Three at the end, else three before the rows, is colour; whatever else stands before the rows is a stack."""
        if array.ndim >= 3 and array.shape[-1] == 3:
            return cls(array.shape[:-3], -1)
        if array.ndim >= 3 and array.shape[-3] == 3:
            return cls(array.shape[:-3], -3)
        return cls(array.shape[:-2], None)

    def plane(self, array: Array, item: tuple[int, ...]) -> Array:
        """One picture of the stack as ``[H, W]`` or ``[H, W, 3]``."""
        picture: Array = array[item]
        return np.moveaxis(picture, -3, -1) if self.colour == -3 else picture

    def first(self, marked: NDArray[np.bool_]) -> tuple[int, ...]:
        """The first picture of the stack with something marked in it; the first of all where nothing is."""
        if not self.stack:
            return ()
        hit = marked.reshape(int(np.prod(self.stack)), -1).any(axis=1)
        return tuple(int(i) for i in np.unravel_index(int(hit.argmax()), self.stack))


@dataclass(frozen=True)
class Scale:
    """The numbers that are drawn as black and as white."""

    low: float
    high: float

    @classmethod
    def of(cls, array: Array) -> Scale:
        """0 to 255 for uint8, 0 to 1 for bools and what lies within; else from the least to the greatest number."""
        if array.dtype == np.uint8:
            return cls(0.0, 255.0)
        numbers = array[np.isfinite(array)]
        low, high = (float(numbers.min()), float(numbers.max())) if numbers.size else (0.0, 1.0)
        if low >= 0 and high <= 1:
            return cls(0.0, 1.0)
        return cls(low, high if high > low else low + 1.0)

    def apply(self, array: Array) -> NDArray[np.float64]:
        """Numbers as shares of the scale, clipped to [0, 1]; what is not a number becomes 0."""
        shares = (array.astype(np.float64) - self.low) / (self.high - self.low)
        clipped: NDArray[np.float64] = np.clip(np.nan_to_num(shares, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)
        return clipped
