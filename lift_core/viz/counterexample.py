"""What a wrong answer looks like: the input, the answer, the expected one, and where they differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from lift_core.viz.answer_table import MOST_ITEMS, answer_table
from lift_core.viz.arrays import Array, Layout, Scale, as_array, differing, picture_in

_WIDTH = 10.0
_FONT = 11
_TITLE = 13
_SMALL = 200


def counterexample(input: object, yours: object, expected: object, *, atol: float = 1e-4) -> tuple[Figure, str] | None:
    """Draw a wrong answer beside the right one.

    Pictures are ``[H, W]``, ``[H, W, 3]``, ``[3, H, W]`` and stacks of them such as ``[B, 3, H, W]``, of which the
    first that differs is drawn; uint8 or float in [0, 1], numpy or torch. Other numbers in two and more dimensions,
    such as flow, are drawn in grey, one channel of them. Flat sequences of up to 64 numbers become a table in which
    the differing cells are marked.

    Args:
        input: what the function was given; drawn where it is, or holds, a picture, or numbers as many as expected.
        yours: what the function returned.
        expected: what it should have returned.
        atol: numbers that differ by no more count as equal.

    Returns:
        The figure, at most 10 inches wide (800 pixels at 80 dpi), and a sentence that says the same; None where a
        picture says nothing: single numbers, text, other structures.
    """
    right, answer = as_array(expected), as_array(yours)
    if right is None or right.size == 0:
        return None
    if right.ndim >= 2:
        return _Pictures.of(picture_in(input), yours, answer, right, atol).draw()
    if right.ndim == 1 and answer is not None and answer.ndim == 1 and max(len(right), len(answer)) <= MOST_ITEMS:
        return answer_table(as_array(input), answer, right, atol)
    return None


@dataclass(frozen=True)
class _Panel:
    title: str
    picture: Array
    scale: Scale


@dataclass(frozen=True)
class _Pictures:
    """The panels of one counterexample.

    Attributes:
        given: None where the input is no picture.
        yours: text where it is no picture of the expected shape.
        different: where the pictures drawn differ, ``[H, W]`` or ``[H, W, 3]``; None where they cannot be compared.
        item: which picture of a stack is drawn, in words; empty where there is one.
    """

    given: _Panel | None
    yours: _Panel | str
    expected: _Panel
    different: NDArray[np.bool_] | None
    item: str

    @classmethod
    def of(cls, given: Array | None, yours: object, answer: Array | None, right: Array, atol: float) -> _Pictures:
        layout, scale = Layout.of(right), Scale.of(right)
        marked = np.zeros(right.shape, np.bool_)
        comparable = answer is not None and answer.shape == right.shape
        if answer is not None and comparable:
            marked = differing(answer, right, atol)
        place = layout.first(marked)
        mine: _Panel | str = _problem(yours, answer, right)
        if answer is not None and comparable:
            mine = _Panel("yours", layout.plane(answer, place), scale)
        return cls(
            given=None if given is None else _input_panel(given, right, place),
            yours=mine,
            expected=_Panel("expected", layout.plane(right, place), scale),
            different=layout.plane(marked, place) if comparable else None,
            item=f"item {list(place)} of {list(right.shape)}" if place else "",
        )

    def draw(self) -> tuple[Figure, str]:
        figure, axes = self._grid()
        if self.given is not None:
            _show(axes["input"], self.given)
        _show(axes["expected"], self.expected)
        if isinstance(self.yours, str) or self.different is None:
            height, width = self.expected.picture.shape[:2]
            for name, text in {"yours": str(self.yours), "difference": "none to draw"}.items():
                axes[name].set_box_aspect(height / width)
                _say(axes[name], name, text)
            return figure, f"Yours is {' '.join(str(self.yours).split())}."
        _show(axes["yours"], self.yours)
        largest = _Largest.of(self.yours.picture, self.expected.picture, self.different)
        self._draw_difference(figure, axes["difference"], largest)
        return figure, self._sentence(largest)

    def _grid(self) -> tuple[Figure, dict[str, Axes]]:
        """Axes by what they show; wide pictures in two rows, yours beside the expected one."""
        height, width = self.expected.picture.shape[:2]
        names: list[Any] = [["yours", "expected", "difference"]]
        if self.given is not None:
            wide = height / width < 0.7
            names = [["yours", "expected"], ["input", "difference"]] if wide else [["input", *names[0]]]
        panel_height = min(max(_WIDTH / len(names[0]) * 0.85 * height / width, 1.0), 5.0)
        size = (_WIDTH, len(names) * (panel_height + 0.95) + (0.4 if self.item else 0.1))
        figure = Figure(figsize=size, facecolor="white", layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.08))
        if self.item:
            figure.suptitle(f"drawn: {self.item}", fontsize=_FONT)
        return figure, figure.subplot_mosaic(names)

    def _draw_difference(self, figure: Figure, axis: Axes, largest: _Largest) -> None:
        colours = colormaps["magma"].with_extremes(bad="#33cc66")
        drawn = axis.imshow(largest.errors, cmap=colours, vmin=0, vmax=largest.top, interpolation="nearest")
        axis.plot(largest.column, largest.row, marker="o", ms=14, mfc="none", mec="black", mew=4.0)
        axis.plot(largest.column, largest.row, marker="o", ms=14, mfc="none", mec="white", mew=1.8, gid="largest")
        _frame(axis, "difference", f"largest (circle): {largest.text}\n{largest.place}")
        bar = figure.colorbar(drawn, ax=axis, fraction=0.05, pad=0.02)
        bar.ax.tick_params(labelsize=_FONT)

    def _sentence(self, largest: _Largest) -> str:
        assert self.different is not None
        where = f" ({self.item})" if self.item else ""
        count, total = int(self.different.sum()), self.different.size
        return (
            f"Yours{where} differs from the expected picture in {count} of {total} numbers; the largest difference is"
            f" {largest.text} at {largest.place}: yours {largest.yours}, expected {largest.expected}."
        )


@dataclass(frozen=True)
class _Largest:
    """The errors of a picture and the greatest of them.

    Attributes:
        errors: absolute, of the worst channel, ``[H, W]``; NaN where only one of the two is a number.
        top: end of the colour scale.
        row, column: of the greatest; of the first place that is no number, where there is one.
        text: the greatest error. yours, expected: the numbers there.
    """

    errors: NDArray[np.float64]
    top: float
    row: int
    column: int
    text: str
    yours: str
    expected: str

    @property
    def place(self) -> str:
        return f"row {self.row}, column {self.column}"

    @classmethod
    def of(cls, mine: Array, truth: Array, different: NDArray[np.bool_]) -> _Largest:
        with np.errstate(invalid="ignore"):
            errors = np.abs(mine.astype(np.float64) - truth.astype(np.float64))
        errors[~different & ~np.isfinite(errors)] = 0.0
        broken = ~np.isfinite(errors)
        ranked = np.where(broken, np.inf, errors)
        spot = np.unravel_index(int(ranked.argmax()), ranked.shape)
        errors[broken] = np.nan
        if errors.ndim == 3:
            errors = errors.max(axis=2)
        finite = errors[np.isfinite(errors)]
        return cls(
            errors=errors,
            top=(float(finite.max()) if finite.size else 0.0) or 1.0,
            row=int(spot[0]),
            column=int(spot[1]),
            text="not a number" if broken[spot] else _number(ranked[spot]),
            yours=_number(mine[spot]),
            expected=_number(truth[spot]),
        )


def _input_panel(given: Array, right: Array, place: tuple[int, ...]) -> _Panel:
    """The input's picture that goes with the item drawn, where input and output are stacks of one length."""
    layout = Layout.of(given)
    item = [0] * len(layout.stack)
    if item and place and layout.stack[0] == right.shape[0]:
        item[0] = place[0]
    title = f"input, item {item}" if item else "input"
    return _Panel(title, layout.plane(given, tuple(item)), Scale.of(given))


