"""The picture of a window shows what the window says: which frames, when, valid or not, where the cut is."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from lift_core.data.window import FrameWindow
from lift_core.errors import ShapeError
from lift_core.viz.window import WindowRow, window_figure

SIX = FrameWindow.uniform(6, 2)
FIFTEEN = FrameWindow.consecutive(15)
LONG = FrameWindow.uniform(64, 2)


def row(window, anchor, length, cuts=(), title="a window"):
    found = window.at(anchor, length, cuts=cuts)
    return WindowRow(
        title,
        length,
        found.indices,
        found.valid,
        found.times,
        found.references,
        found.target,
        found.timestep,
        cuts,
    )


CASES = {
    "middle": row(SIX, 6, 17),
    "start": row(SIX, 0, 17),
    "end": row(SIX, 14, 17),
    "cut": row(SIX, 8, 17, (7,)),
    "15 frames": row(FIFTEEN, 6, 15),
    "15 frames, start": row(FIFTEEN, 0, 15),
    "64 of 130": row(LONG, 64, 130),
    "64 of 130, start": row(LONG, 0, 130),
    "64 of 130, cuts": row(LONG, 64, 130, (40, 90)),
    "24 with gaps of 4": row(FrameWindow.uniform(24, 4), 16, 60),
    "without target": row(FrameWindow.uniform(4, 1), 0, 9),
}


@pytest.fixture(params=CASES, ids=str)
def drawn(request):
    case = CASES[request.param]
    figure, _ = window_figure([case])
    return case, figure.axes[0]


def with_gid(artists, gid):
    return [artist for artist in artists if artist.get_gid() == gid]


def texts(axis):
    return [text.get_text() for text in axis.texts]


def test_every_position_has_a_box_and_a_line_to_the_frame_that_it_shows(drawn):
    case, axis = drawn
    cells, boxes = with_gid(axis.patches, "frame"), with_gid(axis.patches, "position")
    lines = with_gid(axis.lines, "connector")
    assert (len(cells), len(boxes), len(lines)) == (case.length, len(case.indices), len(case.indices))
    for number, box, line in zip(case.indices, boxes, lines, strict=True):
        start, end = line.get_xydata()
        assert start == pytest.approx((box.get_x() + box.get_width() / 2, box.get_y() + box.get_height()))
        assert end == pytest.approx((cells[number].get_x() + cells[number].get_width() / 2, cells[number].get_y()))


def test_invalid_positions_alone_are_hatched_and_dashed(drawn):
    case, axis = drawn
    for valid, box, line in zip(
        case.valid, with_gid(axis.patches, "position"), with_gid(axis.lines, "connector"), strict=True
    ):
        assert bool(box.get_hatch()) is not valid
        assert line.is_dashed() is not valid


def test_no_text_covers_another_or_leaves_the_page(drawn):
    _, axis = drawn
    renderer = FigureCanvasAgg(axis.figure).get_renderer()
    axis.figure.draw(renderer)
    boxes = {text: text.get_window_extent(renderer) for text in axis.texts}
    page = axis.figure.bbox
    for (one, first), (other, second) in combinations(boxes.items(), 2):
        across = min(first.x1, second.x1) - max(first.x0, second.x0)
        down = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert across <= 0 or down <= 2, (one.get_text(), other.get_text())
    assert all(box.x0 >= page.x0 and box.x1 <= page.x1 and box.y1 <= page.y1 for box in boxes.values())


def test_text_is_at_least_nine_points_at_800_pixels(drawn):
    _, axis = drawn
    page_points = 800 / 96 * 72
    scale = page_points / (axis.figure.get_figwidth() * 72)
    assert min(text.get_fontsize() for text in axis.texts) * scale >= 9


def test_wide_boxes_hold_frame_time_and_reason():
    figure, _ = window_figure([CASES["start"]])
    said = texts(figure.axes[0])
    assert said.count("✗ repeated") == 2
    assert said.count("✓ valid") == 4
    assert said.count("−0.5") == 3
    assert {"1?", "hidden, t = 0.5"} <= set(said)
    assert said.count("reference") == 2


def test_frames_beyond_a_cut_are_told_from_repeated_ones():
    figure, sentence = window_figure([CASES["cut"]])
    assert texts(figure.axes[0]).count("✗ beyond cut") == 2
    assert "positions 0 to 1 not valid (beyond the cut)" in sentence


def test_a_cut_is_a_line_between_two_frames():
    figure, _ = window_figure([CASES["64 of 130, cuts"]])
    axis = figure.axes[0]
    cells = with_gid(axis.patches, "frame")
    for line, cut in zip(with_gid(axis.lines, "cut"), (40, 90), strict=True):
        assert line.get_xdata() == pytest.approx([cells[cut].get_x()] * 2)
        assert line.get_linewidth() > 3
    assert texts(axis).count("scene cut") == 2


def test_narrow_positions_are_counted_by_runs_and_the_references_named():
    figure, _ = window_figure([row(LONG, 30, 130)])
    said = texts(figure.axes[0])
    assert "✗ repeated: 16" in said
    assert "✓ valid: 48 positions" in said
    assert {"30", "32", "−0.5", "+0.5", "94"} <= set(said)
    assert len(said) < 60


def test_pictures_fill_the_strip_of_a_short_clip_and_the_hidden_one_is_faint():
    pictures = [np.full((16, 24, 3), 10 * number, np.uint8) for number in range(17)]
    figure, _ = window_figure([CASES["middle"]], frames=pictures.__getitem__)
    shown = figure.axes[0].images
    assert [int(image.get_array()[0, 0, 0]) for image in shown] == [10 * number for number in range(17)]
    assert [number for number, image in enumerate(shown) if image.get_alpha() < 1] == [7]


def test_pictures_of_a_long_clip_are_not_asked_for():
    asked = []
    figure, _ = window_figure([CASES["64 of 130"]], frames=asked.append)
    assert not asked
    assert not figure.axes[0].images


def test_the_sentence_says_every_row():
    figure, sentence = window_figure([CASES["middle"], CASES["end"]], title="Windows")
    assert "frames shown 2, 4, 6, 8, 10, 12" in sentence
    assert "at times −2.5, −1.5, −0.5, +0.5, +0.5, +0.5" in sentence
    assert "positions 4 to 5 not valid (a repeated frame)" in sentence
    assert "Windows" in [text.get_text() for text in figure.texts]
    assert len(figure.axes) == 2


def test_a_long_list_is_shortened_in_the_sentence():
    _, sentence = window_figure([CASES["64 of 130"]])
    assert "frames shown 2, 4, … 126, 128" in sentence


def test_irregular_times_keep_two_decimals():
    found = SIX.at(6, 17, timestamps=[n + 0.12 * (n % 3) for n in range(17)])
    case = WindowRow("irregular", 17, found.indices, found.valid, found.times, found.references)
    figure, _ = window_figure([case])
    expected = f"{found.times[0]:+.2f}".replace("-", "−")
    assert expected in texts(figure.axes[0])


@pytest.mark.parametrize("count", [0, 7])
def test_no_rows_and_too_many_are_refused(count):
    with pytest.raises(ShapeError, match="one to six"):
        window_figure([CASES["middle"]] * count)


def test_a_frame_that_the_clip_lacks_is_named():
    with pytest.raises(ShapeError, match="no frame -2, 17"):
        WindowRow("wrong", 17, [-2, 0, 15, 17], [True] * 4, [-1.5, -0.5, 0.5, 1.5], (0, 15))


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(ShapeError, match="2 indices, 1 valid flags and 2 times"):
        WindowRow("wrong", 17, [0, 2], [True], [-0.5, 0.5], (0, 2))
