"""How much each frame of a window counted, as bars."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator


def frame_weight_figure(weights: Sequence[float]) -> Figure:
    """Bars of the frame weights of a window, the two references hatched; the line is what even weights would be.

    Args:
        weights: one for each frame, in their order; they sum to 1.
    """
    figure = Figure(figsize=(6.0, 2.6), layout="constrained")
    axis = figure.subplots()
    bars = axis.bar(range(len(weights)), weights, color="#4878a8", edgecolor="white", linewidth=0.3)
    for place in (len(weights) // 2 - 1, len(weights) // 2):
        bars[place].set(hatch="///", facecolor="#1f3b57")
    axis.axhline(1.0 / len(weights), color="black", linewidth=1.0, linestyle="--")
    axis.set(xlabel="frame of the window (hatched: the references)", ylabel="weight")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.spines[["top", "right"]].set_visible(False)
    return figure
