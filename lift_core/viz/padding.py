"""Batches of sequences as rows of cells: what is real, what is padding, and the share of the padding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lift_core.errors import ShapeError

_REAL, _PADDING, _EDGE = "#2a6f97", "#f1e3d3", "#b3501e"
_FONT = 11


def padding_share(batches: Sequence[Sequence[int]]) -> float:
    """The part of all cells that is padding, 0 to 1, where each batch is padded to its longest sequence.

    Args:
        batches: the lengths of the sequences of each batch.

    Raises:
        ShapeError: no batch, or one without a real step.
    """
    if not batches or any(not batch or min(batch) < 0 or max(batch) < 1 for batch in batches):
        raise ShapeError("batches without sequences cannot be padded.", fix="Give one length or more for each.")
    cells = sum(len(batch) * max(batch) for batch in batches)
    return 1 - sum(map(sum, batches)) / cells


def padding_figure(ways: Mapping[str, Sequence[Sequence[int]]]) -> tuple[Figure, str]:
    """Draw ways of making batches of the same sequences, side by side; padding is pale and hatched.

    Args:
        ways: by name the lengths of the sequences of each batch, one to three ways.

    Returns:
        The figure, 10 inches wide, and a sentence that says the same.

    Raises:
        ShapeError: no way or too many, or batches that cannot be padded.
    """
    if not 1 <= len(ways) <= 3:
        raise ShapeError(f"{len(ways)} ways do not fit into the figure.", fix="Draw one to three.")
    shares = {name: padding_share(batches) for name, batches in ways.items()}
    most_rows = max(sum(len(batch) + 1 for batch in batches) for batches in ways.values())
    figure = Figure(figsize=(10, 1.1 + 0.095 * most_rows), layout="constrained", facecolor="white")
    axes = figure.subplots(1, len(ways), squeeze=False, sharey=True, sharex=True)[0]
    for axis, (name, batches) in zip(axes, ways.items(), strict=True):
        _draw(axis, batches)
        axis.set_title(f"{name}: {shares[name]:.0%} padding", fontsize=13, loc="left")
        axis.set_xlabel("step (dark: real; pale, hatched: padding)", fontsize=_FONT)
    axes[0].set_ylabel("sequences, batch after batch", fontsize=_FONT)
    axes[0].invert_yaxis()
    listed = "; ".join(f"{name} {share:.0%}" for name, share in shares.items())
    return figure, f"The share of padding: {listed}."


def _draw(axis: Axes, batches: Sequence[Sequence[int]]) -> None:
    place = 0
    for batch in batches:
        longest = max(batch)
        for length in batch:
            axis.barh(place, length, height=0.9, align="edge", color=_REAL)
            axis.barh(
                place,
                longest - length,
                left=length,
                height=0.9,
                align="edge",
                color=_PADDING,
                edgecolor=_EDGE,
                hatch="//",
                linewidth=0,
            )
            place += 1
        place += 1
    axis.set_yticks([])
    axis.tick_params(labelsize=_FONT)
    axis.spines[["top", "right", "left"]].set_visible(False)
