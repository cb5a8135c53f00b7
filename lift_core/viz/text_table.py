"""A table of short texts, in which the cells that are wrong are hatched."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lift_core.errors import ShapeError

# Lengths are inches: the figure's only axis counts in them.
_LINE = 0.31
_FONT = 11
_CHARACTER = 0.6 * _FONT / 72
_WIDEST = 10.0
_WRONG = "#ffe0d6"
_TOLD = 8


def text_table(
    rows: Mapping[str, Sequence[str]], columns: Sequence[str], wrong: Collection[tuple[int, int]], *, title: str
) -> tuple[Figure, str]:
    """Draw a table; what does not fit 10 inches is left out at the right, and the title says so.

    Args:
        rows: by a row's name, the texts of its cells; a short row ends early.
        columns: their names.
        wrong: (row, column) of the cells to hatch.
        title: a line above.

    Returns:
        The figure, and a sentence that names the first hatched cells and how many more are drawn.

    Raises:
        ShapeError: there is no row or no column.
    """
    if not rows or not columns:
        raise ShapeError("a table without cells cannot be drawn.", fix="Give at least one row and one column.")
    left = _width(rows)
    cell = max(_width([*columns, *(text for texts in rows.values() for text in texts)]), 0.4)
    count = max(min(len(columns), int((_WIDEST - left) / cell)), 1)
    if count < len(columns):
        title = f"{title} (the first {count} of {len(columns)} columns)"
    width, height = max(left + count * cell, _width([title])) + 0.1, (len(rows) + 2) * _LINE + 0.1
    figure = Figure(figsize=(width, height), facecolor="white")
    axis = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axis.set(xlim=(0, width), ylim=(height, 0))
    axis.set_axis_off()
    _write(axis, 0.08, 0, title, weight="bold")
    for column, name in enumerate(columns[:count]):
        _write(axis, left + column * cell, 1, name, color="#555555")
    for row, (name, texts) in enumerate(rows.items()):
        _write(axis, 0.08, row + 2, name, color="#555555")
        for column, text in enumerate(texts[:count]):
            if (row, column) in wrong:
                corner = (left + column * cell - 0.05, (row + 2) * _LINE + 0.03)
                axis.add_patch(
                    Rectangle(corner, cell - 0.04, _LINE - 0.04, facecolor=_WRONG, edgecolor="#b3501e", hatch="///")
                )
            _write(axis, left + column * cell, row + 2, text)
    return figure, _sentence(rows, columns[:count], wrong, title)


def _width(texts: Collection[str]) -> float:
    return max(map(len, texts)) * _CHARACTER + 0.25


def _write(axis: Axes, x: float, line: int, text: str, **style: Any) -> None:
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.5}
    axis.text(x, (line + 0.5) * _LINE + 0.02, text, va="center", fontsize=_FONT, bbox=box, **style)


def _sentence(
    rows: Mapping[str, Sequence[str]], columns: Sequence[str], wrong: Collection[tuple[int, int]], title: str
) -> str:
    said = [
        f"{name}, {columns[column]}: {text}"
        for row, (name, texts) in enumerate(rows.items())
        for column, text in enumerate(texts[: len(columns)])
        if (row, column) in wrong
    ]
    more = f"; and {len(said) - _TOLD} more" if len(said) > _TOLD else ""
    return f"{title}. Hatched: {'; '.join(said[:_TOLD]) or 'no cell'}{more}."
