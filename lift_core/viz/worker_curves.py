"""Speed against the number of workers: measured, guessed and computed, in panels beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lift_core.errors import ShapeError

_FONT = 11
_MOST = 3
_MEASURED, _GUESSED, _COMPUTED = "#1f4e79", "#b3470f", "#2b6e3f"


@dataclass(frozen=True)
class WorkerCurves:
    """One panel: for a number of workers, times as fast as with 0 workers.

    Attributes:
        measured: at least two points.
        guessed: drawn as crosses; may be empty, and None where nothing was guessed.
        computed: drawn as a dashed line; may be empty.
    """

    measured: Mapping[int, float]
    guessed: Mapping[int, float | None] = field(default_factory=dict)
    computed: Mapping[int, float] = field(default_factory=dict)

    @property
    def guesses(self) -> dict[int, float]:
        """What was guessed, by number of workers."""
        return {workers: guess for workers, guess in self.guessed.items() if guess is not None}


def worker_curves_figure(panels: Mapping[str, WorkerCurves]) -> tuple[Figure, str]:
    """Draw one to three panels by title.

    Returns:
        The figure, 10 inches wide, and a sentence with all numbers.

    Raises:
        ShapeError: no panels, too many, or one with fewer than two points measured.
    """
    if not 1 <= len(panels) <= _MOST or any(len(panel.measured) < 2 for panel in panels.values()):
        raise ShapeError(
            f"panels of {[len(panel.measured) for panel in panels.values()]} points cannot be drawn.",
            fix=f"Give 1 to {_MOST} panels of at least 2 points each.",
        )
    figure = Figure(figsize=(10, 4.2), layout="constrained", facecolor="white")
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, (title, panel) in zip(axes, panels.items(), strict=True):
        _draw(axis, panel)
        axis.set_title(title, fontsize=12, loc="left")
    drawn = [value for p in panels.values() for m in (p.measured, p.guesses, p.computed) for value in m.values()]
    axes[0].set_ylim(0, 1.08 * max(1.0, *drawn))
    axes[0].set_ylabel("times as fast as with 0 workers", fontsize=_FONT)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=_FONT)
    return figure, " ".join(_sentence(title, panel) for title, panel in panels.items())


def _draw(axis: Axes, panel: WorkerCurves) -> None:
    places = {workers: place for place, workers in enumerate(sorted({*panel.measured, *panel.guesses}))}

    def points(values: Mapping[int, float]) -> tuple[list[int], list[float]]:
        known = sorted((places[workers], value) for workers, value in values.items() if workers in places)
        return [place for place, _ in known], [value for _, value in known]

    axis.axhline(1, color="#999999", linewidth=0.8)
    axis.plot(*points(panel.computed), color=_COMPUTED, linestyle="--", marker="s", label="computed (dashed, squares)")
    axis.plot(*points(panel.measured), color=_MEASURED, linewidth=2, marker="o", ms=8, label="measured (solid, dots)")
    axis.plot(
        *points(panel.guesses), color=_GUESSED, linestyle="", marker="x", ms=11, mew=2.5, label="your guess (crosses)"
    )
    axis.set_xticks(list(places.values()), [str(workers) for workers in places])
    axis.set_xlabel("workers", fontsize=_FONT)
    axis.tick_params(labelsize=_FONT)
    axis.grid(axis="y", color="#dddddd")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def _sentence(title: str, panel: WorkerCurves) -> str:
    said = []
    for name, values in (
        ("measured", panel.measured),
        ("your guess", panel.guesses),
        ("computed", panel.computed),
    ):
        if values:
            said.append(f"{name} " + ", ".join(f"{value:.2g}× with {count}" for count, value in sorted(values.items())))
    return f"{title} (number of workers): " + "; ".join(said) + "."
