"""Timelines of a training and its workers: a row for each process, a bar for each thing it did, waiting left open."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lift_core.errors import ShapeError
from lift_core.viz.trace import KINDS, TRAINING, Kind, Trace

_FONT = 11
_ROW_INCHES, _TITLE_INCHES, _FOOT_INCHES = 0.34, 0.5, 0.95
_MOST = 6
# Told apart by pattern and height as well as by colour.
_LOOKS: dict[Kind, tuple[str, str | None, float]] = {
    "starting": ("#c9b458", "xx", 0.5),
    "loading": ("#9db4c0", "///", 0.7),
    "waiting": ("#ffffff", None, 0.7),
    "computing": ("#1f4e79", None, 0.7),
}
_WAITING_EDGE = "#b3470f"
_MEANING: dict[Kind, str] = {
    "starting": "a worker starts",
    "loading": "loading",
    "waiting": "waiting for a batch (open box)",
    "computing": "computing",
}


def timeline_figure(traces: Mapping[str, Trace], *, until: float | None = None) -> tuple[Figure, str]:
    """Draw one or more traces below each other on one axis of time, each from its own start.

    Args:
        traces: by title, one to six.
        until: seconds to draw; by default all of the longest trace. The shares of waiting are always of the whole.

    Returns:
        The figure, 10 inches wide, and a sentence with each trace's seconds and share of waiting.

    Raises:
        ShapeError: no traces, or too many.
    """
    if not 1 <= len(traces) <= _MOST:
        raise ShapeError(f"{len(traces)} traces cannot be drawn.", fix=f"Draw 1 to {_MOST}.")
    end = until or max(trace.seconds for trace in traces.values())
    rows = [len(trace.lanes) * _ROW_INCHES + _TITLE_INCHES for trace in traces.values()]
    figure = Figure(figsize=(10, sum(rows) + _FOOT_INCHES), layout="constrained", facecolor="white")
    axes = figure.subplots(len(traces), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": rows})[:, 0]
    for axis, (title, trace) in zip(axes, traces.items(), strict=True):
        _draw(axis, trace, end)
        axis.set_title(f"{title}: {_share(trace)} of the time waiting", fontsize=12, loc="left")
    axes[-1].set_xlabel("seconds", fontsize=_FONT)
    axes[-1].set_xlim(0, end)
    _draw_key(figure, traces)
    return figure, _sentence(traces)


def _draw(axis: Axes, trace: Trace, end: float) -> None:
    origin = min(span.start for span in trace.spans)
    lanes = trace.lanes
    for span in trace.spans:
        start = span.start - origin
        if start > end:
            continue
        colour, hatch, height = _LOOKS[span.kind]
        row = lanes.index(span.lane)
        edge, width = (_WAITING_EDGE, 1.3) if span.kind == "waiting" else ("white", 0.6)
        length = min(span.end - origin, end) - start
        axis.barh(row, length, left=start, height=height, color=colour, hatch=hatch, edgecolor=edge, linewidth=width)
    axis.set_yticks(range(len(lanes)), lanes, fontsize=_FONT)
    axis.set_ylim(len(lanes) - 0.45, -0.55)
    axis.tick_params(labelsize=_FONT)
    axis.spines[["top", "right"]].set_visible(False)


def _draw_key(figure: Figure, traces: Mapping[str, Trace]) -> None:
    drawn = {span.kind for trace in traces.values() for span in trace.spans}
    patches = [
        Patch(
            facecolor=_LOOKS[kind][0],
            hatch=_LOOKS[kind][1],
            edgecolor=_WAITING_EDGE if kind == "waiting" else "white",
            label=_MEANING[kind],
        )
        for kind in KINDS
        if kind in drawn
    ]
    figure.legend(handles=patches, loc="outside lower center", ncols=len(patches), frameon=False, fontsize=_FONT)


def _share(trace: Trace) -> str:
    return f"{100 * trace.waiting:.0f} %"


def _sentence(traces: Mapping[str, Trace]) -> str:
    said = []
    for title, trace in traces.items():
        computing = trace.busy(TRAINING, "computing")
        said.append(
            f"{title}: {trace.seconds:.2f} s in all, of which the training computed {computing:.2f} s; from its first"
            f" step on it waited for {_share(trace)} of the time"
        )
    return "Timelines: " + "; ".join(said) + "."
