"""Tests of moments: multiplied and constant-rate frame times are exact, in order, and last as long as the clip."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate, islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lift_core.errors import ConfigError
from lift_core.inference.moments import Moment, Timeline, at_rate, check_factor, multiplied, parse_rate, steps

clips = st.builds(
    lambda base, start, gaps, last: Timeline(base, np.array(list(accumulate(gaps, initial=start))), last),
    st.fractions(Fraction(1, 10**6), 1, max_denominator=10**6).filter(lambda base: base.numerator == 1),
    st.integers(-1000, 10**6),
    st.lists(st.integers(1, 5000), min_size=1, max_size=12),
    st.integers(1, 5000),
)


def seconds(timeline: Timeline) -> list[Fraction]:
    return [tick * timeline.time_base for tick in timeline.ticks.tolist()]


@settings(max_examples=60, deadline=None)
@given(old=clips, factor=st.integers(2, 9))
def test_old_times_stay_new_ones_divide_the_gaps_and_the_end_is_the_same(old, factor):
    plan = multiplied(old, factor)
    before, after = seconds(old), seconds(plan.timeline)
    assert after[::factor] == before
    for k, (second, moment) in enumerate(zip(after, plan.moments(), strict=True)):
        first, step = divmod(k, factor)
        following = before[min(first + 1, len(before) - 1)]
        assert second == before[first] + (following - before[first]) * step / factor
        assert moment == (first, step / factor)
    assert (
        sum(plan.timeline.durations.tolist()) * plan.timeline.time_base == sum(old.durations.tolist()) * old.time_base
    )


@settings(max_examples=100, deadline=None)
@given(
    old=clips,
    rate=st.fractions(Fraction(1, 2), 240, max_denominator=1001).filter(lambda rate: rate > 0),
)
def test_frames_at_a_rate_cover_the_clip_and_are_made_at_their_true_times(old, rate):
    before, end = seconds(old), seconds(old)[-1] + old.last_duration * old.time_base
    if (end - before[0]) * rate > 5000:
        return
    try:
        plan = at_rate(old, rate)
    except ConfigError:
        assert old.time_base > 1 / rate or (end - before[0]) * rate > 1000 * len(before)
        return
    after = seconds(plan.timeline)
    tick = plan.timeline.time_base
    assert all(abs(second - before[0] - k / rate) <= tick / 2 for k, second in enumerate(after))
    assert after[-1] < end <= after[-1] + 1 / rate + tick
    assert after[-1] + plan.timeline.last_duration * tick == end
    assert np.all(np.diff(plan.timeline.ticks) > 0) if len(plan) > 1 else True
    for second, (pair, t) in zip(after, plan.moments(), strict=True):
        assert 0 <= t < 1
        if pair == len(before) - 1:
            assert t == 0
            continue
        gap = before[pair + 1] - before[pair]
        shown = before[pair] + Fraction(t) * gap
        # It may be an old frame that it came close to from the pair before.
        snapped = max(gap, before[pair] - before[pair - 1]) if pair and t == 0 else gap
        assert abs(shown - second) <= max(snapped / 50, Fraction(1, 10**9))


def test_a_frame_that_falls_on_an_old_one_is_the_old_one():
    # MKV has rounded 24000/1001 frames/s to milliseconds; at twice that rate every second frame is an old one.
    old = Timeline(Fraction(1, 1000), np.array([round(1001 * k / 24) for k in range(20)]), 42)
    plan = at_rate(old, Fraction(48000, 1001))
    assert list(islice(plan.moments(), 0, 38, 2)) == [Moment(k, 0.0) for k in range(19)]
    assert all(0.45 < moment.t < 0.55 for moment in islice(plan.moments(), 1, 37, 2))


def test_a_frame_close_to_an_old_one_is_that_one_whichever_side_it_comes_from():
    # A clock of seconds: each old time may be half a second from what it was rounded from.
    old = Timeline(Fraction(1), np.array([0, 2, 3]), 1)
    moments = list(at_rate(old, Fraction(25)).moments())
    assert moments[1] == (0, 0.0)
    assert moments[49:52] == [(1, 0.0), (1, 0.0), (1, 0.04)]


def test_frames_at_a_lower_rate_lie_between_the_old_ones():
    old = Timeline(Fraction(1, 30), np.arange(10), 1)
    assert list(at_rate(old, Fraction(20)).moments()) == [
        Moment(0, 0.0), Moment(1, 0.5), Moment(3, 0.0), Moment(4, 0.5), Moment(6, 0.0), Moment(7, 0.5), Moment(9, 0.0)
    ]  # fmt: skip


def test_a_time_base_never_becomes_finer_than_a_file_can_hold():
    old = Timeline(Fraction(1, 10**9), np.array([0, 40_000_001, 80_000_000]), 40_000_000)
    new = multiplied(old, 4).timeline
    assert new.time_base == old.time_base
    assert new.ticks[::4].tolist() == old.ticks.tolist()
    assert new.ticks[1] == 10_000_000
    assert np.all(np.diff(new.ticks) > 0)


def test_frames_never_share_a_time():
    old = Timeline(Fraction(1, 10**9), np.array([0, 3, 6]), 3)
    assert np.all(np.diff(multiplied(old, 3).timeline.ticks) > 0)
    with pytest.raises(ConfigError, match="factor 4"):
        multiplied(old, 4)
    with pytest.raises(ConfigError, match="too many"):
        at_rate(old, Fraction(10**10))


def test_the_steps_of_a_clip_of_unknown_length():
    assert list(islice(steps(3), 5)) == [(0, 0.0), (0, 1 / 3), (0, 2 / 3), (1, 0.0), (1, 1 / 3)]


@pytest.mark.parametrize(
    ("given_rate", "meant"),
    [
        (60, Fraction(60)),
        ("60", Fraction(60)),
        ("60000/1001", Fraction(60000, 1001)),
        (59.94, Fraction(60000, 1001)),
        ("23.976", Fraction(24000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        (12.5, Fraction(25, 2)),
    ],
)
def test_a_rate_is_read_as_it_is_meant(given_rate, meant):
    assert parse_rate(given_rate) == meant


@pytest.mark.parametrize("rate", ["fast", "0", -30, "1/0", float("nan"), float("inf")])
def test_what_is_no_rate_is_refused(rate):
    with pytest.raises(ConfigError):
        parse_rate(rate)


@pytest.mark.parametrize("factor", [1, 0, -2, 1.5, 2.0, True, "2"])
def test_an_impossible_factor_is_refused(factor):
    with pytest.raises(ConfigError, match="whole number of 2 or more"):
        check_factor(factor)


@pytest.mark.parametrize("rate", [12.98, 7.995, 24.97, 59.95, 37.3])
def test_a_rate_that_is_no_broadcast_rate_is_what_it_says(rate):
    assert parse_rate(rate) == Fraction(str(rate))


def test_no_frame_is_shown_for_no_time():
    old = Timeline(Fraction(1, 1000), np.array([5, 7, 1507, 2019, 2053]), 1)
    plan = at_rate(old, Fraction(7951787722414315, 35184372088832))
    assert plan.timeline.last_duration > 0


def test_a_recording_of_slides_becomes_a_constant_rate():
    old = Timeline(Fraction(1, 1000), np.array([0, 20_000, 45_000, 60_000, 99_000]), 2000)
    plan = at_rate(old, Fraction(60))
    assert len(plan) == 101 * 60
