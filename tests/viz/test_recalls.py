"""The figure of recalls shows the mean of each way and class, each repetition, and says the means in words."""

from __future__ import annotations

import math

import pytest
from matplotlib.patches import Rectangle

from lift_core.errors import ShapeError
from lift_core.viz.recalls import recall_figure

RECALLS = {"uniform": [[1.0, 0.2], [0.9, 0.4]], "weighted": [[0.8, 0.7]]}
CLASSES = ("rising", "checks")


def test_a_bar_is_as_long_as_the_mean():
    figure, _ = recall_figure(RECALLS, CLASSES)
    widths = [[bar.get_width() for bar in axis.patches if isinstance(bar, Rectangle)] for axis in figure.axes]
    assert widths == [pytest.approx([0.95, 0.8]), pytest.approx([0.3, 0.7])]


def test_each_repetition_has_its_mark():
    figure, _ = recall_figure(RECALLS, CLASSES)
    marks = [list(line.get_xdata()) for line in figure.axes[1].lines]
    assert marks == [[0.2, 0.4], [0.7]]


def test_classes_and_ways_are_named_and_the_first_way_is_on_top():
    figure, _ = recall_figure(RECALLS, CLASSES, title="Recall")
    assert [axis.get_title() for axis in figure.axes] == list(CLASSES)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(RECALLS)
    assert figure.axes[0].yaxis_inverted()


def test_the_sentence_says_every_mean():
    _, sentence = recall_figure(RECALLS, CLASSES)
    assert sentence == "Mean recall: uniform: rising 0.95, checks 0.30; weighted: rising 0.80, checks 0.70."


@pytest.mark.parametrize(
    "wrong", [{}, {"a": []}, {"a": [[0.5]]}, {"a": [[0.5, 1.1]]}, {"a": [[0.5, math.nan]]}, {"a": [0.5, 0.5]}]
)
def test_what_are_no_recalls_is_refused(wrong: dict):
    with pytest.raises(ShapeError):
        recall_figure(wrong, CLASSES)
