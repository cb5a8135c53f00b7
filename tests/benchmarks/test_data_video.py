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


def test_a_few_frames_take_less_memory_than_the_file() -> None:
    whole, small = data_video.memory(QUICK).rows[:2]
    assert [whole.wanted, small.wanted] == ["≥ 20", "≥ 50"]
    assert whole.value >= 0
    assert small.value >= 0


def test_other_frames_are_counted() -> None:
    ours = np.stack([numbered_frame(number) for number in range(5)])
    assert data_video._count_wrong(ours, ours) == 0
    assert data_video._count_wrong(ours[[0, 2, 1, 3, 3]], ours) == 3
