"""Tests of FrameWindow: properties that hold for every window, and an independent brute-force reference."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lift_core.data.window import FrameWindow, WindowFrames
from lift_core.errors import WindowError


@st.composite
def windows(draw: st.DrawFn) -> FrameWindow:
    edge = draw(st.sampled_from(["clamp", "require"]))
    if draw(st.booleans()):
        return FrameWindow.uniform(2 * draw(st.integers(1, 8)), draw(st.integers(1, 5)), edge=edge)
    return FrameWindow.consecutive(2 * draw(st.integers(1, 8)) + 1, edge=edge)


@st.composite
def served(draw: st.DrawFn) -> tuple[FrameWindow, int, tuple[int, ...], int, int | None, list[float] | None]:
    """A window, a clip's length, its cuts, a legal anchor, a target offset and maybe timestamps."""
    window = draw(windows())
    length = window.needed + draw(st.integers(0, 20))
    cuts = tuple(sorted(draw(st.sets(st.integers(1, length), max_size=3))))
    anchors = window.anchors(length, cuts)
    if len(anchors) == 0:
        cuts = ()
        anchors = window.anchors(length)
    anchor = int(draw(st.sampled_from(list(anchors))))
    target = draw(st.sampled_from(window.target_offsets)) if window.target_offsets else None
    gaps = draw(st.none() | st.lists(st.integers(1, 9), min_size=length, max_size=length))
    timestamps = None if gaps is None else [float(t) / 16 + 3.0 for t in np.cumsum(gaps)]
    return window, length, cuts, anchor, target, timestamps


def brute_force_anchors(window: FrameWindow, length: int, cuts: tuple[int, ...]) -> list[int]:
    legal = []
    for anchor in range(-length, 2 * length):
        between = range(anchor, anchor + window.gap + 1)
        exists = all(0 <= i < length for i in between)
        whole = all(0 <= anchor + o < length for o in window.offsets)
        cut_between = any(c in cuts for c in between if c != anchor)
        if exists and not cut_between and (whole or window.edge == "clamp"):
            legal.append(anchor)
    return legal


def brute_force_frames(
    window: FrameWindow,
    length: int,
    cuts: tuple[int, ...],
    anchor: int,
    target: int | None,
    timestamps: list[float] | None,
) -> WindowFrames:
    clock = [Fraction(t) for t in (timestamps if timestamps is not None else range(length))]
    shot = [sum(1 for c in cuts if c <= i) for i in range(length)]
    first, second = anchor, anchor + window.gap
    indices, valid = [], []
    for offset in window.offsets:
        wanted = anchor + offset
        inside = 0 <= wanted < length
        shown = wanted if inside else (0 if wanted < 0 else length - 1)
        indices.append(shown)
        valid.append(inside and shot[shown] == shot[first])
    middle, gap = (clock[first] + clock[second]) / 2, clock[second] - clock[first]
    return WindowFrames(
        indices=tuple(indices),
        valid=tuple(valid),
        times=tuple(float((clock[i] - middle) / gap) for i in indices),
        references=(first, second),
        target=None if target is None else anchor + target,
        timestep=None if target is None else float((clock[anchor + target] - clock[first]) / gap),
    )


@given(served())
def test_anchors_and_frames_equal_a_brute_force_reference(
    case: tuple[FrameWindow, int, tuple[int, ...], int, int | None, list[float] | None],
) -> None:
    window, length, cuts, anchor, target, timestamps = case
    assert window.anchors(length, cuts).tolist() == brute_force_anchors(window, length, cuts)
    got = window.at(anchor, length, target_offset=target, timestamps=timestamps, cuts=cuts)
    want = brute_force_frames(window, length, cuts, anchor, target, timestamps)
    assert (got.indices, got.valid, got.references, got.target) == (
        want.indices,
        want.valid,
        want.references,
        want.target,
    )
    np.testing.assert_allclose(got.times, want.times, atol=1e-9)
    if target is None:
        assert got.timestep is None
    else:
        assert got.timestep == pytest.approx(want.timestep)


@given(served())
def test_frames_hold_the_invariants_of_every_window(
    case: tuple[FrameWindow, int, tuple[int, ...], int, int | None, list[float] | None],
) -> None:
    window, length, cuts, anchor, target, timestamps = case
    got = window.at(anchor, length, target_offset=target, timestamps=timestamps, cuts=cuts)
    middle = window.context // 2
    assert len(got.indices) == len(got.valid) == len(got.times) == window.context
    assert all(0 <= i < length for i in got.indices)
    assert got.references == (got.indices[middle - 1], got.indices[middle])
    assert got.valid[middle - 1]
    assert got.valid[middle]
    assert got.times[middle - 1] == pytest.approx(-0.5)
    assert got.times[middle] == pytest.approx(0.5)
    assert all(np.diff([t for t, ok in zip(got.times, got.valid, strict=True) if ok]) > 0)
    if got.target is not None:
        assert got.references[0] < got.target < got.references[1]
        assert got.target not in got.indices
        assert got.timestep is not None
        assert 0 < got.timestep < 1
    if window.edge == "require":
        invalid = [i for i, ok in zip(got.indices, got.valid, strict=True) if not ok]
        assert all(any(i < c <= anchor or anchor < c <= i for c in cuts) for i in invalid)


@given(served())
def test_reversing_the_clip_reverses_the_window(
    case: tuple[FrameWindow, int, tuple[int, ...], int, int | None, list[float] | None],
) -> None:
    window, length, cuts, anchor, target, timestamps = case
    got = window.at(anchor, length, target_offset=target, timestamps=timestamps, cuts=cuts)
    back = window.at(
        length - 1 - (anchor + window.gap),
        length,
        target_offset=None if target is None else window.gap - target,
        timestamps=None if timestamps is None else [-t for t in reversed(timestamps)],
        cuts=tuple(length - c for c in reversed(cuts)),
    )
    assert back.indices == tuple(length - 1 - i for i in reversed(got.indices))
    assert back.valid == got.valid[::-1]
    np.testing.assert_allclose(back.times, [-t for t in reversed(got.times)], atol=1e-9)
    if got.timestep is not None:
        assert back.timestep == pytest.approx(1 - got.timestep)


