"""Generated textures in uniform motion, exact to a fraction of a pixel: clips whose true flow is one vector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lift_core.data.textures import TEXELS_PER_PIXEL, make_texture
from lift_core.errors import ConfigError


@dataclass(frozen=True)
class MovingTexture:
    """A texture that moves at one velocity.

    Attributes:
        frames: uint8 ``[T, H, W, 3]``, RGB.
        velocity: pixels per frame, (x, y), x to the right and y downwards. A point at p in frame i is at
            p + velocity in frame i + 1, wherever both lie in the picture.
    """

    frames: NDArray[np.uint8]
    velocity: tuple[float, float]


def moving_texture(
    rng: np.random.Generator, frames: int, height: int, width: int, speeds: tuple[float, float] = (2.0, 6.0)
) -> MovingTexture:
    """Draw a texture and a velocity, and show it in ``frames`` frames of ``height`` x ``width`` pixels.

    Shifts by fractions of a pixel are exact: the texture has no detail finer than its grid, and is moved by turning
    the phases of its Fourier transform. It repeats beyond twice the picture's longer side.

    Args:
        rng: the only source of chance.
        frames, height, width: at least 1.
        speeds: lowest and highest speed in pixels per frame; direction and speed are uniformly distributed.

    Raises:
        ConfigError: a size below 1, or speeds out of order.
    """
    if min(frames, height, width) < 1 or not 0 <= speeds[0] <= speeds[1]:
        raise ConfigError(
            f"no texture of {frames} frames of {height}x{width} moves at {speeds[0]:g} to {speeds[1]:g} pixels a frame",
            fix="Give sizes of at least 1 and speeds in ascending order.",
        )
    side = 2 * TEXELS_PER_PIXEL * max(height, width)
    spectrum = np.fft.rfft2(make_texture(rng, side), axes=(0, 1))
    speed, angle = rng.uniform(*speeds), rng.uniform(0.0, 2.0 * np.pi)
    velocity = (float(speed * np.cos(angle)), float(speed * np.sin(angle)))
    shown = [_shifted(spectrum, side, i * velocity[0], i * velocity[1])[:height, :width] for i in range(frames)]
    return MovingTexture(np.stack(shown), velocity)


def _shifted(spectrum: NDArray[np.complex128], side: int, x: float, y: float) -> NDArray[np.uint8]:
    """The texture moved by (x, y) pixels, at one sample per pixel."""
    rows = np.exp(-2j * np.pi * np.fft.fftfreq(side) * y * TEXELS_PER_PIXEL)
    columns = np.exp(-2j * np.pi * np.fft.rfftfreq(side) * x * TEXELS_PER_PIXEL)
    moved = np.fft.irfft2(spectrum * rows[:, None, None] * columns[None, :, None], s=(side, side), axes=(0, 1))
    pixels = moved[::TEXELS_PER_PIXEL, ::TEXELS_PER_PIXEL]
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
