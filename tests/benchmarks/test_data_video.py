"""The tables of video reading have their rows, and frames that are others are counted."""

from __future__ import annotations

import math

import numpy as np

from lift_core.benchmarks import data_video
from lift_core.benchmarks.table import BenchOptions
from tests.data.numbered_video import numbered_frame

QUICK = BenchOptions(quick=True)


def test_every_window_stands_beside_every_other_way() -> None:
    rows = data_video.windows(QUICK).rows
    assert [row.what for row in rows] == [
        title for title in ("3 frames, GOP 4", "3 frames, GOP 16", "4 frames, stride 2, GOP 16") for _ in range(3)
    ]
    assert [row.wanted for row in rows[::3]] == ["≥ 6", "≥ 10", "≥ 25"]
    assert all(math.isfinite(row.value) and row.value > 0 for row in rows)
    assert not any("are others" in row.note for row in rows)
    if data_video.torchcodec_decoder is None:
        assert all("does not import here" in row.note for row in rows[2::3])
    else:
        assert all(row.ratio is not None for row in rows)


def test_memory_is_told_of_six_frames_whole_and_small_with_what_is_wanted_of_each() -> None:
    rows = data_video.memory(QUICK).rows
    assert [row.what for row in rows[:2]] == ["six frames", "six frames, 112x112"]
    assert [row.wanted for row in rows[:2]] == ["≥ 20", "≥ 50"]
    assert all(row.unit == "MB" and math.isfinite(row.value) for row in rows)


def test_memory_of_many_files_stands_beside_torchcodec() -> None:
    (row,) = data_video.many_files(QUICK).rows
    assert row.what == "4 files"
    assert math.isfinite(row.value)
    assert (row.ratio is None) == (data_video.torchcodec_decoder is None)


def test_other_frames_are_counted() -> None:
    ours = np.stack([numbered_frame(number) for number in range(5)])
    assert data_video._count_wrong(ours, ours) == 0
    assert data_video._count_wrong(ours[[0, 2, 1, 3, 3]], ours) == 3
