"""Seamless, band-limited colour textures for procedural clips: noise, stripes, checks and blobs."""

from __future__ import annotations

import colorsys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

TEXELS_PER_PIXEL = 2
"""Textures are stored finer than they are shown, so that sampling between texels is close to exact."""

Field = NDArray[np.float64]


def make_texture(rng: np.random.Generator, side: int) -> NDArray[np.float32]:
    """Draw a texture that continues seamlessly across its borders.

    Args:
        rng: the only source of chance.
        side: height and width in texels.

    Returns:
        float32 ``[side, side, 3]`` RGB in 0..255, without detail finer than about three pixels of the picture.
    """
    pattern = _PATTERNS[rng.integers(len(_PATTERNS))](rng, side)
    tone = 0.8 * pattern + 0.2 * _noise(rng, side, shortest=10.0, longest=60.0)
    colours = _palette(rng)
    stops = np.linspace(0.0, 1.0, len(colours))
    rgb = np.stack([np.interp(tone, stops, colours[:, channel]) for channel in range(3)], axis=-1)
    # Fine detail everywhere: a surface without any has no motion that could be seen.
    grain = _noise(rng, side, shortest=5.0, longest=12.0) - 0.5
    rgb *= 1.0 + 0.35 * grain[..., None]
    return np.clip(255.0 * _low_pass(rgb), 0.0, 255.0).astype(np.float32)


def _frequencies(side: int) -> tuple[Field, Field]:
    """Cycles per texel of every coefficient of a real transform."""
    rows, columns = np.arange(side), np.arange(side // 2 + 1)
    return (np.minimum(rows, side - rows) / side)[:, None], (columns / side)[None, :]


def _low_pass(rgb: Field, sigma_pixels: float = 0.6) -> Field:
    sigma = sigma_pixels * TEXELS_PER_PIXEL
    fy, fx = _frequencies(rgb.shape[0])
    gain = np.exp(-2 * (np.pi * sigma) ** 2 * (fx**2 + fy**2))
    spectrum = np.fft.rfft2(rgb, axes=(0, 1)) * gain[..., None]
    return np.fft.irfft2(spectrum, s=rgb.shape[:2], axes=(0, 1))


def _noise(rng: np.random.Generator, side: int, shortest: float, longest: float) -> Field:
    """Isotropic noise in 0..1 with wavelengths between two limits in picture pixels."""
    fy, fx = _frequencies(side)
    frequency = np.hypot(fx, fy) * TEXELS_PER_PIXEL
    band = (frequency >= 1 / longest) & (frequency <= 1 / shortest)
    spectrum = np.fft.rfft2(rng.standard_normal((side, side)))
    spectrum = np.where(band, spectrum / np.maximum(frequency, 1e-9), 0.0)
    values = np.fft.irfft2(spectrum, s=(side, side))
    return np.asarray(0.5 + 0.5 * np.tanh(values / (values.std() + 1e-12)))


def _grid(side: int) -> tuple[Field, Field]:
    """Angles 0..2 pi across the tile in y and x."""
    angle = 2 * np.pi * np.arange(side) / side
    return angle[:, None], angle[None, :]


def _cycles(rng: np.random.Generator, side: int, shortest: float, longest: float) -> int:
    """A whole number of waves across the tile, each between two lengths in picture pixels."""
    pixels = side / TEXELS_PER_PIXEL
    return max(1, round(pixels / rng.uniform(shortest, longest)))


def _marble(rng: np.random.Generator, side: int) -> Field:
    coarse = _noise(rng, side, shortest=rng.uniform(12.0, 24.0), longest=120.0)
    return 0.5 + 0.5 * np.sin(rng.uniform(4.0, 12.0) * coarse)


def _clouds(rng: np.random.Generator, side: int) -> Field:
    """The spectrum of natural pictures: all wavelengths, amplitude falling with frequency."""
    return _noise(rng, side, shortest=5.0, longest=250.0)


def _stripes(rng: np.random.Generator, side: int) -> Field:
    y, x = _grid(side)
    cycles, tilt = _cycles(rng, side, 14.0, 40.0), int(rng.integers(-4, 5))
    bend = rng.uniform(0.0, 3.0) * _noise(rng, side, shortest=60.0, longest=200.0)
    wave = np.sin(cycles * x + tilt * y + bend)
    return np.asarray(0.5 + 0.5 * np.tanh(2.5 * wave))


def _checks(rng: np.random.Generator, side: int) -> Field:
    y, x = _grid(side)
    cycles = _cycles(rng, side, 24.0, 56.0)
    return np.asarray(0.5 + 0.5 * np.tanh(6.0 * np.sin(cycles * x) * np.sin(cycles * y)))


def _blobs(rng: np.random.Generator, side: int) -> Field:
    """Round spots at chance places, of three sizes."""
    fy, fx = _frequencies(side)
    total = np.zeros((side, side))
    for sigma_pixels in rng.uniform(4.0, 12.0, size=3):
        sigma = sigma_pixels * TEXELS_PER_PIXEL
        impulses = np.zeros((side, side))
        count = max(4, round(side * side / (60.0 * sigma**2)))
        impulses[rng.integers(side, size=count), rng.integers(side, size=count)] = 2 * np.pi * sigma**2
        spectrum = np.fft.rfft2(impulses) * np.exp(-2 * (np.pi * sigma) ** 2 * (fx**2 + fy**2))
        total = np.maximum(total, np.fft.irfft2(spectrum, s=(side, side)))
    return np.asarray(0.5 + 0.5 * np.tanh(8.0 * (total - 0.5)))


_PATTERNS: tuple[Callable[[np.random.Generator, int], Field], ...] = (_clouds, _marble, _stripes, _checks, _blobs)


def _palette(rng: np.random.Generator, colours: int = 4) -> Field:
    """Neighbouring hues from dark to light, RGB in 0..1, ``[colours, 3]``."""
    hue, spread = rng.uniform(), rng.uniform(-0.25, 0.25)
    saturation = rng.uniform(0.25, 0.75)
    values = np.linspace(rng.uniform(0.12, 0.35), rng.uniform(0.7, 0.95), colours)
    steps = np.linspace(0.0, 1.0, colours)
    return np.array(
        [
            colorsys.hsv_to_rgb((hue + spread * step) % 1.0, saturation * (1.1 - 0.6 * step), value)
            for step, value in zip(steps, values, strict=True)
        ]
    )
