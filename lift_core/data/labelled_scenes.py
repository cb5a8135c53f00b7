"""LabelledScenes: small generated pictures of three kinds of pattern, to try out sampling and augmentation on."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from lift_core.errors import ConfigError

KINDS = ("rising", "falling", "checks")
"""Names of the classes: stripes that rise to the right, stripes that fall to the right, and a board of checks."""

_ANGLES = {"rising": 45.0, "falling": -45.0, "checks": 0.0}
_WAVELENGTHS = (4.0, 7.0)
_DRIFT = 0.5
_SHARPNESS = 2.0


@dataclass(frozen=True)
class ScenesConfig:
    """How many scenes there are, and what they look like; equal configurations give equal numbers.

    Attributes:
        scenes: number of scenes of each kind, in the order of ``KINDS``.
        clips: neighbouring clips of each scene: its colours and its pattern, drifted a little, under new noise. A
            clip stands here for its middle frame.
        side: height and width in pixels.
        noise: standard deviation of the noise on each number.
        jitter: largest turn of a scene's pattern away from its kind's direction, in degrees.
        seed: everything that is drawn by chance follows from it.

    Raises:
        ConfigError: no scene, another number of kinds, or a number out of range.
    """

    scenes: tuple[int, int, int] = (60, 60, 60)
    clips: int = 1
    side: int = 16
    noise: float = 0.3
    jitter: float = 20.0
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self.scenes) != len(KINDS) or min(self.scenes) < 0 or sum(self.scenes) == 0:
            raise ConfigError(f"scenes of {self.scenes}", fix=f"Give {len(KINDS)} numbers, not all 0.")
        if self.clips < 1 or self.side < 8 or self.seed < 0:
            raise ConfigError(
                f"{self.clips} clips a scene, side {self.side}, seed {self.seed}", fix="At least 1, 8 and 0."
            )
        if self.noise < 0 or self.jitter < 0:
            raise ConfigError(f"noise {self.noise} and jitter {self.jitter}", fix="Choose 0 or more.")


class LabelledScenes(Dataset[tuple[Tensor, int]]):
    """Pictures float32 ``[3, side, side]`` about [0, 1] (noise goes beyond) with the number of their kind.

    Args:
        config: what there is.

    Attributes:
        pictures: float32 ``[N, 3, side, side]``, scene after scene.
        labels: int64 ``[N]``, places in ``KINDS``.
        groups: the name of each picture's scene, ``"rising/007"``.
    """

    def __init__(self, config: ScenesConfig) -> None:
        self.config = config
        draw = np.random.default_rng(config.seed)
        pictures: list[NDArray[np.float64]] = []
        labels: list[int] = []
        self.groups: list[str] = []
        for label, (kind, count) in enumerate(zip(KINDS, config.scenes, strict=True)):
            for number in range(count):
                pictures += _draw_scene(draw, kind, config)
                labels += [label] * config.clips
                self.groups += [f"{kind}/{number:03d}"] * config.clips
        self.pictures = torch.from_numpy(np.stack(pictures)).float()
        self.labels = torch.tensor(labels)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.pictures[index], int(self.labels[index])


def _draw_scene(draw: np.random.Generator, kind: str, config: ScenesConfig) -> list[NDArray[np.float64]]:
    """The clips of one scene, ``[3, side, side]`` each."""
    angle = np.deg2rad(_ANGLES[kind] + draw.uniform(-config.jitter, config.jitter))
    wavelength = draw.uniform(*_WAVELENGTHS)
    light, dark = _draw_colours(draw)
    phase, drift = draw.uniform(0, 2 * np.pi, 2), draw.uniform(-_DRIFT, _DRIFT, 2)
    y, x = np.mgrid[: config.side, : config.side] - (config.side - 1) / 2
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    clips = []
    for number in range(config.clips):
        first, second = phase + drift * number
        wave = np.sin(2 * np.pi * along / wavelength + first)
        if kind == "checks":
            # The factor makes a board about as contrasty as stripes.
            wave = 1.4 * wave * np.sin(2 * np.pi * across / wavelength + second)
        share = (np.tanh(_SHARPNESS * wave) + 1) / 2
        clean = light[:, None, None] * share + dark[:, None, None] * (1 - share)
        clips.append(clean + draw.normal(0, config.noise, clean.shape))
    return clips


def _draw_colours(draw: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A light and a dark colour of neighbouring hues, RGB."""
    hue = draw.uniform()
    other = (hue + draw.uniform(0.1, 0.3)) % 1.0
    return np.array(colorsys.hsv_to_rgb(hue, 0.8, 0.9)), np.array(colorsys.hsv_to_rgb(other, 0.6, 0.35))
