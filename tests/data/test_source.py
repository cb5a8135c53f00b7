"""What all sources share: cutting and scaling while reading, the same pixels from every kind of clip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lift_core.checks import SpySource
from lift_core.data.image_folder import ImageFolderSource
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.data.source import Crop, FrameSource, empty_frames, scaled
from lift_core.data.video_file import VideoFileSource
from lift_core.errors import ConfigError
from tests.data.clip_trees import write_clip
from tests.data.numbered_video import write_numbered

CLIPS: dict[str, Callable[[Path], FrameSource]] = {
    "images": lambda folder: ImageFolderSource(write_clip(folder / "clip", 6, size=(40, 56))),
    "procedural": lambda folder: ProceduralClip(ClipConfig(frames=6, height=40, width=56)),
    "spied": lambda folder: SpySource(6, (40, 56)),
    "video": lambda folder: VideoFileSource(write_numbered(folder / "a.mp4", count=6, size=(40, 56))),
}
ORDER = [4, 0, 4, 3]


@pytest.fixture(params=CLIPS)
def clip(request: pytest.FixtureRequest, tmp_path: Path) -> FrameSource:
    return CLIPS[request.param](tmp_path)


@pytest.mark.parametrize("crop", [None, Crop(3, 5, 21, 34)])
@pytest.mark.parametrize(("size", "method"), [((12, 20), cv2.INTER_AREA), ((50, 70), cv2.INTER_LINEAR)])
def test_a_size_scales_each_frame_after_the_crop(
    clip: FrameSource, crop: Crop | None, size: tuple[int, int], method: int
) -> None:
    whole = clip.frames(ORDER)
    cut = [frame if crop is None else crop.apply(frame) for frame in whole]
    read = clip.frames(ORDER, crop=crop, size=size)
    assert read.flags.c_contiguous
    assert np.array_equal(read, [cv2.resize(frame, size[::-1], interpolation=method) for frame in cut])


def test_no_frames_of_a_size_are_an_empty_array_of_that_size(clip: FrameSource) -> None:
    assert clip.frames([], size=(8, 9)).shape == (0, 8, 9, 3)
    assert clip.frames([], crop=Crop(0, 0, 4, 5)).shape == (0, 4, 5, 3)


def test_the_size_that_frames_have_changes_nothing(clip: FrameSource) -> None:
    assert np.array_equal(clip.frames([2], size=clip.size), clip.frames([2]))


@pytest.mark.parametrize("size", [(0, 8), (8, -1)])
def test_an_empty_size_is_refused(clip: FrameSource, size: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match="Choose a size"):
        clip.frames([0], size=size)
    with pytest.raises(ConfigError, match="Choose a size"):
        scaled(np.zeros((4, 4, 3), np.uint8), size)


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    shade=st.integers(0, 255),
)
@settings(max_examples=60, deadline=None)
def test_scaling_keeps_a_flat_picture_flat(height: int, width: int, size: tuple[int, int], shade: int) -> None:
    picture = scaled(np.full((height, width, 3), shade, np.uint8), size)
    assert np.array_equal(picture, np.full((*size, 3), shade))


def test_shrinking_averages_the_pixels_it_covers() -> None:
    image = np.random.default_rng(0).integers(0, 256, (24, 36, 3), np.uint8)
    exact = image.reshape(8, 3, 9, 4, 3).mean((1, 3))
    assert np.abs(scaled(image, (8, 9)) - exact).max() <= 0.51


def test_room_has_the_size_then_the_crop_then_the_frame() -> None:
    whole, crop = (40, 56), Crop(1, 2, 3, 4)
    assert empty_frames(2, whole, None, None).shape == (2, 40, 56, 3)
    assert empty_frames(2, whole, crop, None).shape == (2, 3, 4, 3)
    assert empty_frames(2, whole, crop, (7, 8)).shape == (2, 7, 8, 3)


def test_a_crop_beyond_the_frame_is_refused_whatever_the_size(clip: FrameSource) -> None:
    with pytest.raises(ConfigError, match="reaches beyond"):
        clip.frames([0], crop=Crop(30, 0, 20, 20), size=(8, 8))


def test_scaled_frames_of_a_spied_clip_leave_no_whole_frame_alive() -> None:
    clip = SpySource(20, (16, 24))
    kept = clip.frames(range(20), size=(4, 6))
    assert len(kept) == 20
    assert clip.alive == 0
    assert clip.peak == 1
