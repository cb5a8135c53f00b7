"""The map of shapes: the stages of a model from left to right, and what each makes, as boxes of its real shape."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrow, Patch, Rectangle

from lift_core.errors import ShapeError

Kind = Literal["frame", "feature", "weights", "flow"]

# Lengths are inches: the figure's only axis counts in them.
_WIDTH = 10.0
_FONT = 11
_CHARACTER = 0.54 * _FONT / 72
_LINE = 0.195
_HEAD, _FOOT = 0.65, 1.05
_SHEET = 0.055
_MOST_SHEETS = 6
_LARGEST = 1.05
_ARROW = 0.26
_FINE = 0.1
_INK, _HATCH = "#222222", "#8a8a8a"
_NOTE = "The sides of a box: the square root of its height and width. One sheet for each frame"
_STYLE: dict[Kind, tuple[str, str | None]] = {
    "frame": ("#fff3c4", None),
    "feature": ("#bcd6ee", "++"),
    "weights": ("#e4d4ef", ".."),
    "flow": ("#cfe8cf", "//"),
}
_SAID: dict[Kind, str] = {
    "frame": "frames",
    "feature": "features",
    "weights": "a weight for each frame",
    "flow": "motion",
}


@dataclass(frozen=True)
class StageShape:
    """One thing that a stage makes.

    Attributes:
        stage: the stage's name; neighbours of one name stand in one column.
        makes: what it is, in a few words.
        shape: ``[B, C, H, W]``, ``[B, T, C, H, W]`` with a sheet for each of T frames, or ``[B, T]`` for weights.
        kind: sets colour and hatch.
    """

    stage: str
    makes: str
    shape: tuple[int, ...]
    kind: Kind = "feature"

    def __post_init__(self) -> None:
        if len(self.shape) not in (2, 4, 5) or min(self.shape) < 1:
            raise ShapeError(
                f"a shape {list(self.shape)} cannot be drawn.",
                where=f"{self.stage}: {self.makes}",
                fix="Give [B, C, H, W], [B, T, C, H, W] or [B, T].",
            )

    @property
    def frames(self) -> int:
        """Sheets of the stack, or bars of weights; 1 where there is no T."""
        return 1 if len(self.shape) == 4 else self.shape[1]

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width; None for weights."""
        return None if len(self.shape) == 2 else self.shape[-2:]  # type: ignore[return-value]

    @property
    def contents(self) -> str:
        """Frames and channels in words."""
        if self.size is None:
            return f"{self.frames} frames"
        sheets = f"{self.frames} × " if len(self.shape) == 5 else ""
        return f"{sheets}{self.shape[-3]} channels"


def shape_map(stages: Sequence[StageShape], *, title: str = "") -> tuple[Figure, str]:
    """Draw what each stage makes, from left to right.

    The sides of a box are drawn in proportion to the square root of height and width, so that a sixteenth of the size
    can still be seen; the picture says so. Of a stack of frames at most six sheets are drawn.

    Args:
        stages: in order; two to seven different ones, each with one to four things.
        title: a line above all.

    Returns:
        The figure, 10 inches wide (800 pixels at 80 dpi), and a sentence that says the same.

    Raises:
        ShapeError: too few or too many stages, or too much in one of them.
    """
    columns = [(name, list(items)) for name, items in groupby(stages, lambda item: item.stage)]
    if not 2 <= len(columns) <= 7 or any(len(items) > 4 for _, items in columns):
        raise ShapeError(
            f"{len(columns)} stages with {len(stages)} things do not fit into the figure.",
            fix="Draw two to seven stages of one to four things each.",
        )
    pitch = (_WIDTH - 0.1) / len(columns)
    items = [_Item.of(item, pitch - _ARROW - 0.06, _unit(stages, pitch)) for item in stages]
    by_column = [[items.pop(0) for _ in group] for _, group in columns]
    body = max(sum(item.height for item in group) for group in by_column)
    above = 0.45 if title else 0.0
    height = above + _HEAD + body + _FOOT
    figure = Figure(figsize=(_WIDTH, height), facecolor="white")
    axis = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axis.set(xlim=(0, _WIDTH), ylim=(height, 0))
    axis.set_axis_off()
    for number, (name, _) in enumerate(columns):
        centre = 0.05 + (number + 0.5) * pitch
        _draw_column(
            axis, centre - _ARROW / 2 * (number < len(columns) - 1), name, by_column[number], above, body, pitch
        )
        if number + 1 < len(columns):
            _draw_arrow(axis, centre + pitch / 2, above + _HEAD + body / 2)
    if title:
        _write(axis, 0.15, 0.28, title, fontsize=15, weight="bold", ha="left")
    _draw_key(figure, stages, height)
    return figure, _sentence(columns)


