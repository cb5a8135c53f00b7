"""Compares a student's output with the expected one and says in words where they first differ."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence, Sized
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lift_core.checks.wording import counted, expected_got, shown, with_article

_FEW = 16


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

    What does not matter: the kind of a container (list, tuple, array, tensor, iterator), the dtype, further entries of
    a mapping, and differences of numbers up to ``atol``. NaN equals NaN, and numbers in text are text.

    Code of ``actual`` runs here (iteration, ``==``): it may raise, and it may never end.

    Args:
        expected: numbers, texts, None, arrays, tensors, and sequences, sets, mappings and dataclasses of them.
        actual: anything.
        atol: largest absolute difference of two numbers taken as equal.
        place: the name of the part that is compared, for the text.
    """
    if isinstance(expected, Mapping):
        return _mapping_difference(expected, actual, atol, place)
    if dataclasses.is_dataclass(expected) and not isinstance(expected, type):
        return _dataclass_difference(expected, actual, atol, place)
    wanted = as_numbers(expected)
    if wanted is not None:
        return _number_difference(wanted, expected, actual, atol, place)
    if isinstance(expected, np.ndarray):
        return first_difference(expected.tolist(), actual, atol, place=place)
    if isinstance(expected, Sequence) and not isinstance(expected, str | bytes):
        return _sequence_difference(expected, actual, atol, place)
    plain = actual.item() if isinstance(actual, np.generic) else actual
    alike = AbstractSet if isinstance(expected, AbstractSet) else type(expected)
    if isinstance(plain, alike) and bool(plain == expected):
        return None
    return Difference(_named(place) + expected_got(expected, actual), expected, actual)


def as_numbers(value: Any) -> NDArray[Any] | None:
    """The value as an array of numbers or flags; None where it is none, or a sequence of unequal rows."""
    if isinstance(value, torch.Tensor):
        return _tensor_numbers(value)
    if isinstance(value, str | bytes):
        return None
    if isinstance(value, Sequence):
        value = [as_numbers(item) if isinstance(item, torch.Tensor | Sequence) else item for item in value]
    return _numeric(value) if isinstance(value, np.ndarray | np.generic | int | float | complex | list) else None


def _tensor_numbers(tensor: torch.Tensor) -> NDArray[Any] | None:
    try:
        dense = tensor.detach().to_dense() if tensor.layout != torch.strided else tensor.detach()
        known = dense.dtype in (torch.float64, torch.float32, torch.float16) or not dense.is_floating_point()
        return np.asarray((dense if known else dense.float()).cpu().resolve_conj().resolve_neg().numpy())
    except (RuntimeError, TypeError):
        # Without data (device "meta"), of unequal rows (nested), or of another kind that numpy cannot hold.
        return None


def _numeric(value: Any) -> NDArray[Any] | None:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return array if array.dtype.kind in "biufc" and not (isinstance(value, Sequence) and array.size == 0) else None


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


def _dataclass_difference(expected: Any, actual: Any, atol: float, place: str) -> Difference | None:
    wanted = {field.name: getattr(expected, field.name) for field in dataclasses.fields(expected)}
    found = {name: getattr(actual, name) for name in wanted if hasattr(actual, name)}
    if not found:
        text = f"{_named(place)}expected {with_article(type(expected).__name__)}, got {shown(actual)}"
        return Difference(text, expected, actual)
    return _mapping_difference(wanted, found, atol, place)


def _sequence_difference(expected: Sequence[Any], actual: Any, atol: float, place: str) -> Difference | None:
    items = _items(actual, len(expected))
    if items is None or len(items) != len(expected):
        got = shown(actual) if items is None else _length(actual, items)
        text = f"{_named(place)}expected {counted(len(expected), 'item')}, got {got}"
        return Difference(text, expected, actual)
    for number, (wanted, item) in enumerate(zip(expected, items, strict=True)):
        found = first_difference(wanted, item, atol, place=f"{place}[{number}]" if place else f"item {number}")
        if found is not None:
            return found
    return None


def _items(actual: Any, expected: int) -> list[Any] | None:
    """The items of an ordered collection, at most one more than expected; None where there are none."""
    unordered = isinstance(actual, str | bytes | Mapping | set | frozenset)
    if unordered or not isinstance(actual, Iterable) or getattr(actual, "ndim", 1) == 0:
        return None
    return list(islice(actual, expected + 1))


def _length(actual: Any, items: list[Any]) -> str:
    return str(len(actual)) if isinstance(actual, Sized) else f"at least {len(items)}"


def _number_difference(wanted: NDArray[Any], expected: Any, actual: Any, atol: float, place: str) -> Difference | None:
    numbers = as_numbers(actual)
    if numbers is None and wanted.ndim > 0 and (items := _items(actual, len(wanted))) is not None:
        numbers = as_numbers(items) if items else np.zeros(0)
    if numbers is not None and wanted.ndim == 0 and numbers.size == 1 and not isinstance(actual, Sequence):
        numbers = numbers.reshape(())
    if numbers is None or (numbers.shape != wanted.shape and 0 in (numbers.ndim, wanted.ndim)):
        return Difference(_named(place) + expected_got(expected, actual), expected, actual)
    if numbers.shape != wanted.shape:
        text = f"expected shape {list(wanted.shape)}, got {list(numbers.shape)}"
        if wanted.ndim == 1 and numbers.ndim == 1:
            text = f"expected {counted(wanted.size, 'number')}, got {numbers.size}"
        return Difference(_named(place) + text, expected, actual)
    close = _close(wanted, numbers, atol)
    if np.all(close):
        return None
    return Difference(_named(place) + _first_unequal(wanted, numbers, close), expected, actual)


def _close(wanted: NDArray[Any], numbers: NDArray[Any], atol: float) -> NDArray[np.bool_]:
    kinds = {wanted.dtype.kind, numbers.dtype.kind}
    if kinds <= set("biu"):
        # Floats would round what whole numbers tell apart.
        return np.asarray(wanted == numbers)
    common = np.complex128 if "c" in kinds else np.float64
    return np.asarray(np.isclose(numbers.astype(common), wanted.astype(common), rtol=0, atol=atol, equal_nan=True))


def _first_unequal(wanted: NDArray[Any], numbers: NDArray[Any], close: NDArray[np.bool_]) -> str:
    if wanted.ndim == 0 or (wanted.ndim == 1 and wanted.size <= _FEW):
        return expected_got(wanted, numbers)
    first = tuple(int(i) for i in np.argwhere(~close)[0])
    share = f"{np.count_nonzero(~close)} of {close.size} values differ"
    return f"at {list(first)} {expected_got(wanted[first], numbers[first])} ({share})"


def _keys(mapping: Mapping[Any, Any]) -> str:
    return "the entries " + ", ".join(str(key) for key in mapping)


def _named(place: str) -> str:
    return f"{place}: " if place else ""
