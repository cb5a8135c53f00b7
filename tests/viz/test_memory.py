"""The memory figure draws what was measured and predicted, names every peak, and refuses what it cannot draw."""

from __future__ import annotations

from itertools import combinations

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from lift_core.errors import ShapeError
from lift_core.viz.memory import memory_figure

CURVES = {
    "eager": [(0.0, 0.0), (1.0, 150.0), (2.0, 203.0), (2.2, 203.0), (2.5, 40.0)],
    "lazy": [(0.0, 0.0), (0.5, 22.5), (3.0, 21.0)],
}
PREDICTIONS = {"eager": 201.3, "lazy": 20.6}


def line(axis, name):
    (found,) = [line for line in axis.lines if line.get_gid() == name]
    return found


@pytest.fixture
def axis():
    figure, _ = memory_figure(CURVES, PREDICTIONS, title="Loading")
    return figure.axes[0]


def test_curves_are_the_measurements_and_predictions_are_dashed_levels(axis):
    for name, series in CURVES.items():
        assert [tuple(point) for point in line(axis, name).get_xydata()] == series
        predicted = line(axis, f"{name} predicted")
        assert set(predicted.get_ydata()) == {PREDICTIONS[name]}
        assert predicted.is_dashed()
        assert not line(axis, name).is_dashed()


def test_curves_differ_in_their_marks(axis):
    assert len({line(axis, name).get_marker() for name in CURVES}) == 2


def test_labels_point_at_peaks_and_predictions_and_not_at_a_curves_end(axis):
    heights = {text.get_text(): text.xy for text in axis.texts}
    assert heights == {
        "eager: peak 203 MB": (1, 203.0),
        "eager: predicted 201 MB": (1, 201.3),
        "lazy: peak 22.5 MB": (1, 22.5),
        "lazy: predicted 20.6 MB": (1, 20.6),
    }
    assert axis.get_legend() is None


def test_a_dotted_line_leads_from_the_first_highest_point_to_the_right_edge(axis):
    for name, peak in {"eager": (2.0, 203.0), "lazy": (0.5, 22.5)}.items():
        dotted = line(axis, f"{name} peak")
        assert [tuple(point) for point in dotted.get_xydata()] == [peak, (3.0, peak[1])]
        assert dotted.get_linestyle() == ":"


def test_labels_do_not_cover_each_other_and_stay_on_the_page():
    near = {f"a way with a long name {n}": [(0, 0.0), (1, 20.0 + 0.1 * n)] for n in range(4)}
    figure, _ = memory_figure(near, dict.fromkeys(near, 20.0))
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    # An annotation's own extent includes its line.
    boxes = [Text.get_window_extent(text, renderer) for text in figure.axes[0].texts]
    assert len(boxes) == 8
    for first, second in combinations(boxes, 2):
        assert min(first.y1, second.y1) - max(first.y0, second.y0) <= 2
    assert all(box.x1 <= figure.bbox.x1 and box.y0 >= 0 and box.y1 <= figure.bbox.y1 for box in boxes)


def test_all_curves_and_predictions_fit_into_the_axes():
    figure, _ = memory_figure({"low": [(0, -3.0), (1, 2.0)]}, {"low": 40.0})
    low, high = figure.axes[0].get_ylim()
    assert low < -3
    assert high > 40


def test_the_sentence_gives_peaks_their_times_and_predictions():
    _, sentence = memory_figure(CURVES, {"eager": 201.3})
    assert "eager reached at most 203 MB above the start, after 2 s (201 MB were predicted)" in sentence
    assert sentence.endswith("lazy reached at most 22.5 MB above the start, after 0.5 s.")


@pytest.mark.parametrize("curves", [{}, {"a": []}, {str(n): [(0, 0)] for n in range(5)}])
def test_nothing_and_too_much_are_refused(curves):
    with pytest.raises(ShapeError, match="one to four curves"):
        memory_figure(curves, {})


def test_a_prediction_without_a_curve_is_refused():
    with pytest.raises(ShapeError, match="'mapped'"):
        memory_figure(CURVES, {"mapped": 3.0})
