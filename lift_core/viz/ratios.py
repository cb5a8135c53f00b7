"""The figure of a benchmark: ratios as bars on a logarithmic axis, with a mark where each is wanted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from lift_core.errors import ShapeError

_ROW_INCHES = 0.42
_FRAME_INCHES = 1.1
_REACHED, _MISSED, _PLAIN = "#2a6f97", "#b3501e", "#9db4c0"


@dataclass(frozen=True)
class Ratio:
    """One bar.

    Attributes:
        label: what was measured beside what.
        value: the ratio, above 0; more is better.
        wanted: the ratio that is wanted; None where none is.
        reached: whether it is reached.
    """

    label: str
    value: float
    wanted: float | None = None
    reached: bool = True

    @property
    def verdict(self) -> str:
        """The value in words: ``6.9×, wanted ≥ 6``, with ``MISSED`` where it is not reached."""
        if self.wanted is None:
            return f"{self.value:.3g}×"
        return f"{self.value:.3g}×, wanted ≥ {self.wanted:.3g}" + ("" if self.reached else ": MISSED")


def ratio_figure(title: str, ratios: Sequence[Ratio]) -> tuple[Figure, str]:
    """Draw ratios as horizontal bars from 1×, in the order given.

    A bar that reaches what is wanted is dark, one that misses it hatched, one with nothing wanted pale; each says so in
    words at its end.

    Args:
        title: a line above all.
        ratios: one or more.

    Returns:
        The figure, 10 inches wide, and a sentence that says the same.

    Raises:
        ShapeError: no ratios, or one that is not above 0.
    """
    if not ratios or any(not ratio.value > 0 or not math.isfinite(ratio.value) for ratio in ratios):
        raise ShapeError("a figure needs ratios above 0.", where=title, fix="Draw finite ratios only.")
    figure = Figure(figsize=(10, _FRAME_INCHES + _ROW_INCHES * len(ratios)), layout="constrained", facecolor="white")
    axis = figure.subplots()
    for place, ratio in enumerate(ratios):
        missed = ratio.wanted is not None and not ratio.reached
        colour = _PLAIN if ratio.wanted is None else _MISSED if missed else _REACHED
        axis.barh(place, ratio.value - 1, left=1, color=colour, hatch="///" if missed else None, edgecolor="white")
        if ratio.wanted is not None:
            axis.plot([ratio.wanted] * 2, [place - 0.45, place + 0.45], color="black", linewidth=2)
        axis.text(max(ratio.value, ratio.wanted or 0, 1) * 1.06, place, ratio.verdict, va="center", fontsize=11)
    axis.set_xscale("log")
    drawn = [1.0, *(number for ratio in ratios for number in (ratio.value, ratio.wanted) if number is not None)]
    # Room for the words behind the longest bar.
    axis.set_xlim(min(drawn) * 0.8, max(drawn) * max(10.0, (max(drawn) / min(drawn)) ** 0.7))
    axis.axvline(1, color="black", linewidth=0.8)
    axis.set_yticks(range(len(ratios)), [ratio.label for ratio in ratios], fontsize=11)
    axis.invert_yaxis()
    axis.set_xlabel("times better than what it was measured beside (black mark: wanted)", fontsize=11)
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}×")
    axis.xaxis.set_minor_formatter(lambda value, _: "")
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_title(title, fontsize=13, loc="left")
    return figure, f"{title}: " + "; ".join(f"{ratio.label} {ratio.verdict}" for ratio in ratios) + "."
