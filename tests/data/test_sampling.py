"""Tests of sampling: which positions of a clip become samples."""

from __future__ import annotations

import numpy as np
import pytest

from lift_core.data.sampling import ClipPositions, Position, Sampling
from lift_core.data.window import FrameWindow
from lift_core.errors import ConfigError

TWO = FrameWindow.uniform(4, 2)
THREE = FrameWindow.uniform(4, 3)


def test_positions_are_every_window_anchor_and_target() -> None:
    positions = ClipPositions([TWO, THREE], 6, cuts=(4,))
    expected = [Position(w, int(a), t) for w in (TWO, THREE) for a in w.anchors(6, (4,)) for t in w.target_offsets]
    assert [positions[i] for i in range(len(positions))] == expected
    with pytest.raises(IndexError):
        positions[len(positions)]


def test_a_clip_too_short_has_no_positions() -> None:
    assert len(ClipPositions([TWO], 2)) == 0
    assert Sampling("random", 5).samples(0) == 0


def test_strided_sampling_takes_every_nth_anchor() -> None:
    positions = Sampling("strided", stride=4).positions([TWO], 20, ())
    assert [positions[i].anchor for i in range(len(positions))] == [0, 4, 8, 12, 16]


def test_even_sampling_spreads_over_the_clip_and_repeats_nothing() -> None:
    sampling = Sampling("even", count=4)
    draw = np.random.default_rng(0)
    assert [sampling.choose(i, 100, draw) for i in range(sampling.samples(100))] == [12, 37, 62, 87]
    assert [sampling.choose(i, 3, draw) for i in range(sampling.samples(3))] == [0, 1, 2]


def test_random_sampling_reaches_every_position() -> None:
    draw = np.random.default_rng(0)
    assert {Sampling("random").choose(0, 7, draw) for _ in range(200)} == set(range(7))


@pytest.mark.parametrize("arguments", [{"mode": "some"}, {"count": 0}, {"stride": 0}])
def test_impossible_sampling_is_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Sampling(**arguments)  # type: ignore[arg-type]
