"""The figure of the stages: panels of horizontal bars, a group for each stage and a bar for each preset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

_COLOURS = ("#1f4e79", "#5b8db8", "#b9cfe0")
_HATCHES = ("", "//", "..")
_GROUP = 0.8


@dataclass(frozen=True)
class StageBars:
    """One panel.

    Attributes:
        title: the unit.
        values: by (preset, stage); every preset has every stage.
    """

    title: str
    values: Mapping[tuple[str, str], float]


def stage_figure(title: str, panels: Sequence[StageBars]) -> tuple[Figure, str]:
    """Draw the panels beside each other, and say the same in a sentence."""
    presets = list(dict.fromkeys(name for name, _ in panels[0].values))
    stages = list(dict.fromkeys(stage for _, stage in panels[0].values))
    figure = Figure(figsize=(13, 1.4 + 0.32 * len(stages) * len(presets)), layout="constrained", facecolor="white")
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, panel in zip(axes, panels, strict=True):
        _draw(axis, panel, presets, stages)
    axes[0].set_yticks(range(len(stages)), stages, fontsize=11)
    axes[0].invert_yaxis()
    if len(presets) > 1:
        axes[0].legend(fontsize=11, loc="lower right", frameon=False)
    figure.suptitle(title, fontsize=13, x=0.01, ha="left")
    return figure, f"{title}. " + " ".join(_sentence(panel, presets, stages) for panel in panels)


def _draw(axis: Axes, panel: StageBars, presets: Sequence[str], stages: Sequence[str]) -> None:
    height = _GROUP / len(presets)
    for number, name in enumerate(presets):
        places = [place + (number - (len(presets) - 1) / 2) * height for place in range(len(stages))]
        values = [panel.values[name, stage] for stage in stages]
        bars = axis.barh(
            places, values, height, label=name, color=_COLOURS[number], hatch=_HATCHES[number], edgecolor="white"
        )
        axis.bar_label(bars, [f"{value:.3g}" for value in values], padding=3, fontsize=10)
    axis.set_xlabel(panel.title, fontsize=11)
    axis.margins(x=0.18)
    axis.spines[["top", "right"]].set_visible(False)


def _sentence(panel: StageBars, presets: Sequence[str], stages: Sequence[str]) -> str:
    parts = [
        f"{name}: " + ", ".join(f"{stage} {panel.values[name, stage]:.3g}" for stage in stages) for name in presets
    ]
    return f"{panel.title}: {'; '.join(parts)}."
