"""Recalls of classes: one panel per class, one row per way of training, one mark per repetition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from lift_core.errors import ShapeError

_FONT = 11
_INK = "#222222"
_BAR, _MARK = "#9db4c0", "#1f4e79"
_ROW_INCHES, _FRAME_INCHES = 0.42, 1.25


def recall_figure(
    recalls: Mapping[str, Sequence[Sequence[float]]], classes: Sequence[str], *, title: str = ""
) -> tuple[Figure, str]:
    """Draw recalls as bars (the mean of the repetitions, its value beside it) with a mark for each repetition.

    Args:
        recalls: by the name of a way, for each repetition the recall of every class, 0 to 1.
        classes: their names.
        title: a line above.

    Returns:
        The figure, 10 inches wide, and a sentence with every mean.

    Raises:
        ShapeError: no way, or numbers that are not ``[repetitions, classes]`` within 0 and 1.
    """
    tables = {name: np.asarray(rows, np.float64) for name, rows in recalls.items()}
    for name, table in tables.items():
        fits = table.ndim == 2 and table.size and table.shape[1] == len(classes)
        if not fits or not np.all((table >= 0) & (table <= 1)):
            raise ShapeError("recalls cannot be drawn.", where=name, fix="Give [repetitions, classes] within 0 and 1.")
    if not tables:
        raise ShapeError("there are no recalls to draw.", fix="Give those of at least one way.")
    figure = Figure(figsize=(10, _FRAME_INCHES + _ROW_INCHES * len(tables)), layout="constrained", facecolor="white")
    for column, (axis, label) in enumerate(
        zip(figure.subplots(1, len(classes), sharey=True, squeeze=False)[0], classes, strict=True)
    ):
        for place, table in enumerate(tables.values()):
            values = table[:, column]
            axis.barh(place, values.mean(), height=0.7, color=_BAR)
            axis.plot(values, np.linspace(place - 0.2, place + 0.2, len(values)), "o", ms=4, color=_MARK)
            axis.text(1.03, place, f"{values.mean():.2f}", va="center", fontsize=_FONT, color=_INK)
        axis.set(xlim=(0, 1), yticks=range(len(tables)), xlabel="recall")
        axis.set_yticklabels(tables, fontsize=_FONT)
        axis.set_title(label, fontsize=_FONT + 1)
        axis.tick_params(labelsize=_FONT)
        axis.spines[["top", "right"]].set_visible(False)
    axis.invert_yaxis()
    if title:
        figure.suptitle(title, fontsize=14, weight="bold", x=0.01, ha="left")
    return figure, _sentence(tables, classes)


def _sentence(tables: Mapping[str, np.ndarray], classes: Sequence[str]) -> str:
    said = [
        f"{name}: " + ", ".join(f"{label} {mean:.2f}" for label, mean in zip(classes, table.mean(axis=0), strict=True))
        for name, table in tables.items()
    ]
    return "Mean recall: " + "; ".join(said) + "."
