"""Textures in uniform motion: the velocity that is told is the one that is seen."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lift_core.data.moving_textures import moving_texture
from lift_core.errors import ConfigError


@pytest.mark.parametrize("seed", range(4))
def test_moving_a_frame_by_the_velocity_gives_the_next_one(seed: int) -> None:
    clip = moving_texture(np.random.default_rng(seed), 3, 64, 80)
    x, y = clip.velocity
    moved = cv2.warpAffine(
        clip.frames[0].astype(np.float32), np.array([[1, 0, x], [0, 1, y]]), (80, 64), flags=cv2.INTER_CUBIC
    )
    inner = (slice(9, -9), slice(9, -9))
    error = np.abs(moved - clip.frames[1])[inner].mean()
    assert error < 1.5
    assert error < 0.2 * np.abs(clip.frames[0].astype(float) - clip.frames[1])[inner].mean()


def test_whole_pixels_move_bit_for_bit() -> None:
    clip = moving_texture(np.random.default_rng(0), 9, 32, 32, speeds=(0.0, 0.0))
    assert np.array_equal(clip.frames[0], clip.frames[8])


def test_speeds_lie_between_the_bounds_and_the_seed_decides() -> None:
    speeds = [np.hypot(*moving_texture(np.random.default_rng(seed), 1, 8, 8).velocity) for seed in range(20)]
    assert 2 <= min(speeds) < 3
    assert 5 < max(speeds) <= 6
    again = moving_texture(np.random.default_rng(7), 2, 16, 24)
    assert np.array_equal(again.frames, moving_texture(np.random.default_rng(7), 2, 16, 24).frames)
    assert again.frames.shape == (2, 16, 24, 3)
    assert again.frames.dtype == np.uint8


@pytest.mark.parametrize(("frames", "speeds"), [(0, (1.0, 2.0)), (2, (3.0, 2.0)), (2, (-1.0, 2.0))])
def test_impossible_clips_are_refused(frames: int, speeds: tuple[float, float]) -> None:
    with pytest.raises(ConfigError):
        moving_texture(np.random.default_rng(0), frames, 8, 8, speeds)
