"""Tests of motion magnitude on pictures whose motion is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lift_core.inference.motion_magnitude import magnitude_class, magnitude_in_words, motion_px


def texture(height: int = 192, width: int = 320) -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), 5.0).astype(np.float64)
    return np.clip((smooth - smooth.mean()) * 10 + 128, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("shift", "magnitude"), [(1, "small"), (8, "medium"), (24, "large")])
def test_a_pan_has_the_magnitude_of_its_shift(shift, magnitude):
    wide = texture()
    pixels = motion_px(wide[:, 30:310].copy(), wide[:, 30 - shift : 310 - shift].copy())
    assert pixels == pytest.approx(shift, abs=0.15 * shift + 0.2)
    assert magnitude_class(pixels) == magnitude


def test_a_tenth_of_the_picture_that_moves_is_seen():
    first = texture()
    second = first.copy()
    patch = first[110:180, 10:100].copy()
    first[20:90, 100:190], second[20:90, 108:198] = patch, patch
    assert motion_px(first, second) > 4


def test_what_stands_still_has_none():
    assert motion_px(texture(), texture()) < 0.1


@pytest.mark.parametrize(
    ("pixels", "magnitude"), [(0, "small"), (3.99, "small"), (4, "medium"), (15.99, "medium"), (16, "large")]
)
def test_bounds_belong_to_the_larger_magnitude(pixels, magnitude):
    assert magnitude_class(pixels) == magnitude


def test_words_name_the_bounds():
    assert [magnitude_in_words(magnitude) for magnitude in ("small", "medium", "large")] == [
        "small (< 4 px)",
        "medium (4 to 16 px)",
        "large (≥ 16 px)",
    ]
