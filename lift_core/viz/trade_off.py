"""Ways of doing one thing as points: what each costs in memory, and what in time."""

from __future__ import annotations

import math
from collections.abc import Mapping

from matplotlib.figure import Figure

from lift_core.errors import ShapeError

_FONT = 11
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
_COLOUR = "#1f4e79"


def trade_off_figure(
    points: Mapping[str, tuple[float, float]], *, memory: str = "MB kept", time: str = "ms", title: str = ""
) -> tuple[Figure, str]:
    """Draw each way as a mark with its name: memory to the right, time upwards, both on scales that begin at 0.

    Args:
        points: by name (memory, time), 0 or more; up to eight.
        memory, time: what the two are, with their units.
        title: a line above.

    Returns:
        The figure, 10 inches wide, and a sentence that says the same.

    Raises:
        ShapeError: no points or too many, or a number that is negative or not finite.
    """
    numbers = [number for point in points.values() for number in point]
    if not 1 <= len(points) <= len(_MARKS) or any(number < 0 or not math.isfinite(number) for number in numbers):
        raise ShapeError("these points cannot be drawn.", fix="Give one to eight, of finite numbers of 0 or more.")
    figure = Figure(figsize=(10, 4.2), layout="constrained", facecolor="white")
    axis = figure.subplots()
    right = max(x for x, _ in points.values()) or 1.0
    top = max(y for _, y in points.values()) or 1.0
    for mark, (name, (x, y)) in zip(_MARKS, points.items(), strict=False):
        axis.plot(x, y, mark, color=_COLOUR, markersize=11, clip_on=False)
        near_the_right = x > 0.6 * right
        axis.annotate(
            name,
            (x, y),
            xytext=(-10 if near_the_right else 10, 8),
            textcoords="offset points",
            ha="right" if near_the_right else "left",
            fontsize=_FONT + 1,
        )
    axis.set(xlim=(0, right * 1.08), ylim=(0, top * 1.2))
    axis.set_xlabel(memory, fontsize=_FONT)
    axis.set_ylabel(time, fontsize=_FONT)
    axis.tick_params(labelsize=_FONT)
    axis.grid(color="#dddddd")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    if title:
        axis.set_title(title, fontsize=14, weight="bold", loc="left")
    said = "; ".join(f"{name}: {x:.3g} and {y:.3g}" for name, (x, y) in points.items())
    return figure, f"{memory} and {time} of each way: {said}."