@dataclass(frozen=True)
class _Item:
    """One thing to draw: the size of its box and the lines below it."""

    what: StageShape
    box: tuple[float, float]
    lines: tuple[str, ...]

    @classmethod
    def of(cls, what: StageShape, room: float, unit: float) -> _Item:
        if what.size is None:
            box = (0.35, min(room * 0.85, _LARGEST))
        else:
            box = (unit * math.sqrt(what.size[0]), unit * math.sqrt(what.size[1]))
        words = textwrap.wrap(what.makes, max(8, int(room / _CHARACTER)), break_long_words=False)
        return cls(what, box, (*words, what.contents, str(list(what.shape))))

    @property
    def sheets(self) -> int:
        return min(self.what.frames, _MOST_SHEETS) if len(self.what.shape) == 5 else 1

    @property
    def height(self) -> float:
        return self.box[0] + (self.sheets - 1) * _SHEET + len(self.lines) * _LINE + 0.3


def _unit(stages: Sequence[StageShape], pitch: float) -> float:
    """Inches for the square root of a pixel, so that the largest box fits its column."""
    longest = max((side for item in stages for side in item.size or ()), default=1)
    return min(_LARGEST, pitch - _ARROW - 0.06 - _MOST_SHEETS * _SHEET) / math.sqrt(longest)


def _draw_column(
    axis: Axes, centre: float, name: str, items: Sequence[_Item], above: float, body: float, pitch: float
) -> None:
    _write(axis, centre, above + 0.3, name, fontsize=12.5, weight="bold")
    y = above + _HEAD + (body - sum(item.height for item in items)) / 2
    for item in items:
        _draw_box(axis, centre, y, item)
        below = y + item.box[0] + (item.sheets - 1) * _SHEET
        for number, line in enumerate(item.lines):
            weight = "bold" if line == item.what.contents else "normal"
            _write(axis, centre, below + 0.14 + number * _LINE, line, weight=weight)
        y += item.height


def _draw_box(axis: Axes, centre: float, top: float, item: _Item) -> None:
    height, width = item.box
    if item.what.size is None:
        _draw_bars(axis, centre, top, item)
        return
    spread = (item.sheets - 1) * _SHEET
    for sheet in range(item.sheets):
        # The sheet at the back comes first: to the right and higher up.
        offset = spread / 2 - sheet * _SHEET
        _add_box(axis, centre - width / 2 + offset, top + sheet * _SHEET, width, height, item.what.kind, "sheet")


def _draw_bars(axis: Axes, centre: float, top: float, item: _Item) -> None:
    """A bar for each frame, all of one height: the shape is known, the weights are not."""
    height, width = item.box
    bar = width / item.what.frames
    for number in range(item.what.frames):
        left = centre - width / 2 + number * bar
        _add_box(axis, left, top, bar * 0.8, height, item.what.kind, "bar")


def _add_box(axis: Axes, left: float, top: float, width: float, height: float, kind: Kind, gid: str) -> None:
    face, hatch = _STYLE[kind]
    fine = width < _FINE
    box = Rectangle((left, top), width, height, facecolor=face, edgecolor=_INK, linewidth=0.3 if fine else 0.9, gid=gid)
    if hatch and not fine:
        box.set(hatch=hatch, hatchcolor=_HATCH)
    axis.add_patch(box)


def _draw_arrow(axis: Axes, x: float, y: float) -> None:
    length = _ARROW
    axis.add_patch(
        FancyArrow(
            x - _ARROW / 2 - length / 2,
            y,
            length,
            0,
            width=0.07,
            head_width=0.24,
            head_length=0.14,
            length_includes_head=True,
            color=_INK,
            gid="arrow",
        )
    )


def _write(axis: Axes, x: float, y: float, text: str, **style: Any) -> None:
    axis.text(x, y, text, **{"fontsize": _FONT, "ha": "center", "va": "center", "color": _INK, **style})


def _draw_key(figure: Figure, stages: Sequence[StageShape], height: float) -> None:
    kinds = [kind for kind in _STYLE if any(item.kind == kind for item in stages)]
    entries = []
    for kind in kinds:
        face, hatch = _STYLE[kind]
        entries.append(Patch(facecolor=face, hatch=hatch, hatchcolor=_HATCH, edgecolor=_INK, label=_SAID[kind]))
    figure.legend(
        handles=entries,
        ncols=len(entries),
        loc="lower center",
        bbox_to_anchor=(0.5, 0.5 / height),
        fontsize=_FONT,
        frameon=False,
    )
    notes = ["[windows, frames, channels, height, width]", _NOTE]
    if any(item.frames > _MOST_SHEETS and item.size for item in stages):
        notes[1] += f", at most {_MOST_SHEETS}"
    for number, note in enumerate(notes):
        figure.text(0.5, (0.42 - 0.23 * number) / height, note, fontsize=_FONT, ha="center", va="center", color=_INK)


def _sentence(columns: Sequence[tuple[str, Sequence[StageShape]]]) -> str:
    said = []
    for name, items in columns:
        made = ", ".join(f"{item.makes} {list(item.shape)}" for item in items)
        said.append(f"{name}: {made}")
    return "From left to right: " + "; ".join(said) + "."
