"""Tests of the evaluation's rows and tables."""

from __future__ import annotations

import pytest

from lift_core.errors import SourceError
from lift_core.inference.evaluation_rows import (
    ALL_FRAMES,
    Evaluation,
    Failure,
    FrameRow,
    MotionMeans,
    Row,
    clip_row,
    format_motion_table,
    format_table,
    mean_row,
)


def frame(clip: str, motion: str, psnr: float, method: str = "blend", context: int = 2) -> FrameRow:
    return FrameRow(method, context, clip, 1, 0.5, 1.0, motion, psnr, psnr / 100, psnr / 1000)  # type: ignore[arg-type]


def row(clip: str, method: str, psnr: float, *, cuts: int = 0, context: int = 2) -> Row:
    return Row(method, context, clip, 3, psnr, 0.9, 0.01, cuts, 0)


def test_a_clip_is_the_mean_of_its_frames():
    found = clip_row([frame("a", "small", 20.0), frame("a", "large", 40.0)], cuts=2, still=1)
    assert (found.psnr, found.ssim, found.seconds) == pytest.approx((30.0, 0.3, 0.03))
    assert (found.clip, found.motion, found.frames, found.cuts, found.still) == ("a", "all", 2, 2, 1)


def test_every_clip_counts_once_in_the_mean_whatever_its_length():
    long = clip_row([frame("a", "small", 20.0)] * 3, cuts=1, still=0)
    short = clip_row([frame("b", "small", 40.0, context=6)], cuts=2, still=1)
    mean = mean_row([long, short])
    assert (mean.psnr, mean.frames, mean.cuts, mean.still, mean.context) == (pytest.approx(30.0), 4, 3, 1, 6)


def test_every_frame_of_a_magnitude_counts_once_whatever_its_clip():
    means = MotionMeans()
    means.add([frame("a", "large", 20.0)] * 3 + [frame("a", "small", 50.0)])
    means.add([frame("b", "large", 40.0), frame("b", "large", 10.0, "dis")])
    assert [(r.motion, r.method, r.frames, r.clip) for r in means.rows()] == [
        ("small", "blend", 1, ALL_FRAMES),
        ("large", "blend", 4, ALL_FRAMES),
        ("large", "dis", 1, ALL_FRAMES),
    ]
    assert [r.psnr for r in means.rows()] == pytest.approx([50.0, 25.0, 10.0])
    assert means.rows()[1].ssim == pytest.approx(0.25)


ROWS = [
    row("one", "blend", 30.0),
    row("one", "flow", 31.0, context=6),
    row("two", "blend", 25.0),
    row("two", "flow", 24.0),
]


def test_the_table_names_t_in_every_row_and_stars_the_best():
    lines = format_table(ROWS).splitlines()
    assert lines[0].split() == ["clip", "method", "T", "frames", "PSNR", "SSIM", "ms/frame"]
    assert [line.split() for line in lines[1:]] == [
        ["one", "blend", "2", "3", "30.00", "0.9000", "10.0"],
        ["one", "flow", "6", "3", "31.00*", "0.9000", "10.0"],
        ["two", "blend", "2", "3", "25.00*", "0.9000", "10.0"],
        ["two", "flow", "2", "3", "24.00", "0.9000", "10.0"],
    ]


def test_the_table_says_what_was_left_out():
    assert format_table([row("list", "blend", 30.0, cuts=1)]).endswith(
        "list: left out 1 at cuts, 0 between equal frames"
    )


def test_the_motion_table_says_t_and_the_bounds_of_each_magnitude():
    means = MotionMeans()
    means.add([frame("a", "medium", 20.0), frame("a", "large", 30.0)])
    lines = format_motion_table(means.rows()).splitlines()
    assert lines[1].split() == ["medium", "(4", "to", "16", "px)", "blend", "2", "1", "20.00*", "0.2000", "20.0"]
    assert lines[2].startswith("large (≥ 16 px)")
    assert "DIS" in lines[3]


def test_a_benchmark_s_table_names_no_clips():
    found = Evaluation(ROWS, [mean_row(ROWS[::2]), mean_row(ROWS[1::2])], [], [])
    assert "one" in found.table()
    assert "one" not in found.table(clips=False)
    assert found.table(clips=False).count("mean of clips") == 2


def test_many_missing_clips_are_counted():
    failures = [Failure(f"clip{number}", "dis", SourceError("gone")) for number in range(25)]
    table = Evaluation([], [], [], failures).table()
    assert table.startswith("25 clips are missing")
    assert "clip19, dis: gone" in table
    assert "clip20" not in table
    assert table.endswith("and 5 more")
