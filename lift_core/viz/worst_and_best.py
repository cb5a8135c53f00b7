"""The figure of an evaluation: the hidden frames that were made worst and best, with each method's errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lift_core.errors import ShapeError

# Lengths are inches: everything is placed by hand, so that the same frames give the same picture.
_WIDTH = 2.7
_TALLEST = 5.4
_GAP = 0.08
_MARGIN = 0.2
_BETWEEN_ROWS = 0.2
_LONGEST_NAME = 22
_LINE = 0.27
_HEADING = 0.4
_SCALE = 0.75
_LEAST_ERROR_SCALE = 16.0
MOST_METHODS = 4


@dataclass(frozen=True)
class MadeFrame:
    """What one method made of a hidden frame.

    Attributes:
        image: RGB uint8 ``[h, w, 3]``.
        error: absolute error, the mean of the channels in grey levels, ``[h, w]``.
        psnr: in dB, of the frames at full size.
    """

    image: NDArray[np.uint8]
    error: NDArray[np.float32]
    psnr: float


@dataclass(frozen=True)
class ComparedFrame:
    """A hidden frame and what the methods made of it.

    Attributes:
        clip: the clip's name.
        number: the frame's place in it.
        note: more about the frame, in a few words.
        truth: the frame itself, RGB uint8 ``[h, w, 3]``.
        made: what each method made of it, by the method's name.
    """

    clip: str
    number: int
    note: str
    truth: NDArray[np.uint8]
    made: Mapping[str, MadeFrame]


def worst_and_best(worst: Sequence[ComparedFrame], best: Sequence[ComparedFrame], method: str) -> tuple[Figure, str]:
    """Draw the frames that a method made worst and best, a row for each: the truth, then each method's frame and error.

    All errors share one scale, set by the largest without the outermost thousandth.

    Args:
        worst: worst first; of every frame, the same methods.
        best: best first; there may be none.
        method: the one whose PSNR decided.

    Returns:
        The figure, and a sentence that names each frame with the PSNR of every method.

    Raises:
        ShapeError: no frame, no method, or more than four methods.
    """
    frames = [*worst, *best]
    methods = list(frames[0].made) if frames else []
    if not 1 <= len(methods) <= MOST_METHODS:
        raise ShapeError(
            f"{len(frames)} frames of {len(methods)} methods cannot be drawn.", fix="Draw one to four methods."
        )
    groups = [(f"made {kind} by {method}", group) for kind, group in (("worst", worst), ("best", best)) if group]
    page = _Page(frames, len(groups))
    top = max(
        _LEAST_ERROR_SCALE, *(float(np.quantile(made.error, 0.999)) for frame in frames for made in frame.made.values())
    )
    for heading, group in groups:
        page.heading(heading)
        for place, frame in enumerate(group, start=1):
            page.row(place, frame, top)
    page.scale(top)
    return page.figure, _sentence(worst, best, method)


class _Page:
    """A page that is filled from its top."""

    def __init__(self, frames: Sequence[ComparedFrame], headings: int) -> None:
        columns = 1 + 2 * len(frames[0].made)
        self._size = (
            2 * _MARGIN + columns * (_WIDTH + _GAP) - _GAP,
            2 * _MARGIN + headings * _HEADING + sum(_row_height(frame) for frame in frames) + _SCALE,
        )
        self.figure = Figure(figsize=self._size, facecolor="white")
        self._below = _MARGIN

    def heading(self, text: str) -> None:
        self._write(0, text, fontsize=14, weight="bold")
        self._below += _HEADING

    def row(self, place: int, frame: ComparedFrame, top: float) -> None:
        self._write(0, f"{place}. {frame.clip}, frame {frame.number}; {frame.note}", fontsize=11)
        self._below += _LINE
        self._write(0, "truth", fontsize=11)
        for number, (method, made) in enumerate(frame.made.items()):
            self._write(1 + 2 * number, f"{_short(method)}: {made.psnr:.2f} dB", fontsize=11)
            self._write(2 + 2 * number, f"its error (mean {made.error.mean():.1f})", fontsize=11)
        self._below += _LINE
        height = _picture_height(frame)
        self._axis(0, height).imshow(frame.truth)
        for number, made in enumerate(frame.made.values()):
            self._axis(1 + 2 * number, height).imshow(made.image)
            self._axis(2 + 2 * number, height).imshow(made.error, cmap="magma", vmin=0, vmax=top)
        self._below += height + _BETWEEN_ROWS

    def scale(self, top: float) -> None:
        """The colours of the errors, beneath all."""
        width, height = self._size
        place = (_MARGIN / width, (_MARGIN + 0.3) / height, min(1 - 2 * _MARGIN / width, 8 / width), 0.15 / height)
        bar = self.figure.colorbar(
            ScalarMappable(Normalize(0, top), "magma"), cax=self.figure.add_axes(place), orientation="horizontal"
        )
        bar.set_label("absolute error in grey levels of 255; brighter is worse", fontsize=11)

    def _write(self, column: int, text: str, **style: Any) -> None:
        width, height = self._size
        x, y = _MARGIN + column * (_WIDTH + _GAP), height - self._below - 0.05
        # A file's name may hold dollar signs, between which matplotlib would read a formula.
        self.figure.text(x / width, y / height, text, va="top", parse_math=False, **style)

    def _axis(self, column: int, picture_height: float) -> Axes:
        width, height = self._size
        left, bottom = _MARGIN + column * (_WIDTH + _GAP), height - self._below - picture_height
        axis = self.figure.add_axes((left / width, bottom / height, _WIDTH / width, picture_height / height))
        axis.set_axis_off()
        axis.set_anchor("NW")
        return axis


def _picture_height(frame: ComparedFrame) -> float:
    return min(_WIDTH * frame.truth.shape[0] / frame.truth.shape[1], _TALLEST)


def _row_height(frame: ComparedFrame) -> float:
    return 2 * _LINE + _picture_height(frame) + _BETWEEN_ROWS


def _short(method: str) -> str:
    """The end of a long name, which tells paths apart."""
    return method if len(method) <= _LONGEST_NAME else f"…{method[1 - _LONGEST_NAME :]}"


def _sentence(worst: Sequence[ComparedFrame], best: Sequence[ComparedFrame], method: str) -> str:
    said = [
        f"{kind}: " + "; ".join(_named(frame) for frame in group) + "."
        for kind, group in (("Worst", worst), ("Best", best))
        if group
    ]
    about = f"Hidden frames that {method} made worst and best, with what each method made of them and its errors."
    return " ".join([about, *said])


def _named(frame: ComparedFrame) -> str:
    values = ", ".join(f"{method} {made.psnr:.2f} dB" for method, made in frame.made.items())
    return f"{frame.clip} frame {frame.number} ({values})"
