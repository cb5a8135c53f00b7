"""The trade-off figure places each way by its memory and its time, and names it in words."""

from __future__ import annotations

import math

import pytest

from lift_core.errors import ShapeError
from lift_core.viz.trade_off import trade_off_figure

POINTS = {"nothing kept": (0.0, 30.0), "bytes kept": (1.25, 22.0), "pictures kept": (40.0, 3.0)}


def test_points_stand_where_their_numbers_are_with_their_names_beside():
    figure, sentence = trade_off_figure(POINTS, memory="MB", time="ms")
    (axis,) = figure.axes
    assert [tuple(map(float, line.get_xydata()[0])) for line in axis.lines] == list(POINTS.values())
    assert [text.get_text() for text in axis.texts] == list(POINTS)
    assert len({line.get_marker() for line in axis.lines}) == len(POINTS)
    assert "bytes kept: 1.25 and 22" in sentence


def test_scales_begin_at_zero_and_hold_every_point():
    (axis,) = trade_off_figure(POINTS)[0].axes
    assert axis.get_xlim()[0] == axis.get_ylim()[0] == 0
    assert axis.get_xlim()[1] > 40
    assert axis.get_ylim()[1] > 30


@pytest.mark.parametrize("point", [(-1.0, 2.0), (math.nan, 1.0), (1.0, math.inf)])
def test_numbers_that_cannot_be_drawn_are_refused(point: tuple[float, float]):
    with pytest.raises(ShapeError, match="cannot be drawn"):
        trade_off_figure({"x": point})


@pytest.mark.parametrize("count", [0, 9])
def test_too_few_and_too_many_points_are_refused(count: int):
    with pytest.raises(ShapeError, match="cannot be drawn"):
        trade_off_figure({str(number): (1.0, 1.0) for number in range(count)})
