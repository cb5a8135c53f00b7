"""The figure of a benchmark draws each ratio from 1× and says in words whether it is reached."""

from __future__ import annotations

import math

import pytest
from matplotlib.patches import Rectangle

from lift_core.errors import ShapeError
from lift_core.viz.ratios import Ratio, ratio_figure

RATIOS = [
    Ratio("PNG", 1.61, 1.5),
    Ratio("memory", 45.1, 50, reached=False),
    Ratio("H.264", 2.8),
    Ratio("one worker", 0.89),
]


def bars() -> list[Rectangle]:
    axis = ratio_figure("Reading", RATIOS)[0].axes[0]
    return [patch for patch in axis.patches if isinstance(patch, Rectangle)]


def test_bars_reach_from_one_to_the_ratio():
    ends = [sorted((bar.get_x(), bar.get_x() + bar.get_width())) for bar in bars()]
    assert ends == [pytest.approx(sorted((1, ratio.value))) for ratio in RATIOS]


def test_a_missed_aim_is_hatched_and_said_in_words():
    assert [bar.get_hatch() for bar in bars()] == [None, "///", None, None]
    figure, sentence = ratio_figure("Reading", RATIOS)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["1.61×, wanted ≥ 1.5", "45.1×, wanted ≥ 50: MISSED", "2.8×", "0.89×"]
    assert all(f"{ratio.label} {text}" in sentence for ratio, text in zip(RATIOS, texts, strict=True))


@pytest.mark.parametrize("values", [[], [0.0], [1.0, math.nan], [math.inf]])
def test_what_is_no_ratio_is_refused(values: list[float]):
    with pytest.raises(ShapeError, match="ratios above 0"):
        ratio_figure("Reading", [Ratio("x", value) for value in values])
