"""The picture of windows: a clip as a strip of frames, and which frame each position of the window shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray

from lift_core.errors import ShapeError
from lift_core.viz.window_row import WindowRow, time_text

__all__ = ["WindowRow", "window_figure"]

Image = NDArray[np.uint8]

# Lengths are inches: every axis of this figure counts in them.
_WIDTH = 10.0
_LEFT, _RIGHT = 1.3, 9.85
_LINE = 0.25
_FONT = 11
_CHARACTER = 0.62 * _FONT / 72
_NUMBER_ROOM = 0.27
_WIDEST_BOX = 1.22
_MOST_PICTURES = 20

_REFERENCE, _TAKEN, _EMPTY, _HIDDEN = "#1f4e79", "#bcd6ee", "#ffffff", "#fff3c4"
_INK, _FAINT = "#222222", "#6a6a6a"
_HATCH = "////"
_BOXED = {"facecolor": "white", "edgecolor": "none", "boxstyle": "round,pad=0.12"}


def window_figure(
    rows: Sequence[WindowRow], *, title: str = "", frames: Callable[[int], Image] | None = None
) -> tuple[Figure, str]:
    """Draw windows: the clip on top, below it the window's positions, a line from each to the frame it shows.

    Args:
        rows: one to six windows; each is drawn under its title.
        title: a line above all.
        frames: gives the picture of a frame number, RGB uint8 ``[H, W, 3]``; the strips of clips of at most 20 frames
            then show pictures. All rows are windows on that clip.

    Returns:
        The figure, 10 inches wide (800 pixels at 80 dpi), and one sentence for each row.

    Raises:
        ShapeError: no rows or too many.
    """
    if not 1 <= len(rows) <= 6:
        raise ShapeError(f"{len(rows)} windows do not fit into the figure.", fix="Draw one to six.")
    drawings = [_Row(row, frames if row.length <= _MOST_PICTURES else None) for row in rows]
    head, foot = (0.5 if title else 0.05), 0.7
    height = head + sum(drawing.height for drawing in drawings) + foot
    figure = Figure(figsize=(_WIDTH, height), facecolor="white")
    top = height - head
    for drawing in drawings:
        top -= drawing.height
        axis = figure.add_axes((0.0, top / height, 1.0, drawing.height / height))
        axis.set(xlim=(0, _WIDTH), ylim=(0, drawing.height))
        axis.set_axis_off()
        drawing.draw(axis)
    if title:
        figure.text(0.015, 1 - 0.32 / height, title, fontsize=15, weight="bold")
    _draw_key(figure, any(not all(row.valid) for row in rows), height)
    return figure, " ".join(row.sentence() for row in rows)


class _Row:
    """One row of the figure; y counts upwards from its lower edge."""

    def __init__(self, row: WindowRow, frames: Callable[[int], Image] | None) -> None:
        self.row, self.count = row, len(row.indices)
        self.cell = (_RIGHT - _LEFT) / row.length
        self.pitch = min((_RIGHT - _LEFT) / self.count, _WIDEST_BOX)
        # The boxes stand below their references, as far as the page allows.
        between = self._cell_centre(sum(row.references) / 2)
        half = self.count * self.pitch / 2
        self.boxes_left = min(max(between, _LEFT + half), _RIGHT - half) - half
        self.pictures = {} if frames is None else {number: frames(number) for number in range(row.length)}
        self.numbered = self.cell > _NUMBER_ROOM
        self.labels = {"frame shown": [str(i) for i in row.indices], "time": [time_text(time) for time in row.times]}
        self.label_width = max(_text_width(text) for texts in self.labels.values() for text in texts)
        self.roomy = self.pitch > self.label_width + 0.08
        lines = 3 if self.roomy else 4
        self.positions_top = 0.12 + lines * _LINE
        self.strip_bottom = self.positions_top + 0.55
        self.strip_top = self.strip_bottom + 0.28 + self._picture_height()
        self.marks = self.strip_top + (0.3 if self.numbered else 0.52)
        self.height = self.marks + 0.6

    def draw(self, axis: Axes) -> None:
        axis.text(0.15, self.height - 0.2, self.row.title, fontsize=12.5, weight="bold", va="center")
        self._draw_strip(axis)
        self._draw_marks(axis)
        self._draw_connectors(axis)
        self._draw_boxes(axis)
        if self.roomy:
            self._write_in_boxes(axis)
        else:
            self._write_below_boxes(axis)

    def _picture_height(self) -> float:
        if not self.pictures:
            return 0.0
        height, width = self.pictures[0].shape[:2]
        return min(0.9 * self.cell * height / width, 0.9)

    def _cell_centre(self, number: float) -> float:
        return _LEFT + (number + 0.5) * self.cell

    def _position_centre(self, position: float) -> float:
        return self.boxes_left + (position + 0.5) * self.pitch

    def _draw_strip(self, axis: Axes) -> None:
        row = self.row
        for number in range(row.length):
            face = _HIDDEN if number == row.target else _TAKEN if number in row.indices else _EMPTY
            face = _REFERENCE if number in row.references else face
            cell = Rectangle(
                (_LEFT + number * self.cell, self.strip_bottom),
                self.cell,
                self.strip_top - self.strip_bottom,
                facecolor=face,
                edgecolor=_INK,
                linewidth=0.9 if self.numbered else 0.4,
                gid="frame",
            )
            axis.add_patch(cell)
            if number in self.pictures:
                self._draw_picture(axis, number)
            if self.numbered:
                self._number_cell(axis, number)
        middle = (self.strip_bottom + self.strip_top) / 2
        axis.text(_LEFT - 0.12, middle, "frames\nof the clip", fontsize=_FONT, ha="right", va="center")

    def _number_cell(self, axis: Axes, number: int) -> None:
        row = self.row
        text = f"{number}?" if number == row.target else str(number)
        taken = number in row.indices or number == row.target
        ink = "white" if number in row.references else _INK if taken else _FAINT
        weight = "bold" if number in row.references or number == row.target else "normal"
        _write(axis, self._cell_centre(number), self.strip_bottom + 0.135, text, color=ink, weight=weight)

    def _draw_picture(self, axis: Axes, number: int) -> None:
        bottom = self.strip_bottom + 0.27
        left = _LEFT + (number + 0.05) * self.cell
        extent = (left, left + 0.9 * self.cell, bottom, bottom + self._picture_height())
        hidden = number == self.row.target
        axis.imshow(self.pictures[number], extent=extent, aspect="auto", alpha=0.25 if hidden else 1.0, zorder=2)
        if hidden:
            _write(
                axis, self._cell_centre(number), bottom + self._picture_height() / 2, "?", fontsize=17, weight="bold"
            )
        axis.set(xlim=(0, _WIDTH), ylim=(0, self.height))

    def _draw_marks(self, axis: Axes) -> None:
        """Name the references, the hidden frame and the cuts above the strip, and number a strip of thin cells."""
        row = self.row
        marks = [(self._cell_centre(number), "reference") for number in row.references]
        if row.target is not None:
            step = "" if row.timestep is None else f", t = {row.timestep:.3g}"
            marks.append((self._cell_centre(row.target), f"hidden{step}"))
        for cut in row.cuts:
            x = _LEFT + cut * self.cell
            marks.append((x, "scene cut"))
            axis.plot(
                [x, x], [self.strip_bottom - 0.14, self.strip_top + 0.14], color="black", lw=5, zorder=6, gid="cut"
            )
        marks.sort()
        places = _spread([x for x, _ in marks], [_text_width(text) + 0.2 for _, text in marks])
        for (x, text), place in zip(marks, places, strict=True):
            axis.plot([x, place], [self.strip_top, self.marks - 0.02], color=_INK, lw=1.0, zorder=5, gid="mark")
            _write(axis, place, self.marks + 0.1, text, weight="bold" if text == "scene cut" else "normal")
        if not self.numbered:
            # The lines from the marks to the strip pass the numbers at about a third of their way.
            self._number_strip(
                axis,
                [x + share * (place - x) for (x, _), place in zip(marks, places, strict=True) for share in (0, 0.35)],
            )

    def _number_strip(self, axis: Axes, occupied: Sequence[float]) -> None:
        step = next(step for step in (5, 10, 20, 50, 100, 500, 10**9) if step * self.cell > 0.6)
        for number in range(0, self.row.length, step):
            x = self._cell_centre(number)
            if all(abs(x - other) > 0.25 for other in occupied):
                axis.plot([x, x], [self.strip_top, self.strip_top + 0.05], color=_FAINT, lw=1.0)
                _write(axis, x, self.strip_top + 0.16, str(number), color=_FAINT)

    def _draw_connectors(self, axis: Axes) -> None:
        for position, number in enumerate(self.row.indices):
            valid, reference = self.row.valid[position], position in self.row.reference_positions
            axis.plot(
                [self._position_centre(position), self._cell_centre(number)],
                [self.positions_top, self.strip_bottom],
                color=_REFERENCE if reference else _INK if valid else _FAINT,
                linewidth=(2.4 if reference else 1.2) * (1.0 if self.roomy else 0.5),
                linestyle="-" if valid else (0, (4, 2)),
                gid="connector",
            )

    def _draw_boxes(self, axis: Axes) -> None:
        height = 3 * _LINE if self.roomy else _LINE
        width = min(0.92 * self.pitch, self.pitch - 0.02)
        for position in range(self.count):
            valid, reference = self.row.valid[position], position in self.row.reference_positions
            box = Rectangle(
                (self._position_centre(position) - width / 2, self.positions_top - height),
                width,
                height,
                facecolor=_EMPTY if not valid else _REFERENCE if reference else _TAKEN,
                edgecolor=_INK if valid else _FAINT,
                hatch=None if valid else _HATCH,
                linewidth=0.9 if self.roomy else 0.4,
                gid="position",
            )
            axis.add_patch(box)

    def _write_in_boxes(self, axis: Axes) -> None:
        verdicts = [_verdict_text(self.row.verdict(position), self.pitch) for position in range(self.count)]
        for line, (name, texts) in enumerate({**self.labels, "valid?": verdicts}.items()):
            y = self.positions_top - (line + 0.5) * _LINE
            _write(axis, self.boxes_left - 0.12, y, name, ha="right")
            for position, text in enumerate(texts):
                valid, reference = self.row.valid[position], position in self.row.reference_positions
                x = self._position_centre(position)
                _write(
                    axis,
                    x,
                    y,
                    text,
                    color="white" if reference and valid else _INK,
                    weight="bold" if line == 0 else "normal",
                    bbox=None if valid else _BOXED,
                )

    def _write_below_boxes(self, axis: Axes) -> None:
        places = self._label_places()
        for line, (name, texts) in enumerate(self.labels.items()):
            y = self.positions_top - (line + 1.5) * _LINE
            _write(axis, self.boxes_left - 0.12, y, name, ha="right")
            for position, x in places.items():
                _write(axis, x, y, texts[position], weight="bold" if line == 0 else "normal")
        y = self.positions_top - 3.5 * _LINE
        _write(axis, self.boxes_left - 0.12, y, "valid?", ha="right")
        for verdict, first, last in self.row.runs():
            self._write_run(axis, y, verdict, first, last)

    def _write_run(self, axis: Axes, y: float, verdict: str, first: int, last: int) -> None:
        left, right = self._position_centre(first - 0.4), self._position_centre(last + 0.4)
        axis.plot([left, left, right, right], [y + 0.12, y, y, y + 0.12], color=_INK, lw=1.0)
        count = last - first + 1
        named = _verdict_text(verdict, _WIDTH)
        options = [f"{named}: {count} positions", f"{named}: {count}", f"{_sign(verdict)} {count}", ""]
        text = next(text for text in options if _text_width(text) < right - left)
        if text:
            _write(axis, (left + right) / 2, y, text, bbox=_BOXED)

    def _label_places(self) -> dict[int, float]:
        """Where to write labels that are wider than a position: the references, the ends, and what still fits."""
        room = self.label_width + 0.12
        left, right = self.row.reference_positions
        middle = (self._position_centre(left) + self._position_centre(right)) / 2
        places = {left: middle - room / 2, right: middle + room / 2}
        step = int(room / self.pitch) + 1
        for position in (0, self.count - 1, *range(step, self.count - 1, step)):
            x = min(max(self._position_centre(position), _LEFT + room / 2 - 0.1), _WIDTH - room / 2)
            if all(abs(x - other) >= room for other in places.values()):
                places[position] = x
        return places


def _write(axis: Axes, x: float, y: float, text: str, **style: Any) -> None:
    axis.text(x, y, text, **{"fontsize": _FONT, "ha": "center", "va": "center", "color": _INK, "zorder": 7, **style})


def _text_width(text: str) -> float:
    return len(text) * _CHARACTER


def _sign(verdict: str) -> str:
    return "✓" if verdict == "valid" else "✗"


def _verdict_text(verdict: str, room: float) -> str:
    text = f"{_sign(verdict)} {verdict}"
    return text if _text_width(text) < room else _sign(verdict)


def _spread(wanted: Sequence[float], widths: Sequence[float]) -> list[float]:
    """Move labels apart, each as little as the others let it, and keep them on the page."""
    places = list(wanted)
    for _ in range(200):
        for i in range(len(places) - 1):
            overlap = (widths[i] + widths[i + 1]) / 2 - (places[i + 1] - places[i])
            if overlap > 0:
                places[i] -= overlap / 2
                places[i + 1] += overlap / 2
        places = [min(max(x, w / 2), _WIDTH - w / 2) for x, w in zip(places, widths, strict=True)]
    return places


def _draw_key(figure: Figure, invalid: bool, height: float) -> None:
    entries = [
        Patch(facecolor=_REFERENCE, edgecolor=_INK, label="reference"),
        Patch(facecolor=_TAKEN, edgecolor=_INK, label="in the window"),
        Patch(facecolor=_EMPTY, edgecolor=_INK, label="not in the window"),
        Patch(facecolor=_HIDDEN, edgecolor=_INK, label="hidden (?)"),
    ]
    if invalid:
        entries.append(Patch(facecolor=_EMPTY, edgecolor=_FAINT, hatch=_HATCH, label="not valid (✗)"))
    figure.legend(
        handles=entries,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.26 / height),
        ncols=len(entries),
        fontsize=_FONT,
        frameon=False,
    )
    note = "time: 0 is the middle between the two references, 1 the distance from one to the other"
    figure.text(0.5, 0.16 / height, note, fontsize=_FONT, ha="center", va="center", color=_INK)