def test_uniform_64_2_serves_a_64_frame_clip_with_32_valid_frames() -> None:
    got = FrameWindow.uniform(64, 2).at(31, 64)
    assert sum(got.valid) == 32
    assert got.indices[16:48] == tuple(range(1, 64, 2))
    assert got.indices[:16] == (0,) * 16
    assert got.target == 32
    assert got.timestep == 0.5


@pytest.mark.parametrize("window", [FrameWindow.uniform(32, 2, "require"), FrameWindow.consecutive(63, "require")])
def test_a_64_frame_clip_serves_smaller_windows_whole(window: FrameWindow) -> None:
    assert window.span == 63
    assert window.anchors(64).tolist() == [30, 31]


def test_span_counts_the_source_frames_a_window_needs() -> None:
    assert FrameWindow.uniform(64, 2).span == 127
    assert FrameWindow.consecutive(15).span == 15
    assert FrameWindow.consecutive(15).context == 14


def test_consecutive_leaves_a_gap_of_two_around_its_target() -> None:
    got = FrameWindow.consecutive(7).at(2, 7)
    assert got.indices == (0, 1, 2, 4, 5, 6)
    assert got.target == 3
    assert got.times == (-1.5, -1.0, -0.5, 0.5, 1.0, 1.5)


def test_stride_three_hides_two_frames_and_the_default_is_the_later_middle() -> None:
    window = FrameWindow.uniform(4, 3)
    assert window.target_offsets == (1, 2)
    assert window.at(3, 10, target_offset=1).timestep == pytest.approx(1 / 3)
    assert window.at(3, 10).target == 5


def test_stride_one_hides_nothing() -> None:
    got = FrameWindow.uniform(6, 1).at(2, 6)
    assert got.target is None
    assert got.timestep is None
    assert got.indices == (0, 1, 2, 3, 4, 5)


def test_frames_beyond_a_cut_are_invalid_and_a_cut_between_references_is_refused() -> None:
    window = FrameWindow.uniform(6, 2)
    got = window.at(6, 20, cuts=(5, 11))
    assert got.indices == (2, 4, 6, 8, 10, 12)
    assert got.valid == (False, False, True, True, True, False)
    assert 4 not in window.anchors(20, cuts=(5,))
    with pytest.raises(WindowError, match="cut lies between"):
        window.at(4, 20, cuts=(5,))


def test_variable_frame_times_set_times_and_timestep() -> None:
    got = FrameWindow.uniform(2, 2).at(0, 3, timestamps=[10.0, 10.1, 10.4])
    assert got.timestep == pytest.approx(0.25)


def test_labels_tell_windows_apart() -> None:
    kinds = [FrameWindow.uniform(14, 2), FrameWindow.consecutive(15), FrameWindow.uniform(14, 1)]
    kinds.append(FrameWindow((-5, 0, 2, 7), (1,)))
    assert [w.label for w in kinds[:3]] == ["u14s2", "c15", "u14s1"]
    assert len({w.label for w in kinds}) == 4


@pytest.mark.parametrize(
    ("offsets", "targets", "words"),
    [
        ((0,), (), "even number"),
        ((-1, 0, 1), (), "even number"),
        ((0, 0), (), "increase strictly"),
        ((1, 2), (), "offset 0"),
        ((-2, 0, 1, 2), (), "mirror"),
        ((0, 2), (2,), "strictly between"),
        ((0, 4), (1,), "mirror"),
        ((0, 4), (3, 1), "increase"),
    ],
)
def test_broken_offsets_are_refused_by_name(offsets: tuple[int, ...], targets: tuple[int, ...], words: str) -> None:
    with pytest.raises(WindowError, match=words):
        FrameWindow(offsets, targets)


def test_bad_arguments_are_refused_with_advice() -> None:
    for call in (
        lambda: FrameWindow.uniform(7, 2),
        lambda: FrameWindow.uniform(6, 0),
        lambda: FrameWindow.consecutive(14),
        lambda: FrameWindow.consecutive(1),
        lambda: FrameWindow((0, 1), (), "wrap"),  # type: ignore[arg-type]
        lambda: FrameWindow.uniform(6, 2).at(0, 2),
        lambda: FrameWindow.uniform(6, 2).at(9, 10),
        lambda: FrameWindow.uniform(6, 2, "require").at(0, 20),
        lambda: FrameWindow.uniform(6, 2).at(0, 5, target_offset=2),
        lambda: FrameWindow.uniform(6, 2).at(0, 5, timestamps=[0.0, 1.0]),
        lambda: FrameWindow.uniform(2, 2).at(0, 3, timestamps=[1.0, 1.0, 1.0]),
    ):
        with pytest.raises(WindowError) as caught:
            call()
        assert caught.value.fix


def test_a_window_is_frozen_and_hashable() -> None:
    window = FrameWindow.uniform(6, 2)
    assert hash(window) == hash(FrameWindow.uniform(6, 2))
    with pytest.raises(dataclasses.FrozenInstanceError):
        window.edge = "require"  # type: ignore[misc]


@settings(max_examples=25)
@given(windows(), st.integers(0, 40))
def test_a_clip_shorter_than_needed_has_no_anchors_and_others_have(window: FrameWindow, length: int) -> None:
    assert (len(window.anchors(length)) > 0) == (length >= window.needed)
