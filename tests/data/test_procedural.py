"""Procedural clips: the same bytes each time, true flow, smooth motion, real cuts."""

from __future__ import annotations

import pickle
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.data.source import Crop
from lift_core.errors import ConfigError, FrameReadError

SMALL = ClipConfig(frames=12, height=72, width=104, seed=3, layers=3)


def warp_back(image: NDArray[np.uint8], flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """What stands at the end of each pixel's motion, read from the later picture by OpenCV."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    to_x, to_y = x + flow[..., 0], y + flow[..., 1]
    warped = cv2.remap(image.astype(np.float32), to_x, to_y, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.float32)


def test_equal_configurations_give_equal_bytes() -> None:
    first, second = ProceduralClip(SMALL), ProceduralClip(replace(SMALL))
    assert np.array_equal(first.frame(2.5), second.frame(2.5))
    assert not np.array_equal(first.frame(2.5), ProceduralClip(replace(SMALL, seed=4)).frame(2.5))


def test_a_frame_does_not_depend_on_what_was_rendered_before() -> None:
    config = replace(SMALL, cuts=2)
    fresh, used = ProceduralClip(config), ProceduralClip(config)
    used.frames([0, 11, 5])
    assert np.array_equal(fresh.frame(7), used.frame(7))


@pytest.mark.parametrize("seed", range(5))
def test_warping_by_the_true_flow_reproduces_the_earlier_frame(seed: int) -> None:
    clip = ProceduralClip(ClipConfig(height=96, width=128, seed=seed, layers=4))
    flow, visible = clip.flow(10, 11)
    error = np.abs(warp_back(clip.frame(11), flow) - clip.frame(10))[visible]
    unmoved = np.abs(clip.frame(11).astype(np.float32) - clip.frame(10))[visible]
    assert visible.mean() > 0.6
    assert error.mean() < 1.0
    # The larger errors stand beside other layers, which the interpolation of the reference touches.
    assert np.quantile(error, 0.99) < 8.0
    assert error.mean() < 0.2 * unmoved.mean()


def test_flow_holds_over_long_and_fractional_times_and_backwards() -> None:
    clip = ProceduralClip(ClipConfig(height=96, width=96, seed=1, layers=2))
    for start, end in ((0.25, 0.75), (20.0, 12.5), (3.0, 9.0)):
        flow, visible = clip.flow(start, end)
        error = np.abs(warp_back(clip.frame(end), flow) - clip.frame(start))[visible]
        assert visible.any()
        assert error.mean() < 1.0


def test_hidden_points_are_not_called_visible() -> None:
    clip = ProceduralClip(ClipConfig(height=96, width=96, seed=2, layers=5))
    flow, visible = clip.flow(0, 30)
    error = np.abs(warp_back(clip.frame(30), flow) - clip.frame(0)).max(axis=-1)
    assert not visible.all()
    assert error[~visible].mean() > 5 * error[visible].mean()


def test_no_motion_between_a_time_and_itself() -> None:
    flow, visible = ProceduralClip(SMALL).flow(4.5, 4.5)
    assert np.abs(flow).max() < 1e-3
    assert visible.mean() > 0.7


@pytest.mark.parametrize("seed", range(4))
def test_motion_stays_below_the_speed_limit_and_is_not_trivial(seed: int) -> None:
    clip = ProceduralClip(replace(SMALL, seed=seed, max_speed=10.0))
    speeds = []
    for start in (0.0, 17.0, 101.0):
        flow, visible = clip.flow(start, start + 1)
        speeds.append(np.hypot(flow[..., 0], flow[..., 1])[visible])
    speed = np.concatenate(speeds)
    assert speed.max() <= 10.0
    assert speed.max() > 1.5


def test_motion_is_continuous() -> None:
    clip = ProceduralClip(SMALL)
    for start in np.linspace(0.0, 200.0, 9):
        there, seen_there = clip.flow(start, start + 0.5)
        on, seen_on = clip.flow(start, start + 1.0)
        both = seen_there & seen_on
        # Half the time makes about half the way: the rest is acceleration.
        assert np.abs(on - 2 * there)[both].max() < 0.4 * SMALL.max_speed


def test_a_cut_separates_unlike_shots() -> None:
    clip = ProceduralClip(replace(SMALL, frames=20, cuts=1))
    (cut,) = clip.cut_frames
    frames = clip.frames(range(20)).astype(np.float32)
    change = np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3))
    assert np.argmax(change) == cut - 1
    flow, visible = clip.flow(cut - 1, cut)
    assert not visible.any()
    assert not flow.any()


@pytest.mark.parametrize(("frames", "cuts"), [(2, 1), (5, 4), (64, 3), (300, 11)])
def test_cuts_leave_no_shot_empty(frames: int, cuts: int) -> None:
    bounds = (0, *ProceduralClip(ClipConfig(frames=frames, cuts=cuts)).cut_frames, frames)
    assert len(bounds) == cuts + 2
    assert all(start < end for start, end in pairwise(bounds))


@pytest.mark.parametrize("size", [(16, 16), (33, 71), (270, 40)])
def test_sizes_are_as_asked(size: tuple[int, int]) -> None:
    clip = ProceduralClip(ClipConfig(frames=3, height=size[0], width=size[1], layers=2))
    assert clip.size == size
    assert clip.frame(1).shape == (*size, 3)
    assert clip.frame(1).dtype == np.uint8


def test_a_clip_is_a_frame_source() -> None:
    clip = ProceduralClip(SMALL)
    crop = Crop(10, 20, 30, 40)
    frames = clip.frames([3, 0, 3], crop=crop)
    assert np.array_equal(frames[0], crop.apply(clip.frame(3)))
    assert np.array_equal(frames[1], crop.apply(clip.frame(0)))
    assert np.array_equal(frames[0], frames[2])
    assert len(clip.timestamps) == len(clip) == 12


def test_a_pickled_clip_is_small_and_renders_the_same() -> None:
    clip = ProceduralClip(SMALL)
    expected = clip.frame(5)
    data = pickle.dumps(clip)
    assert len(data) < 1000
    assert np.array_equal(pickle.loads(data).frame(5), expected)


@pytest.mark.parametrize("index", [-1, 12])
def test_a_frame_beyond_the_clip_is_named(index: int) -> None:
    with pytest.raises(FrameReadError, match=f"frame {index}.*procedural/00003"):
        ProceduralClip(SMALL).frames([index])


@pytest.mark.parametrize("wrong", [{"frames": 0}, {"height": 8}, {"cuts": 12}, {"shake": 2.0}, {"seed": -1}])
def test_impossible_configurations_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        replace(SMALL, **wrong)