def _problem(yours: object, answer: Array | None, right: Array) -> str:
    if yours is None:
        return "None,\nexpected an array"
    if answer is None:
        return f"a {type(yours).__name__},\nexpected an array"
    return f"shape {list(answer.shape)},\nexpected {list(right.shape)}"


def _show(axis: Axes, panel: _Panel) -> None:
    shares = panel.scale.apply(panel.picture)
    interpolation = "nearest" if shares.shape[1] <= _SMALL else "auto"
    axis.imshow(shares, cmap="gray", vmin=0, vmax=1, interpolation=interpolation)
    _frame(axis, panel.title, _values(panel.picture))


def _say(axis: Axes, title: str, text: str) -> None:
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", fontsize=_FONT + 1)
    _frame(axis, title, "")


def _frame(axis: Axes, title: str, below: str) -> None:
    axis.set(xticks=[], yticks=[])
    axis.set_title(title, fontsize=_TITLE, weight="bold")
    axis.set_xlabel(below, fontsize=_FONT)


def _values(picture: Array) -> str:
    finite = picture[np.isfinite(picture)]
    ends = [_number(finite.min()), _number(finite.max())] if finite.size else ["no number"]
    span = ends[0] if ends[0] == ends[-1] else " to ".join(ends)
    broken = picture.size - finite.size
    return f"{picture.dtype}, {span}" + (f", {broken} not finite" if broken else "")


def _number(value: Any) -> str:
    text = f"{value:.4g}" if np.asarray(value).dtype.kind == "f" else str(value)
    return text.replace("-", "−")
