"""Tests of memory: whatever the length of a stream or a video, what is held is the window and no more."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import psutil
import pytest

from lift_core.classical import blend
from lift_core.data import scene_cuts
from lift_core.inference.interpolator import Interpolator
from lift_core.inference.methods import BaselineMethod, Window
from tests.inference.video_clips import write_clip

MEGABYTE = 2**20


class Features:
    """64 kB that know how many of their kind are alive."""

    alive: ClassVar[weakref.WeakSet[Features]] = weakref.WeakSet()

    def __init__(self) -> None:
        self.array = np.ones(8192)
        self.alive.add(self)


class LongContext(BaselineMethod):
    """A blend that keeps sizeable features of 64 frames, as a model does."""

    context = 64

    def encode(self, frame):
        return Features()

    def between(self, first, second, window: Window):
        assert len(window.features) == 64
        return lambda t: blend(first, second, t)


def resident() -> int:
    return psutil.Process().memory_info().rss


def small_frames(count: int) -> Iterator[np.ndarray]:
    """Frames that all differ, 13 kB each."""
    ramp = np.add.outer(np.arange(48), np.arange(96)).astype(np.uint8)
    for number in range(count):
        yield np.repeat((ramp + np.uint8(number % 256))[..., None], 3, axis=2)


@pytest.mark.parametrize("method", [LongContext("blend"), BaselineMethod("blend")], ids=["context 64", "blend"])
def test_a_stream_of_20000_frames_holds_flat_memory(method):
    made, most_alive, early = 0, 0, 0
    for made, _ in enumerate(Interpolator.with_method(method).frames(small_frames(20_000), detect_cuts=False), 1):
        most_alive = max(most_alive, len(Features.alive))
        if made == 4_000:
            early = resident()
    late = resident()
    assert made == 39_999
    assert most_alive == (64 if method.context == 64 else 0)
    # All features together would be 1.3 GB, all frames 280 MB.
    assert late - early < 12 * MEGABYTE
    assert len(Features.alive) == 0


def test_a_stream_with_cut_detection_holds_flat_memory():
    early = 0
    for number, _ in enumerate(Interpolator("blend").frames(small_frames(4_000))):
        if number == 800:
            early = resident()
    # All frames together would be 55 MB.
    assert resident() - early < 8 * MEGABYTE


def test_a_video_of_thousands_of_frames_holds_flat_memory(tmp_path, monkeypatch):
    # Frames this small would all be read at once.
    monkeypatch.setattr(scene_cuts, "_CHUNK_BYTES", MEGABYTE)
    write_clip(tmp_path / "in.mp4", [np.full((64, 96, 3), 60 + 2 * (k % 60), np.uint8) for k in range(2_000)])
    seen: list[int] = []

    class Watched(LongContext):
        def between(self, first, second, window):
            seen.append(resident())
            return super().between(first, second, window)

    made = Interpolator.with_method(Watched("blend")).video(tmp_path / "in.mp4", tmp_path / "out.mp4", progress=False)
    assert (made.frames_in, made.frames_out) == (2_000, 3_999)
    assert len(seen) > 1_900
    # All features together would be 125 MB, all frames 37 MB.
    assert seen[-1] - seen[500] < 12 * MEGABYTE
    assert resident() - seen[500] < 16 * MEGABYTE
