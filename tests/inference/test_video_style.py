"""Tests of Timeline: multiplied frame times are exact, in order, and the clip lasts as long as before."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lift_core.data.clip_writer import write_video
from lift_core.data.video_file import VideoFileSource
from lift_core.errors import ConfigError
from lift_core.inference.video_style import Timeline, read_style, read_timeline


@settings(max_examples=60, deadline=None)
@given(
    time_base=st.fractions(Fraction(1, 10**6), 1, max_denominator=10**6).filter(lambda base: base.numerator == 1),
    start=st.integers(-1000, 10**6),
    gaps=st.lists(st.integers(1, 5000), min_size=1, max_size=12),
    last=st.integers(1, 5000),
    factor=st.integers(2, 9),
)
def test_old_times_stay_new_ones_divide_the_gaps_and_the_end_is_the_same(time_base, start, gaps, last, factor):
    old = Timeline(time_base, tuple(accumulate(gaps, initial=start)), last)
    new = old.multiplied(factor)
    old_seconds = [tick * old.time_base for tick in old.ticks]
    new_seconds = [tick * new.time_base for tick in new.ticks]
    assert new_seconds[::factor] == old_seconds
    for k, second in enumerate(new_seconds):
        first, step = divmod(k, factor)
        following = old_seconds[min(first + 1, len(gaps))]
        assert second == old_seconds[first] + (following - old_seconds[first]) * step / factor
    assert new_seconds[-1] + new.durations[-1] * new.time_base == old_seconds[-1] + last * time_base
    assert sum(new.durations) * new.time_base == sum(old.durations) * time_base


def test_a_time_base_never_becomes_finer_than_a_file_can_hold():
    old = Timeline(Fraction(1, 10**9), (0, 40_000_001, 80_000_000), 40_000_000)
    new = old.multiplied(4)
    assert new.time_base == old.time_base
    assert new.ticks[::4] == old.ticks
    assert new.ticks[1] == 10_000_000
    assert np.all(np.diff(new.ticks) > 0)


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
    assert replace(style, rate=Fraction(30000, 1001)).multiplied(2).rate == Fraction(60000, 1001)
    uneven = replace(style, rate=Fraction(1171200001, 48845647)).multiplied(4).rate
    assert float(uneven) == pytest.approx(4 * 1171200001 / 48845647)
    assert max(uneven.as_integer_ratio()) < 2**31


def test_frames_never_share_a_time():
    old = Timeline(Fraction(1, 10**9), (0, 3, 6), 3)
    assert np.all(np.diff(old.multiplied(3).ticks) > 0)
    with pytest.raises(ConfigError, match="factor 4"):
        old.multiplied(4)
