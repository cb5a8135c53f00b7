"""Timelines draw every span in its row, tell waiting from computing, and refuse what they cannot draw."""

from __future__ import annotations

import pytest

from lift_core.errors import ShapeError
from lift_core.viz.timeline import timeline_figure
from lift_core.viz.trace import TRAINING, Span, Trace
from lift_core.viz.worker_curves import WorkerCurves, worker_curves_figure

TRACE = Trace(
    [
        Span("worker 0", "starting", 10.0, 10.1),
        Span("worker 0", "loading", 10.1, 10.5),
        Span(TRAINING, "waiting", 10.0, 10.5),
        Span(TRAINING, "computing", 10.5, 10.8),
        Span(TRAINING, "waiting", 10.8, 10.9),
        Span(TRAINING, "computing", 10.9, 11.5),
    ]
)


def test_waiting_is_counted_from_the_first_step_to_the_last():
    assert TRACE.waiting == pytest.approx(0.1 / 1.0)
    assert TRACE.seconds == pytest.approx(1.5)
    assert TRACE.busy(TRAINING, "computing") == pytest.approx(0.9)


def test_a_training_that_loads_by_itself_does_not_compute_meanwhile():
    alone = [Span(TRAINING, kind, float(k), k + 1.0) for k, kind in enumerate(["loading", "computing"] * 2)]  # type: ignore[arg-type]
    assert Trace(alone).waiting == pytest.approx(1 / 3)
    assert Trace(alone[:1]).waiting == 0


@pytest.mark.parametrize("spans", [[], [Span("worker 0", "loading", 0, 1)], [Span(TRAINING, "waiting", 1, 0)]])
def test_a_trace_without_a_training_or_with_spans_turned_round_is_refused(spans: list[Span]):
    with pytest.raises(ShapeError):
        Trace(spans)


def test_every_span_is_a_bar_in_the_row_of_its_process():
    figure, sentence = timeline_figure({"mine": TRACE})
    (axis,) = figure.axes
    bars = [(bar.get_x(), bar.get_width(), round(bar.get_y() + bar.get_height() / 2)) for bar in axis.patches]
    lanes = [TRAINING, "worker 0"]
    wanted = [(span.start - 10, span.end - span.start, lanes.index(span.lane)) for span in TRACE.spans]
    assert [pytest.approx(bar) for bar in bars] == wanted
    assert [label.get_text() for label in axis.get_yticklabels()] == lanes
    assert axis.get_title(loc="left") == "mine: 10 % of the time waiting"
    assert sentence == (
        "Timelines: mine: 1.50 s in all, of which the training computed 0.90 s; from its first step on it waited for"
        " 10 % of the time."
    )


def test_only_the_beginning_is_drawn_where_that_is_asked_for():
    figure, sentence = timeline_figure({"mine": TRACE, "again": TRACE}, until=0.6)
    assert all(bar.get_x() + bar.get_width() <= 0.6 + 1e-9 for axis in figure.axes for bar in axis.patches)
    assert sentence.count("1.50 s in all") == 2


@pytest.mark.parametrize("count", [0, 7])
def test_no_traces_or_too_many_are_refused(count: int):
    with pytest.raises(ShapeError):
        timeline_figure({str(number): TRACE for number in range(count)})


def test_curves_hold_what_was_measured_guessed_and_computed():
    panels = {
        "decoding": WorkerCurves({0: 1.0, 1: 1.2, 4: 2.0}, {4: 9.0}, {0: 1.0, 1: 1.3, 4: 2.2}),
        "waiting": WorkerCurves({0: 1.0, 1: 1.1}, {1: None}),
    }
    figure, sentence = worker_curves_figure(panels)
    left, right = figure.axes
    lines = {line.get_label().split(" (")[0]: line.get_xydata().tolist() for line in left.lines[1:]}
    assert lines["measured"] == [[0, 1], [1, 1.2], [2, 2]]
    assert lines["your guess"] == [[2, 9]]
    assert lines["computed"] == [[0, 1], [1, 1.3], [2, 2.2]]
    assert left.get_ylim()[1] > 9
    assert [label.get_text() for label in right.get_xticklabels()] == ["0", "1"]
    assert "your guess 9× with 4" in sentence
    assert sentence.endswith("waiting (number of workers): measured 1× with 0, 1.1× with 1.")


@pytest.mark.parametrize("panels", [{}, {"one point": WorkerCurves({0: 1.0})}])
def test_no_panels_or_one_without_a_curve_are_refused(panels: dict):
    with pytest.raises(ShapeError):
        worker_curves_figure(panels)
