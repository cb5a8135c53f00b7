"""Repeated measurements of ways of doing one thing: one row for each way, one dot for each repetition."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lift_core.errors import ShapeError

_FONT = 11
_ROW_INCHES, _FRAME_INCHES = 0.6, 1.2
_MOST_PANELS = 3
_DOT, _MEAN = "#2a6f97", "#b3501e"

Panel = Mapping[str, Sequence[float]]


def dots_figure(panels: Mapping[str, Panel], *, unit: str, title: str = "") -> tuple[Figure, str]:
    """Draw measurements as dots on one scale, with a bar at each way's mean and the mean beside it.

    Args:
        panels: by a panel's title, by the name of a way, what was measured, one number or more; one to three panels,
            side by side, all of the same ways.
        unit: what the numbers are.
        title: a line above all.

    Returns:
        The figure, 10 inches wide, and a sentence with every mean and range.

    Raises:
        ShapeError: no panel or too many, panels of different ways, or a number missing or not finite.
    """
    _require_drawable(panels)
    rows = len(next(iter(panels.values())))
    figure = Figure(figsize=(10, _FRAME_INCHES + _ROW_INCHES * rows), layout="constrained", facecolor="white")
    axes = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
    for axis, (name, ways) in zip(axes, panels.items(), strict=True):
        _draw(axis, ways)
        axis.set_title(name, fontsize=_FONT + 1, loc="left")
        axis.set_xlabel(f"{unit} (bar: the mean)", fontsize=_FONT)
    axes[0].invert_yaxis()
    if title:
        figure.suptitle(title, fontsize=14, weight="bold", x=0.01, ha="left")
    said = "; ".join(
        f"{name}: {', '.join(_told(way, values) for way, values in ways.items())}" for name, ways in panels.items()
    )
    return figure, f"Mean {unit}: {said}."


def _require_drawable(panels: Mapping[str, Panel]) -> None:
    if not 1 <= len(panels) <= _MOST_PANELS or len({tuple(ways) for ways in panels.values()}) != 1:
        raise ShapeError("these panels cannot be drawn.", fix="Give one to three, of the same ways.")
    rows = [values for ways in panels.values() for values in ways.values()]
    if not rows or any(not len(values) or not all(map(math.isfinite, values)) for values in rows):
        raise ShapeError("these measurements cannot be drawn.", fix="Give one finite number or more for each way.")


def _draw(axis: Axes, ways: Panel) -> None:
    for place, values in enumerate(ways.values()):
        mean = fmean(values)
        # Dots of equal numbers stand one above the other, so that each is seen.
        offsets = np.linspace(-0.22, 0.22, len(values)) if len(values) > 1 else [0.0]
        axis.plot([mean, mean], [place - 0.36, place + 0.36], color=_MEAN, linewidth=2.5)
        axis.plot(values, place + np.asarray(offsets), "o", ms=5.5, color=_DOT, mec="white", mew=0.5)
        axis.annotate(
            f"{mean:.3g}", (max(values), place), xytext=(8, 0), textcoords="offset points", va="center", fontsize=_FONT
        )
    axis.set_yticks(range(len(ways)), list(ways), fontsize=_FONT)
    axis.margins(x=0.16, y=0.12)
    axis.tick_params(labelsize=_FONT)
    axis.grid(axis="x", color="#dddddd")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def _told(way: str, values: Sequence[float]) -> str:
    spread = f" ({min(values):.3g} to {max(values):.3g})" if len(values) > 1 else ""
    return f"{way} {fmean(values):.3g}{spread}"
