"""A SpySource counts reads and whole frames in memory, and otherwise behaves like any clip."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lift_core.checks.spy_source import SpySource
from lift_core.data.source import Crop
from lift_core.errors import ConfigError, FrameReadError


def test_a_frame_is_rgb_bytes_of_the_clips_size() -> None:
    clip = SpySource(5, (7, 11))
    frame = clip.frame(3)
    assert (frame.shape, frame.dtype, clip.size, len(clip)) == ((7, 11, 3), np.uint8, (7, 11), 5)


def test_equal_seeds_give_equal_frames() -> None:
    np.testing.assert_array_equal(SpySource(seed=3).frame(2), SpySource(seed=3).frame(2))


def test_no_two_frames_are_alike() -> None:
    frames = {SpySource(seed=seed).frame(index).tobytes() for seed in range(4) for index in range(17)}
    assert len(frames) == 4 * 17


@given(st.lists(st.integers(0, 8), max_size=6), st.booleans())
def test_frames_are_the_single_frames_in_order(indices: list[int], cropped: bool) -> None:
    clip = SpySource(9, (5, 6))
    crop = Crop(1, 2, 3, 4) if cropped else None
    got = clip.frames(indices, crop=crop)
    region = crop or Crop(0, 0, 5, 6)
    assert got.shape == (len(indices), region.height, region.width, 3)
    assert clip.reads == list(dict.fromkeys(indices))
    for frame, index in zip(got, indices, strict=True):
        np.testing.assert_array_equal(frame, region.apply(clip.picture(index)))


def test_reads_are_listed_page_by_page() -> None:
    clip = SpySource()
    clip.frame(4)
    clip.turn_page()
    clip.frame(2)
    clip.frames([5, 5, 2])
    assert (clip.pages, clip.reads) == ([[4], [2, 5, 2]], [4, 2, 5, 2])


def test_looking_at_a_picture_is_no_reading() -> None:
    clip = SpySource()
    kept = clip.picture(3)
    assert (clip.reads, clip.alive, clip.peak) == ([], 0, 0)
    np.testing.assert_array_equal(kept, clip.frame(3))


@pytest.mark.parametrize("index", [-1, 17, 100])
def test_a_frame_beyond_the_clip_is_refused_and_not_counted(index: int) -> None:
    clip = SpySource(17)
    with pytest.raises(FrameReadError, match="17 frames"):
        clip.frame(index)
    with pytest.raises(FrameReadError, match="17 frames"):
        clip.frames([index])
    assert (clip.reads, clip.alive) == ([], 0)


def test_a_crop_beyond_the_frame_is_refused() -> None:
    with pytest.raises(ConfigError, match="reaches beyond"):
        SpySource().frames([0], crop=Crop(0, 0, 14, 3))


def test_frames_are_counted_until_they_are_let_go() -> None:
    clip = SpySource()
    one, two = clip.frame(0), clip.frame(1)
    assert (clip.alive, clip.peak) == (2, 2)
    del one
    assert clip.alive == 1
    del two
    assert (clip.alive, clip.peak) == (0, 2)


@pytest.mark.parametrize(
    "view",
    [
        lambda frame: frame[:1, :1],
        lambda frame: frame[..., ::-1],
        lambda frame: frame.reshape(-1),
        lambda frame: frame[2:][1:],
        torch.from_numpy,
        lambda frame: torch.from_numpy(frame).permute(2, 0, 1)[:1],
        memoryview,
    ],
)
def test_a_view_keeps_its_frame_alive(view: object) -> None:
    clip = SpySource()
    kept = view(clip.frame(0))  # type: ignore[operator]
    assert clip.alive == 1
    del kept
    assert clip.alive == 0


@pytest.mark.parametrize(
    "copied",
    [
        lambda frame: frame[:4, :4].copy(),
        lambda frame: frame.astype(np.float32),
        lambda frame: torch.from_numpy(frame).clone(),
        lambda frame: torch.from_numpy(frame) / 255,
        lambda frame: np.stack([frame, frame]),
    ],
)
def test_a_copy_lets_its_frame_go(copied: object) -> None:
    clip = SpySource()
    kept = copied(clip.frame(0))  # type: ignore[operator]
    assert (clip.alive, clip.peak) == (0, 1)
    del kept


def test_an_array_of_whole_frames_counts_as_so_many() -> None:
    clip = SpySource()
    batch = clip.frames(range(6))
    assert (clip.alive, clip.peak) == (6, 6)
    part = batch[2, :3]
    del batch
    assert clip.alive == 6
    del part
    assert clip.alive == 0


@pytest.mark.parametrize("crop", [Crop(0, 0, 4, 5), Crop(0, 0, 13, 29)], ids=["part", "all"])
def test_reading_crops_holds_one_whole_frame_at_a_time(crop: Crop) -> None:
    clip = SpySource(size=(13, 29))
    batch = clip.frames(range(6), crop=crop)
    assert (clip.alive, clip.peak, len(batch)) == (0, 1, 6)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda clip: pickle.loads(pickle.dumps(clip))])
def test_a_copy_in_another_process_begins_its_own_book(copied: object) -> None:
    clip = SpySource(5, (7, 11), seed=3, name="mine", timestamps=[0, 1, 2, 3, 4])
    kept = clip.frame(2)
    other: SpySource = copied(clip)  # type: ignore[operator]
    assert (other.reads, other.alive, other.peak) == ([], 0, 0)
    assert (len(other), other.size, other.name) == (5, (7, 11), "mine")
    assert other.timestamps is not None
    np.testing.assert_array_equal(other.timestamps, [0, 1, 2, 3, 4])
    np.testing.assert_array_equal(other.frame(2), kept)
    assert clip.reads == [2]
