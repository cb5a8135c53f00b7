"""Tests of a clip as a stream: it begins where it is needed, reads each frame once, and tells where shots begin."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from lift_core.data.source import FrameSource
from lift_core.inference.clip_stream import ClipStream
from lift_core.inference.lift_method import LiftMethod
from lift_core.inference.methods import BaselineMethod
from lift_core.inference.moments import Moment, steps
from tests.inference.video_clips import moving


class Spied(FrameSource):
    """Frames in memory that count how often each is read."""

    def __init__(self, images, timestamps=None) -> None:
        self.images, self._timestamps, self.read = np.stack(images), timestamps, []

    name = "spied"
    fingerprint = "spied"
    timestamps = property(lambda self: self._timestamps)
    size = property(lambda self: self.images.shape[1:3])

    def __len__(self) -> int:
        return len(self.images)

    def frames(self, indices, *, crop=None, size=None):
        self.read.extend(indices)
        return self.images[list(indices)]


@pytest.fixture
def clip():
    timestamps = np.cumsum([0.1, 0.2, 0.1, 0.3, 0.1, 0.1, 0.2, 0.4, 0.1, 0.1, 0.2, 0.1])
    return Spied([*moving(8, height=32, width=48), *moving(4, height=32, width=48, seed=7)], timestamps)


@pytest.mark.parametrize("context", [2, 6, 8])
@pytest.mark.parametrize("first", [0, 1, 4, 7, 10])
def test_what_begins_late_gives_the_same_frames(lift, clip, context, first):
    method = LiftMethod(lift, context=context)
    whole = list(ClipStream(clip, context, 0, lambda _: None).interpolated(method, steps(2)))
    clip.read.clear()
    late = list(
        ClipStream(clip, context, first, lambda _: None).interpolated(method, islice(steps(2), 2 * first, None))
    )
    assert len(whole) == 23
    assert len(late) == 23 - 2 * first
    assert all(np.array_equal(a, b) for a, b in zip(late, whole[2 * first :], strict=True))
    assert clip.read == list(range(max(0, first - context // 2 + 1), 12))


def test_the_numbers_of_cuts_are_those_of_the_clip(clip):
    for first in (0, 6):
        cuts: list[int] = []
        list(ClipStream(clip, 4, first, cuts.append).interpolated(BaselineMethod("blend", 4), [Moment(11, 0.0)]))
        assert cuts == [8]
