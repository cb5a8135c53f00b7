"""Texts of values and errors for messages: short, and the same at every run."""

from __future__ import annotations

import math
import re
import reprlib
import tempfile
from typing import Any

import numpy as np
import torch

_LONGEST = 80
_ENTRIES = 16
_LONGEST_ERROR = 600
_DIGITS = (6, 9, 17)
_TEMPORARY = rf"{re.escape(tempfile.gettempdir())}[/\\](?:tmp\w+|ipykernel_\d+)[/\\]"
_VOLATILE = re.compile(rf" at 0x[0-9a-fA-F]+|{_TEMPORARY}")


def shown(value: Any, digits: int = _DIGITS[0]) -> str:
    """A value on one line: arrays of many entries by shape and dtype, the rest by repr, cut where it is long.

    Args:
        value: anything; a repr that fails is replaced by the name of the type.
        digits: significant digits of floats.
    """
    text = tidy(_Words(digits).repr(value))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def expected_got(expected: Any, actual: Any) -> str:
    """Say that two values differ, with as many digits as tell them apart."""
    for digits in _DIGITS:
        wanted, got = shown(expected, digits), shown(actual, digits)
        if wanted != got:
            return f"expected {wanted}, got {got}"
    return f"expected {wanted}, got {got} (of type {type(actual).__name__})"


def shown_error(error: BaseException) -> str:
    """An error as Python prints it: its type, and its message where there is one."""
    try:
        message = "\n".join(tidy(line) for line in str(error)[:_LONGEST_ERROR].splitlines())
    except Exception:
        message = ""
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def counted(number: int, thing: str) -> str:
    """A number with its noun: "1 item", "2 items"."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def with_article(noun: str) -> str:
    """A noun with "a" or "an", also for "an ndarray", whose first letters are spelt out."""
    return f"{'an' if noun.lower().startswith((*'aeiou', 'nd')) else 'a'} {noun}"


def tidy(text: str) -> str:
    """The text on one line, without what differs from run to run (addresses, temporary folders, a cell's file).

    Half characters, which no notebook can save, become question marks.
    """
    return " ".join(_VOLATILE.sub("", text).encode(errors="replace").decode().split())


class _Words(reprlib.Repr):
    """The standard library's short repr, which sorts sets, with arrays, floats, and a repr that fails."""

    def __init__(self, digits: int) -> None:
        super().__init__()
        self._digits = digits
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdict = self.maxdeque = _ENTRIES
        self.maxstring = self.maxlong = _LONGEST - 20
        self.maxother = _LONGEST

    def repr1(self, x: Any, level: int) -> str:
        if isinstance(x, torch.Tensor | np.ndarray | np.generic):
            return self._array(x, level)
        return f"{x:.{self._digits}g}" if isinstance(x, float) else super().repr1(x, level)

    def repr_instance(self, x: Any, level: int) -> str:
        try:
            return repr(x)
        except Exception:
            return f"<{type(x).__name__} object>"

    def _array(self, x: Any, level: int) -> str:
        try:
            shape, dtype = list(x.shape), str(x.dtype).removeprefix("torch.")
            if len(shape) <= 1 and math.prod(shape) <= _ENTRIES:
                return self.repr1(x.tolist(), level)
        except (RuntimeError, TypeError):
            return f"<{type(x).__name__} object>"
        kind = "tensor" if isinstance(x, torch.Tensor) else "array"
        return f"{with_article(kind)} of shape {shape} and dtype {dtype}"
