"""The dots figure shows every repetition, every mean, and says them in words."""

from __future__ import annotations

import math

import pytest

from lift_core.errors import ShapeError
from lift_core.viz.dots import dots_figure

PANELS = {"old": {"a": [1.0, 3.0, 8.0], "b": [2.0]}, "new": {"a": [5.0], "b": [6.0, 7.0]}}


def test_every_repetition_is_a_dot_in_the_row_of_its_way():
    figure, _ = dots_figure(PANELS, unit="pixels")
    for axis, ways in zip(figure.axes, PANELS.values(), strict=True):
        dots = [line for line in axis.lines if line.get_marker() == "o"]
        assert [list(line.get_xdata()) for line in dots] == list(ways.values())
        assert all(abs(y - place) < 0.5 for place, line in enumerate(dots) for y in line.get_ydata())


def test_bars_stand_at_the_means_which_the_sentence_tells():
    figure, sentence = dots_figure(PANELS, unit="pixels", title="Errors")
    bars = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_marker() != "o"]
    assert bars == [4.0, 2.0]
    assert sentence == "Mean pixels: old: a 4 (1 to 8), b 2; new: a 5, b 6.5 (6 to 7)."


def test_panels_share_one_scale_and_the_first_way_is_on_top():
    left, right = dots_figure(PANELS, unit="pixels")[0].axes
    assert left.get_xlim() == right.get_xlim()
    assert left.yaxis_inverted()
    assert [label.get_text() for label in left.get_yticklabels()] == ["a", "b"]


@pytest.mark.parametrize(
    "panels",
    [
        {},
        {"x": {}},
        {"x": {"a": []}},
        {"x": {"a": [math.nan]}},
        {"x": {"a": [1.0]}, "y": {"b": [1.0]}},
        {str(number): {"a": [1.0]} for number in range(4)},
    ],
)
def test_what_cannot_be_drawn_is_refused(panels: dict[str, dict[str, list[float]]]):
    with pytest.raises(ShapeError, match="cannot be drawn"):
        dots_figure(panels, unit="pixels")
