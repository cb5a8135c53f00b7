"""A short list of numbers beside the expected one: a table in which the cells that differ are marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from lift_core.viz.arrays import Array, differing

MOST_ITEMS = 64

# Lengths are inches: the figure's only axis counts in them.
_LEFT, _RIGHT = 1.15, 9.9
_LINE = 0.31
_BAND_GAP = 0.25
_FONT = 11
_CHARACTER = 0.64 * _FONT / 72
_WRONG, _MISSING = "#ffe0d6", "—"


def answer_table(given: Array | None, yours: Array, expected: Array, atol: float) -> tuple[Figure, str]:
    """Draw two lists, ``yours`` and ``expected``, below their indices; where they differ the cell of yours is hatched.

    Args:
        given: one row more, where it is a list as long as ``expected``.
        yours, expected: flat, up to 64 numbers or bools each; a number that one of them lacks is drawn as a dash.
        atol: numbers that differ by no more count as equal.

    Returns:
        The figure, at most 10 inches wide, and a sentence that says the same.
    """
    table = _Table.of(given, yours, expected, atol)
    count, columns = len(table.wrong), table.columns
    bands = -(-count // columns)
    band_height = (len(table.rows) + 2) * _LINE + _BAND_GAP
    height = bands * band_height + 0.1
    width = _LEFT + columns * table.cell + 0.1
    figure = Figure(figsize=(width, height), facecolor="white")
    axis = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axis.set(xlim=(0, width), ylim=(height, 0))
    axis.set_axis_off()
    for band in range(bands):
        span = range(band * columns, min((band + 1) * columns, count))
        _draw_band(axis, table, span, band * band_height + 0.15)
    return figure, _sentence(table, len(yours), len(expected))


@dataclass(frozen=True)
class _Table:
    """Texts by row, and which columns are wrong."""

    rows: dict[str, list[str]]
    wrong: NDArray[np.bool_]

    @classmethod
    def of(cls, given: Array | None, yours: Array, expected: Array, atol: float) -> _Table:
        shared, count = min(len(yours), len(expected)), max(len(yours), len(expected))
        wrong = np.ones(count, np.bool_)
        wrong[:shared] = differing(yours[:shared], expected[:shared], atol)
        rows = {} if given is None or given.shape != expected.shape else {"input": _texts(given, count)}
        rows |= {"yours": _texts(yours, count), "expected": _texts(expected, count)}
        # Four digits may hide what differs.
        for i in np.flatnonzero(wrong[:shared]):
            if rows["yours"][i] == rows["expected"][i]:
                rows["yours"][i], rows["expected"][i] = f"{yours[i]:.8g}", f"{expected[i]:.8g}"
        return cls(rows, wrong)

    @property
    def cell(self) -> float:
        longest = max(len(text) for texts in self.rows.values() for text in texts)
        return max(0.5, longest * _CHARACTER + 0.14)

    @property
    def columns(self) -> int:
        return min(len(self.wrong), int((_RIGHT - _LEFT) / self.cell))


def _texts(values: Array, count: int) -> list[str]:
    texts = [f"{value:.4g}" if values.dtype.kind == "f" else str(value) for value in values]
    return [text.replace("-", "−") for text in texts] + [_MISSING] * (count - len(texts))


def _draw_band(axis: Axes, table: _Table, span: range, top: float) -> None:
    cell = table.cell
    names = ["index", *table.rows, ""]
    for line, name in enumerate(names):
        weight = "bold" if name == "yours" else "normal"
        _write(axis, _LEFT - 0.12, top + (line + 0.5) * _LINE, name, ha="right", weight=weight)
    for place, column in enumerate(span):
        left = _LEFT + place * cell
        middle = left + cell / 2
        _write(axis, middle, top + 0.5 * _LINE, str(column), color="#6a6a6a")
        for line, (name, texts) in enumerate(table.rows.items(), start=1):
            marked = bool(table.wrong[column]) and name == "yours"
            _draw_cell(axis, left, top + line * _LINE, cell, texts[column], marked)
        if table.wrong[column]:
            _write(axis, middle, top + (len(names) - 0.5) * _LINE, "≠", weight="bold", fontsize=15)


def _draw_cell(axis: Axes, left: float, top: float, width: float, text: str, marked: bool) -> None:
    box = Rectangle(
        (left, top),
        width,
        _LINE,
        facecolor=_WRONG if marked else "white",
        edgecolor="#6a6a6a",
        hatch="////" if marked else None,
        gid="wrong" if marked else "cell",
    )
    axis.add_patch(box)
    ground = {"facecolor": _WRONG, "edgecolor": "none", "boxstyle": "round,pad=0.1"} if marked else None
    _write(axis, left + width / 2, top + _LINE / 2, text, weight="bold" if marked else "normal", bbox=ground)


def _write(axis: Axes, x: float, y: float, text: str, **style: Any) -> None:
    axis.text(x, y, text, **{"fontsize": _FONT, "ha": "center", "va": "center", "color": "#222222", **style})


def _sentence(table: _Table, yours: int, expected: int) -> str:
    places = [int(i) for i in np.flatnonzero(table.wrong)]
    lengths = "" if yours == expected else f"Yours has {yours} items, expected are {expected}. "
    if not places:
        return f"{lengths}Yours equals the expected {expected} items."
    first = places[0]
    listed = ", ".join(map(str, places[:8])) + (", …" if len(places) > 8 else "")
    return (
        f"{lengths}Yours differs from the expected list in {len(places)} of {len(table.wrong)} items (index {listed});"
        f" at index {first} yours is {table.rows['yours'][first]}, expected {table.rows['expected'][first]}."
    )
