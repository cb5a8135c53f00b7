"""Figures of interpolated frames: before and after with error maps and a sentence for alt text; contact sheets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lift_core.atomic import atomic_file
from lift_core.errors import ShapeError
from lift_core.metrics import psnr

Image = NDArray[np.uint8]

_CELL_WIDTH_INCHES = 3.6
_TITLE_INCHES = 0.42
_COLOUR_BAR_INCHES = 0.75
_LEAST_ERROR_SCALE = 16.0
_GAP = 4
_LABEL_HEIGHT = 22


def before_after(
    references: tuple[Image, Image], truth: Image, made: Mapping[str, Image], *, title: str = ""
) -> tuple[Figure, str]:
    """Draw what was known, what was true, what each method made, and where it erred.

    The first row shows the references and the true frame between them, the second the frames that were made with
    their PSNR, the third their absolute errors (mean of the channels, in grey levels) on one common scale.

    Args:
        references: the frames before and after, RGB uint8 ``[H, W, 3]``.
        truth: the hidden frame, of the same size.
        made: what each method made of it, by the method's name, one to four of them; the same size.
        title: a line above all.

    Returns:
        The figure, and a sentence that says what it shows.

    Raises:
        ShapeError: no frames, too many, or frames of different sizes.
    """
    _require_same_size([*references, truth, *made.values()])
    if not 1 <= len(made) <= 4:
        raise ShapeError(f"{len(made)} methods do not fit into the figure.", fix="Draw one to four.")
    columns = max(3, len(made))
    height, width = truth.shape[:2]
    cell_height = _CELL_WIDTH_INCHES * height / width + _TITLE_INCHES
    figure = Figure(figsize=(columns * _CELL_WIDTH_INCHES, 3 * cell_height + _COLOUR_BAR_INCHES), layout="constrained")
    axes = figure.subplots(3, columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    known = {"reference before": references[0], "true frame (hidden)": truth, "reference after": references[1]}
    for axis, (name, image) in zip(axes[0], known.items(), strict=False):
        _show(axis, image, name)
    values = {name: psnr(image, truth) for name, image in made.items()}
    for axis, (name, image) in zip(axes[1], made.items(), strict=False):
        _show(axis, image, f"{name}: {values[name]:.2f} dB")
    _draw_errors(figure, list(axes[2]), made, truth)
    if title:
        figure.suptitle(title, fontsize=14)
    return figure, _describe(values)


def save_figure(figure: Figure, path: Path, alt: str, *, dpi: int = 100) -> None:
    """Write a figure as PNG, with its sentence as the file's description.

    Raises:
        OutputError: the place cannot be written to.
    """
    with atomic_file(path) as temporary:
        figure.savefig(temporary, dpi=dpi, format="png", metadata={"Description": alt})


def contact_sheet(
    frames: Sequence[Image], *, columns: int = 4, cell_width: int = 320, labels: Sequence[str] | None = None
) -> Image:
    """Lay out frames in reading order on a dark sheet, each under its label.

    Args:
        frames: RGB uint8 ``[H, W, 3]`` of any sizes; each is scaled to ``cell_width``.
        columns: frames in a row.
        cell_width: pixels.
        labels: one short text for each frame; by default its number, counted from 0.

    Returns:
        RGB uint8.

    Raises:
        ShapeError: no frames, or another number of labels.
    """
    texts = [str(number) for number in range(len(frames))] if labels is None else list(labels)
    if not frames or len(texts) != len(frames):
        raise ShapeError(
            f"{len(frames)} frames and {len(texts)} labels.", fix="Give at least one frame, one label each."
        )
    cells = [_labelled(frame, text, cell_width) for frame, text in zip(frames, texts, strict=True)]
    row_height = max(cell.shape[0] for cell in cells) + _GAP
    rows = -(-len(cells) // columns)
    used = min(columns, len(cells))
    sheet = np.full((rows * row_height + _GAP, used * (cell_width + _GAP) + _GAP, 3), 24, np.uint8)
    for number, cell in enumerate(cells):
        top, left = _GAP + number // columns * row_height, _GAP + number % columns * (cell_width + _GAP)
        sheet[top : top + cell.shape[0], left : left + cell_width] = cell
    return sheet


def _draw_errors(figure: Figure, axes: list[Axes], made: Mapping[str, Image], truth: Image) -> None:
    errors = {name: np.abs(image.astype(np.float32) - truth).mean(axis=2) for name, image in made.items()}
    # One scale for all, set by the largest errors without the outermost thousandth.
    top = max(_LEAST_ERROR_SCALE, *(float(np.quantile(error, 0.999)) for error in errors.values()))
    for axis, (name, error) in zip(axes, errors.items(), strict=False):
        drawn = axis.imshow(error, cmap="magma", vmin=0, vmax=top)
        axis.set_title(f"error of {name} (mean {error.mean():.1f})", fontsize=12)
    bar = figure.colorbar(drawn, ax=axes, location="bottom", fraction=0.06, aspect=60)
    bar.set_label("absolute error in grey levels of 255; brighter is worse", fontsize=11)


def _show(axis: Axes, image: Image, title: str) -> None:
    axis.imshow(image)
    axis.set_title(title, fontsize=12)


def _describe(values: Mapping[str, float]) -> str:
    ranked = sorted(values, key=lambda name: -values[name])
    listed = ", ".join(f"{name} {values[name]:.2f} dB" for name in ranked)
    return (
        "Two reference frames, the true frame hidden between them, what each method made of it and a map of its"
        f" errors; PSNR, best first: {listed}."
    )


def _labelled(frame: Image, text: str, width: int) -> Image:
    height = max(1, round(frame.shape[0] * width / frame.shape[1]))
    interpolation = cv2.INTER_AREA if width < frame.shape[1] else cv2.INTER_CUBIC
    cell = np.full((_LABEL_HEIGHT + height, width, 3), 24, np.uint8)
    cell[_LABEL_HEIGHT:] = cv2.resize(frame, (width, height), interpolation=interpolation)
    cv2.putText(cell, text, (4, _LABEL_HEIGHT - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    return cell


def _require_same_size(images: Sequence[Image]) -> None:
    shapes = {image.shape for image in images}
    if len(shapes) != 1 or images[0].ndim != 3 or images[0].shape[2] != 3:
        raise ShapeError(
            f"frames of shapes {sorted(shapes)} cannot be compared.", fix="Pass RGB uint8 [H, W, 3] of one size."
        )
