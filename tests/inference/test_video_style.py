"""Tests of what an interpolated video takes over: times, last duration, colours, frame rate."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from lift_core.data.clip_writer import write_video
from lift_core.data.video_file import VideoFileSource
from lift_core.inference.video_style import read_style, read_timeline


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_times_style_and_last_duration_are_read_from_a_file(tmp_path, suffix):
    path = tmp_path / f"clip{suffix}"
    write_video(path, [np.full((32, 48, 3), level, np.uint8) for level in (20, 90, 160)], fps=Fraction(25))
    source = VideoFileSource(path)
    timeline, style = read_timeline(path, source), read_style(path, source)
    seconds = [float(tick * timeline.time_base) for tick in timeline.ticks]
    assert seconds == pytest.approx([0.0, 0.04, 0.08], abs=1e-3)
    assert float(timeline.last_duration * timeline.time_base) == pytest.approx(0.04, abs=1e-3)
    assert (style.coding_matrix, style.coding_range, style.matrix, style.colour_range) == ("bt709", "limited", 1, 1)
    assert style.pixel_aspect == 1
    assert float(style.rate) == pytest.approx(25, abs=0.5)


def test_a_multiplied_rate_is_one_that_ffmpeg_can_hold(tmp_path):
    path = tmp_path / "clip.mp4"
    write_video(path, [np.full((32, 48, 3), 20, np.uint8)] * 2)
    style = read_style(path, VideoFileSource(path))
    assert style.at_rate(Fraction(60000, 1001)).rate == Fraction(60000, 1001)
    uneven = style.at_rate(4 * Fraction(1171200001, 48845647)).rate
    assert float(uneven) == pytest.approx(4 * 1171200001 / 48845647)
    assert max(uneven.as_integer_ratio()) < 2**31
