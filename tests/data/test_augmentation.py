"""Tests of augmentation: every picture is explained by its parameters, and parameters by (seed, epoch, key)."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lift_core.data.augmentation import (
    AugmentationConfig,
    ClipAugmentation,
    ClipParameters,
    ColourChange,
    read_clip,
    reverse,
    whole_frames,
)
from lift_core.data.source import Crop
from lift_core.data.window import FrameWindow
from lift_core.errors import ConfigError, DatasetError
from tests.data.clip_trees import ArraySource, coordinate_clip

ALWAYS = AugmentationConfig(
    crop=(20, 28),
    horizontal_flip=1.0,
    vertical_flip=1.0,
    rotation=1.0,
    reversal=1.0,
    channel_order=1.0,
    pan=1.0,
    colour=1.0,
)
WINDOW = FrameWindow.uniform(6, 2)
PINNED = ClipParameters(
    crop=Crop(top=121, left=250, height=128, width=128),
    horizontal_flip=True,
    channels=(2, 0, 1),
    colour=ColourChange(
        brightness=-0.04989777858878067,
        contrast=1.1609729094170353,
        saturation=0.8393128292555263,
        gamma=0.8709463806285003,
    ),
)


def expected_frame(clip: NDArray[np.uint8], index: int, anchor: int, p: ClipParameters) -> NDArray[np.uint8]:
    """One augmented frame, step by step from the definition, without colour; ``[3, H, W]``."""
    top = p.crop.top + p.velocity[0] * (index - anchor)
    left = p.crop.left + p.velocity[1] * (index - anchor)
    image = clip[index, top : top + p.crop.height, left : left + p.crop.width]
    image = cv2.flip(image, 1) if p.horizontal_flip else image
    image = cv2.flip(image, 0) if p.vertical_flip else image
    image = cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE) if p.rotation else image
    return np.stack([image[:, :, c] for c in p.channels])


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), epoch=st.integers(0, 5), anchor=st.integers(0, 14))
def test_every_picture_is_what_its_parameters_say(seed: int, epoch: int, anchor: int) -> None:
    config = replace(ALWAYS, colour=0.0, horizontal_flip=0.5, vertical_flip=0.5, rotation=0.5, reversal=0.5, pan=0.7)
    clip = coordinate_clip(17, 60, 64)
    window = WINDOW.at(anchor, 17)
    p = ClipAugmentation(config, seed).parameters(epoch, "clip", (60, 64), window)
    pictures, shown = read_clip(ArraySource(clip), window, p)
    assert pictures.shape == (7, 3, 20, 28)
    assert pictures.flags.c_contiguous
    assert window.target is not None
    order = window.indices[::-1] if p.reversal else window.indices
    for picture, index in zip(pictures, (*order, window.target), strict=True):
        np.testing.assert_array_equal(picture, expected_frame(clip, index, anchor, p))
    assert shown == (reverse(window) if p.reversal else window)


def test_reversal_turns_time_around() -> None:
    window = FrameWindow.uniform(4, 3).at(0, 12, target_offset=1)
    back = reverse(window)
    assert back.indices == (6, 3, 0, 0)
    assert back.valid == (True, True, True, False)
    assert back.times == pytest.approx((-1.5, -0.5, 0.5, 0.5))
    assert back.timestep == pytest.approx(2 / 3)
    twice = reverse(back)
    assert replace(twice, timestep=window.timestep) == window
    assert twice.timestep == pytest.approx(1 / 3)


def test_each_source_frame_is_read_once_in_one_call() -> None:
    source = ArraySource(coordinate_clip(9, 24, 32))
    read_clip(source, WINDOW.at(0, 9), whole_frames((24, 32)))
    assert source.calls == [[0, 1, 2, 4, 6]]


def test_without_augmentation_pictures_are_the_frames_themselves() -> None:
    clip = coordinate_clip(13, 24, 32)
    window = WINDOW.at(4, 13)
    pictures, shown = read_clip(ArraySource(clip), window, whole_frames((24, 32)))
    assert shown is window
    np.testing.assert_array_equal(pictures, clip[[0, 2, 4, 6, 8, 10, 5]].transpose(0, 3, 1, 2))


def test_parameters_depend_on_seed_epoch_and_key_alone() -> None:
    window = WINDOW.at(4, 20)

    def draw(seed: int, epoch: int, key: str) -> ClipParameters:
        return ClipAugmentation(ALWAYS, seed).parameters(epoch, key, (200, 300), window)

    first = draw(1, 2, "a")
    draw(5, 5, "elsewhere")
    assert draw(1, 2, "a") == first
    assert len({draw(1, 2, "a"), draw(2, 2, "a"), draw(1, 3, "a"), draw(1, 2, "b")}) == 4


def test_known_parameters_stay_what_they_were_in_earlier_releases() -> None:
    augmentation = ClipAugmentation(AugmentationConfig(crop=(128, 128)), 7)
    assert augmentation.parameters(3, "00001/0001@2+1:u6s2", (256, 448), WINDOW.at(4, 20)) == PINNED


def test_switching_one_choice_off_leaves_the_others_as_they_were() -> None:
    window = WINDOW.at(4, 20)
    with_colour = ClipAugmentation(ALWAYS, 3).parameters(0, "k", (200, 300), window)
    without = ClipAugmentation(replace(ALWAYS, colour=0.0), 3).parameters(0, "k", (200, 300), window)
    assert replace(with_colour, colour=None) == without


def test_a_panning_crop_moves_in_a_straight_line_and_stays_inside() -> None:
    config = replace(AugmentationConfig.deterministic((16, 16)), position="random", pan=1.0, pan_speed=3)
    clip = coordinate_clip(30, 64, 80)
    window = FrameWindow.uniform(6, 2).at(10, 30)
    speeds = set()
    for seed in range(40):
        p = ClipAugmentation(config, seed).parameters(0, "k", (64, 80), window)
        pictures, _ = read_clip(ArraySource(clip), window, p)
        rows = pictures[:6, 0, 0, 0].astype(int)
        columns = pictures[:6, 1, 0, 0].astype(int)
        assert set(np.diff(rows)) == {2 * p.velocity[0]}
        assert set(np.diff(columns)) == {2 * p.velocity[1]}
        assert pictures[6, 0, 0, 0] * 2 == rows[2] + rows[3]
        speeds |= set(p.velocity)
    assert speeds == {-3, -2, -1, 0, 1, 2, 3}


def test_a_pan_follows_the_frames_times_where_they_vary() -> None:
    clip = coordinate_clip(5, 40, 40)
    stamps = np.array([0.0, 0.1, 0.3, 0.4, 0.5])
    window = FrameWindow.uniform(2, 2).at(1, 5, timestamps=stamps)
    pictures, _ = read_clip(ArraySource(clip, stamps), window, ClipParameters(Crop(5, 5, 8, 8), velocity=(3, 0)))
    assert pictures[:, 0, 0, 0].tolist() == [5, 11, 9]


def test_a_long_window_pans_no_faster_than_the_frame_has_room() -> None:
    config = replace(AugmentationConfig.deterministic((20, 20)), position="random", pan=1.0, pan_speed=9)
    window = FrameWindow.uniform(10, 2).at(8, 19)
    for seed in range(20):
        p = ClipAugmentation(config, seed).parameters(0, "k", (20, 56), window)
        assert p.velocity[0] == 0
        assert abs(p.velocity[1]) <= 36 // 18


def test_a_quarter_turn_happens_only_where_the_turned_crop_fits() -> None:
    config = replace(ALWAYS, crop=(24, 60), rotation=1.0)
    window = WINDOW.at(4, 20)
    assert not ClipAugmentation(config, 0).parameters(0, "k", (32, 64), window).rotation
    assert ClipAugmentation(config, 0).parameters(0, "k", (64, 64), window).rotation


def test_validation_takes_the_centre_crop_or_whole_frames() -> None:
    window = WINDOW.at(4, 20)
    centre = ClipAugmentation(AugmentationConfig.deterministic((10, 11)), 3).parameters(9, "k", (24, 32), window)
    assert centre == ClipParameters(Crop(7, 10, 10, 11))
    whole = ClipAugmentation(AugmentationConfig.deterministic(), 3).parameters(9, "k", (24, 32), window)
    assert whole == whole_frames((24, 32))


def test_colour_equals_the_formula_in_float64_to_a_rounding_step() -> None:
    change = ColourChange(brightness=0.07, contrast=1.15, saturation=0.8, gamma=1.2)
    clip = np.random.default_rng(0).integers(0, 256, (2, 13, 17, 3), dtype=np.uint8)
    value = clip.astype(np.float64)
    luma = value @ np.array([0.299, 0.587, 0.114])
    value = np.rint(np.clip(luma[..., None] + 0.8 * (value - luma[..., None]), 0, 255)) / 255
    value = np.clip((value - 0.5) * 1.15 + 0.5 + 0.07, 0, 1) ** 1.2 * 255
    assert np.abs(change.apply(clip).astype(np.float64) - value).max() < 3
    assert np.abs(change.apply(clip).astype(np.float64) - value).mean() < 0.5


def test_a_neutral_colour_change_changes_nothing() -> None:
    clip = np.random.default_rng(1).integers(0, 256, (2, 8, 9, 3), dtype=np.uint8)
    np.testing.assert_array_equal(ColourChange(0.0, 1.0, 1.0, 1.0).apply(clip), clip)


def test_frames_smaller_than_the_crop_are_refused() -> None:
    with pytest.raises(DatasetError, match="smaller than the crop"):
        ClipAugmentation(ALWAYS, 0).parameters(0, "k", (16, 64), WINDOW.at(4, 20))


@pytest.mark.parametrize("change", [{"pan": 1.5}, {"colour": -0.1}, {"gamma": -1.0}, {"crop": (0, 4)}])
def test_impossible_settings_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        replace(ALWAYS, **change)
