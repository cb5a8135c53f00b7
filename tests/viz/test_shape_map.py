"""The map of shapes: boxes in proportion, a sheet for each frame, every shape written, stages from left to right."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from lift_core.errors import ShapeError
from lift_core.viz.shape_map import StageShape, shape_map

STAGES = [
    StageShape("input", "the window's frames", (1, 6, 3, 160, 256), "frame"),
    StageShape("1 encoder", "a reference, 1/4 of the size", (1, 32, 40, 64)),
    StageShape("1 encoder", "a reference, 1/8", (1, 64, 20, 32)),
    StageShape("1 encoder", "all frames, 1/16", (1, 6, 96, 10, 16)),
    StageShape("2 aggregation", "what the window says, 1/16", (1, 96, 10, 16)),
    StageShape("2 aggregation", "how much each frame counted", (1, 6), "weights"),
    StageShape("3 flow", "motion to the frame before, 1/4", (1, 2, 40, 64), "flow"),
    StageShape("3 flow", "motion to the frame after, 1/4", (1, 2, 40, 64), "flow"),
    StageShape("4 synthesis", "the first new frame", (1, 3, 160, 256), "frame"),
    StageShape("5 refinement", "the new frame", (1, 3, 160, 256), "frame"),
]


@pytest.fixture(scope="module")
def drawn():
    figure, sentence = shape_map(STAGES, title="LIFT")
    return figure, figure.axes[0], sentence


def patches(axis, gid):
    return [patch for patch in axis.patches if patch.get_gid() == gid]


def test_each_stack_has_a_sheet_for_every_frame_and_the_weights_a_bar(drawn):
    _, axis, _ = drawn
    assert len(patches(axis, "sheet")) == 6 + 1 + 1 + 6 + 1 + 2 + 1 + 1
    assert len(patches(axis, "bar")) == 6
    assert len(patches(axis, "arrow")) == 5


def test_sides_are_in_proportion_to_square_roots(drawn):
    _, axis, _ = drawn
    sides = {(round(p.get_height(), 6), round(p.get_width(), 6)) for p in patches(axis, "sheet")}
    unit = max(width for _, width in sides) / math.sqrt(256)
    sizes = [(160, 256), (40, 64), (20, 32), (10, 16)]
    expected = {(round(unit * math.sqrt(h), 6), round(unit * math.sqrt(w), 6)) for h, w in sizes}
    assert sides == expected


def test_every_shape_and_its_channels_are_written(drawn):
    figure, axis, sentence = drawn
    said = [text.get_text() for text in axis.texts]
    for item in STAGES:
        assert str(list(item.shape)) in said
        assert f"{item.makes} {list(item.shape)}" in sentence
    assert {"6 × 96 channels", "32 channels", "2 channels", "6 frames", "LIFT"} <= set(said)
    assert any("square root" in text.get_text() for text in figure.texts)


def test_stages_stand_from_left_to_right_in_the_order_given(drawn):
    _, axis, sentence = drawn
    names = ["input", "1 encoder", "2 aggregation", "3 flow", "4 synthesis", "5 refinement"]
    heads = [text for name in names for text in axis.texts if text.get_text() == name]
    places = [text.get_position()[0] for text in heads]
    assert places == sorted(places)
    assert [sentence.index(f"{name}: ") for name in names] == sorted(sentence.index(f"{name}: ") for name in names)


def test_kinds_differ_in_more_than_colour(drawn):
    _, axis, _ = drawn
    hatches = {patch.get_hatch() for patch in [*patches(axis, "sheet"), *patches(axis, "bar")]}
    assert len(hatches) == 4


def test_no_text_covers_text_or_boxes_or_leaves_the_page(drawn):
    figure, axis, _ = drawn
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    texts = [(text.get_text(), text.get_window_extent(renderer)) for text in [*axis.texts, *figure.texts]]
    boxes = [(patch.get_gid(), patch.get_window_extent(renderer)) for patch in axis.patches]
    for (one, first), (other, second) in [*combinations(texts, 2), *((t, b) for t in texts for b in boxes)]:
        across = min(first.x1, second.x1) - max(first.x0, second.x0)
        down = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert across <= 0 or down <= 2, (one, other)
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0 for _, box in texts)
    assert min(text.get_fontsize() for text in [*axis.texts, *figure.texts]) >= 10.8


def test_of_many_frames_six_sheets_are_drawn_and_the_picture_says_so():
    many = [StageShape("a", "frames", (4, 64, 3, 64, 64), "frame"), StageShape("b", "weights", (4, 64), "weights")]
    figure, _ = shape_map(many)
    assert len(patches(figure.axes[0], "sheet")) == 6
    assert len(patches(figure.axes[0], "bar")) == 64
    assert any("at most 6" in text.get_text() for text in figure.texts)


@pytest.mark.parametrize("shape", [(), (3,), (3, 4, 5), (1, 0, 4, 4), (1, 2, 3, 4, 5, 6)])
def test_shapes_of_no_known_form_are_refused(shape):
    with pytest.raises(ShapeError, match="cannot be drawn"):
        StageShape("a", "b", shape)


@pytest.mark.parametrize(
    "stages",
    [
        STAGES[:1],
        [StageShape(str(n), "x", (1, 3, 8, 8)) for n in range(8)],
        [*(StageShape("a", "x", (1, 3, 8, 8)) for _ in range(5)), STAGES[0]],
    ],
)
def test_too_little_and_too_much_are_refused(stages):
    with pytest.raises(ShapeError, match="two to seven"):
        shape_map(stages)
