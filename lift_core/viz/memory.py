"""Memory over time: several ways of doing one thing, each with its peak and its prediction, named at the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lift_core.errors import ShapeError

_FONT = 11
_COLOURS = ("#1f4e79", "#b3470f", "#2b6e3f", "#6b3a86")
_MARKS = ("o", "s", "^", "D")
_INK = "#222222"
_WIDTH, _HEIGHT, _LEFT, _AXIS_SHARE = 10.0, 4.5, 0.085, 0.76
_LABEL_INCHES = 0.21
_CHARACTER = 0.6 * _FONT / 72


def memory_figure(
    curves: Mapping[str, Sequence[tuple[float, float]]], predictions: Mapping[str, float], *, title: str = ""
) -> tuple[Figure, str]:
    """Draw memory over time, measured (solid, with marks) and predicted (dashed).

    Args:
        curves: by name one to four series of (seconds, MB above the start), in order of time.
        predictions: by name the MB above the start that were predicted; any of the curves' names.
        title: a line above.

    Returns:
        The figure, 10 inches wide (800 pixels at 80 dpi), and a sentence with each curve's peak and when it was
        first reached.

    Raises:
        ShapeError: no curve or too many, an empty one, or a prediction of no curve.
    """
    _check(curves, predictions)
    figure = Figure(figsize=(_WIDTH, _HEIGHT), facecolor="white")
    axis = figure.add_axes((_LEFT, 0.14, 0.5, _AXIS_SHARE))
    end = max(second for series in curves.values() for second, _ in series) or 1.0
    top = max([1.0, *predictions.values(), *(mb for series in curves.values() for _, mb in series)])
    labels: list[tuple[float, str, str]] = []
    for number, (name, series) in enumerate(curves.items()):
        colour = _COLOURS[number]
        reached, peak = _peak(series)
        axis.plot(*zip(*series, strict=True), color=colour, lw=2, marker=_MARKS[number], markevery=0.08, ms=7, gid=name)
        axis.plot([reached, end], [peak, peak], color=colour, lw=1.2, ls=":", gid=f"{name} peak")
        labels.append((peak, f"{name}: peak {peak:.3g} MB", colour))
        if name in predictions:
            axis.axhline(predictions[name], color=colour, lw=1.6, ls=(0, (6, 3)), gid=f"{name} predicted")
            labels.append((predictions[name], f"{name}: predicted {predictions[name]:.3g} MB", colour))
    lowest = min(0.0, *(mb for series in curves.values() for _, mb in series))
    axis.set(xlim=(0, end), ylim=(lowest * 1.08, top * 1.08))
    _label_lines(axis, labels)
    _name_axes(axis, title)
    return figure, _sentence(curves, predictions)


def _check(curves: Mapping[str, Sequence[tuple[float, float]]], predictions: Mapping[str, float]) -> None:
    if not 1 <= len(curves) <= len(_COLOURS) or not all(curves.values()):
        raise ShapeError(
            f"curves of lengths {[len(series) for series in curves.values()]} cannot be drawn.",
            fix="Give one to four curves of at least one point each.",
        )
    unknown = [name for name in predictions if name not in curves]
    if unknown:
        raise ShapeError(f"there is no curve for the prediction {unknown[0]!r}.", fix=f"Name one of {list(curves)}.")


def _peak(series: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The first of the highest points."""
    return max(series, key=lambda point: point[1])


def _label_lines(axis: Axes, labels: Sequence[tuple[float, str, str]]) -> None:
    """Write each label at the right end of its line, pushed up where another one is in the way."""
    longest = max(len(text) for _, text, _ in labels) * _CHARACTER + 0.5
    axis.set_position((_LEFT, 0.14, max(0.3, 1 - _LEFT - longest / _WIDTH), _AXIS_SHARE))
    low, high = axis.get_ylim()
    room = _LABEL_INCHES / (_AXIS_SHARE * _HEIGHT) * (high - low)
    ordered = sorted(labels)
    places = [value for value, _, _ in ordered]
    for _ in range(100):
        for i, (lower, upper) in enumerate(pairwise(places)):
            overlap = room - (upper - lower)
            if overlap > 0:
                places[i], places[i + 1] = lower - overlap / 2, upper + overlap / 2
        places = [max(place, low + room / 2 + i * room) for i, place in enumerate(places)]
    for (value, text, colour), place in zip(ordered, places, strict=True):
        axis.annotate(
            text,
            xy=(1, value),
            xycoords=("axes fraction", "data"),
            xytext=(1.04, place),
            textcoords=("axes fraction", "data"),
            va="center",
            fontsize=_FONT,
            color=colour,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "lw": 0.8,
                "shrinkA": 0,
                "shrinkB": 0,
                "relpos": (0, 0.5),
            },
        )


def _name_axes(axis: Axes, title: str) -> None:
    axis.set_xlabel("seconds", fontsize=_FONT, color=_INK)
    axis.set_ylabel("MB above the start", fontsize=_FONT, color=_INK)
    axis.tick_params(labelsize=_FONT)
    axis.grid(axis="y", color="#dddddd")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    if title:
        axis.set_title(title, fontsize=14, weight="bold", loc="left")


def _sentence(curves: Mapping[str, Sequence[tuple[float, float]]], predictions: Mapping[str, float]) -> str:
    said = []
    for name, series in curves.items():
        reached, peak = _peak(series)
        predicted = f" ({predictions[name]:.3g} MB were predicted)" if name in predictions else ""
        said.append(f"{name} reached at most {peak:.3g} MB above the start, after {reached:.3g} s{predicted}")
    return "Memory over time: " + "; ".join(said) + "."
