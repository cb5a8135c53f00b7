"""Compares a student's output with the expected one and says in words where they first differ."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

_SHOWN = 80


@dataclasses.dataclass(frozen=True)
class Difference:
    """Where two outputs first differ.

    Attributes:
        text: what differs, in words.
        expected, actual: the parts that differ: the outputs themselves, or one entry of theirs.
    """

    text: str
    expected: Any
    actual: Any


def first_difference(expected: Any, actual: Any, atol: float, *, place: str = "") -> Difference | None:
    """Find the first difference that matters; None where there is none.

    What does not matter: the kind of a container (list, tuple, array, tensor), the dtype, further entries of a mapping,
    and differences of numbers up to ``atol``. NaN equals NaN, and numbers in text are text.

    Args:
        expected: numbers, texts, None, arrays, tensors, and sequences, mappings and dataclasses of them.
        actual: anything.
        atol: largest absolute difference of two numbers taken as equal.
        place: the name of the part that is compared, for the text.
    """
    if isinstance(expected, Mapping):
        return _mapping_difference(expected, actual, atol, place)
    if dataclasses.is_dataclass(expected) and not isinstance(expected, type):
        names = [field.name for field in dataclasses.fields(expected)]
        parts = {name: getattr(actual, name) for name in names if hasattr(actual, name)}
        return _mapping_difference({name: getattr(expected, name) for name in names}, parts, atol, place)
    wanted = as_numbers(expected)
    if wanted is not None:
        return _number_difference(wanted, expected, actual, atol, place)
    if isinstance(expected, Sequence) and not isinstance(expected, str | bytes):
        return _sequence_difference(expected, actual, atol, place)
    if type(actual) is type(expected) and actual == expected:
        return None
    return Difference(f"{_named(place)}expected {shown(expected)}, got {shown(actual)}", expected, actual)


def as_numbers(value: Any) -> NDArray[Any] | None:
    """The value as an array of numbers or flags; None where it is none, or a sequence of unequal rows."""
    if isinstance(value, torch.Tensor):
        detached = value.detach().cpu()
        return np.asarray((detached.float() if detached.dtype == torch.bfloat16 else detached).numpy())
    if isinstance(value, str | bytes) or not isinstance(value, np.ndarray | np.generic | int | float | Sequence):
        return None
    if isinstance(value, Sequence) and any(isinstance(item, torch.Tensor) for item in value):
        rows = [row for item in value if (row := as_numbers(item)) is not None]
        return _numeric(rows) if len(rows) == len(value) and len({row.shape for row in rows}) == 1 else None
    return _numeric(value)


def shown(value: Any) -> str:
    """A short text of a value for a message: arrays by shape and dtype, the rest by repr, cut where it is long."""
    if isinstance(value, torch.Tensor | np.ndarray) and (value.ndim > 1 or value.shape[:1] > (16,)):
        kind = "tensor" if isinstance(value, torch.Tensor) else "array"
        return f"a {kind} of shape {list(value.shape)} and dtype {str(value.dtype).removeprefix('torch.')}"
    if isinstance(value, torch.Tensor | np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float):
        return f"{value:.6g}"
    text = " ".join(repr(value).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _numeric(value: Any) -> NDArray[Any] | None:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return array if array.dtype.kind in "biuf" and not (isinstance(value, Sequence) and array.size == 0) else None


def _mapping_difference(expected: Mapping[Any, Any], actual: Any, atol: float, place: str) -> Difference | None:
    if not isinstance(actual, Mapping):
        return Difference(f"{_named(place)}expected {_keys(expected)}, got {shown(actual)}", expected, actual)
    for key, value in expected.items():
        if key not in actual:
            return Difference(f"{_named(place)}{key!r} is missing", expected, actual)
        found = first_difference(value, actual[key], atol, place=f"{place}[{key!r}]" if place else str(key))
        if found is not None:
            return found
    return None


def _sequence_difference(expected: Sequence[Any], actual: Any, atol: float, place: str) -> Difference | None:
    if not isinstance(actual, Iterable) or isinstance(actual, str | bytes | Mapping):
        return Difference(f"{_named(place)}expected {len(expected)} items, got {shown(actual)}", expected, actual)
    items = list(actual)
    if len(items) != len(expected):
        return Difference(f"{_named(place)}expected {len(expected)} items, got {len(items)}", expected, actual)
    for number, (wanted, item) in enumerate(zip(expected, items, strict=True)):
        found = first_difference(wanted, item, atol, place=f"{place}[{number}]" if place else f"item {number}")
        if found is not None:
            return found
    return None


def _number_difference(wanted: NDArray[Any], expected: Any, actual: Any, atol: float, place: str) -> Difference | None:
    numbers = as_numbers(list(actual) if isinstance(actual, range | map | zip | filter) else actual)
    if numbers is None:
        return Difference(f"{_named(place)}expected {shown(expected)}, got {shown(actual)}", expected, actual)
    if wanted.ndim == 0 and numbers.size == 1:
        numbers = numbers.reshape(())
    if numbers.shape != wanted.shape:
        text = f"expected shape {list(wanted.shape)}, got {list(numbers.shape)}"
        if wanted.ndim == 1 and numbers.ndim == 1:
            text = f"expected {wanted.size} numbers, got {numbers.size}"
        return Difference(_named(place) + text, expected, actual)
    # Floats would round what whole numbers tell apart.
    whole = wanted.dtype.kind in "biu" and numbers.dtype.kind in "biu"
    close = wanted == numbers if whole else np.isclose(numbers.astype(float), wanted, rtol=0, atol=atol, equal_nan=True)
    if np.all(close):
        return None
    return Difference(_named(place) + _first_unequal(wanted, numbers, np.asarray(close)), expected, actual)


def _first_unequal(wanted: NDArray[Any], numbers: NDArray[Any], close: NDArray[np.bool_]) -> str:
    if wanted.ndim == 0:
        return f"expected {shown(wanted)}, got {shown(numbers)}"
    if wanted.size <= 16 and wanted.ndim == 1:
        return f"expected {shown(wanted)}, got {shown(numbers)}"
    first = tuple(int(i) for i in np.argwhere(~close)[0])
    share = f"{np.count_nonzero(~close)} of {close.size} values differ"
    return f"at {list(first)} expected {shown(wanted[first])}, got {shown(numbers[first])} ({share})"


def _keys(mapping: Mapping[Any, Any]) -> str:
    return "the entries " + ", ".join(str(key) for key in mapping)


def _named(place: str) -> str:
    return f"{place}: " if place else ""
