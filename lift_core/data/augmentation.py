"""Augmentation of a clip: parameters drawn once per clip, applied to all its frames while they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from lift_core.data.source import Crop, FrameSource
from lift_core.data.window import WindowFrames
from lift_core.errors import ConfigError, DatasetError

LUMA = (0.299, 0.587, 0.114)
_PROBABILITIES = ("horizontal_flip", "vertical_flip", "rotation", "reversal", "channel_order", "pan", "colour")


@dataclass(frozen=True)
class AugmentationConfig:
    """What may happen to a training clip; the defaults suit frame interpolation.

    Attributes:
        crop: height and width of the result in pixels; None keeps whole frames.
        position: "random" draws the crop's place, "centre" fixes it.
        horizontal_flip, vertical_flip, rotation, reversal, channel_order, pan, colour: probability of each in [0, 1].
            ``rotation`` turns by 90 degrees (with the flips, all eight orientations occur) where the turned crop
            fits the frames. ``reversal`` plays the clip backwards. ``channel_order`` permutes R, G and B. ``pan``
            moves the crop in a straight line, where the frames leave it room.
        pan_speed: largest speed of the moving crop, whole pixels per source frame and axis.
        brightness: largest shift, as a fraction of the full range.
        contrast, saturation: largest change of the factor, which is drawn from ``1 - x`` to ``1 + x``.
        gamma: largest change of the exponent, drawn from ``1 / (1 + x)`` to ``1 + x``.

    Raises:
        ConfigError: a probability outside [0, 1], a negative strength, or a crop without area.
    """

    crop: tuple[int, int] | None = None
    position: Literal["random", "centre"] = "random"
    horizontal_flip: float = 0.5
    vertical_flip: float = 0.5
    rotation: float = 0.5
    reversal: float = 0.5
    channel_order: float = 0.5
    pan: float = 0.25
    colour: float = 0.25
    pan_speed: int = 2
    brightness: float = 0.1
    contrast: float = 0.2
    saturation: float = 0.2
    gamma: float = 0.2

    def __post_init__(self) -> None:
        for name in _PROBABILITIES:
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is a probability, not {getattr(self, name)}", fix="Choose 0 to 1.")
        for name in ("pan_speed", "brightness", "contrast", "saturation", "gamma"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} must not be negative, but is {getattr(self, name)}", fix="Choose 0 or more.")
        if self.crop is not None and min(self.crop) < 1:
            raise ConfigError(f"a crop of {self.crop} pixels has no area", fix="Choose at least 1x1, or None.")

    @classmethod
    def deterministic(cls, crop: tuple[int, int] | None = None) -> AugmentationConfig:
        """The centre crop (or whole frames) and nothing else: what validation sees."""
        return cls(
            crop=crop,
            position="centre",
            horizontal_flip=0.0,
            vertical_flip=0.0,
            rotation=0.0,
            reversal=0.0,
            channel_order=0.0,
            pan=0.0,
            colour=0.0,
        )


@dataclass(frozen=True)
class ClipParameters:
    """The choices made for one clip; equal parameters make equal pictures.

    Attributes:
        crop: the crop at the first reference, in the source's pixels, before any turn.
        velocity: rows and columns that the crop moves per source frame.
        colour: change of colour, or None; it comes first.
        horizontal_flip, vertical_flip, rotation: flips, then a quarter turn counter-clockwise.
        channels: order in which R, G and B are taken.
        reversal: whether the frames are played backwards.
    """

    crop: Crop
    velocity: tuple[int, int] = (0, 0)
    horizontal_flip: bool = False
    vertical_flip: bool = False
    rotation: bool = False
    reversal: bool = False
    channels: tuple[int, int, int] = (0, 1, 2)
    colour: ColourChange | None = None


@dataclass(frozen=True)
class ColourChange:
    """A change of colour: saturation first, then contrast around mid-grey, brightness and gamma.

    Attributes:
        brightness: shift as a fraction of the full range. contrast, saturation: factors. gamma: exponent.
    """

    brightness: float
    contrast: float
    saturation: float
    gamma: float

    def apply(self, clip: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Change ``clip`` uint8 ``[T, H, W, 3]``: one 3x3 matrix and one table of 256 values for all frames."""
        identity = np.eye(3)
        grey = np.tile(np.array(LUMA), (3, 1))
        matrix = (grey + self.saturation * (identity - grey)).astype(np.float32)
        table = self._table()
        changed = [cv2.LUT(cv2.transform(frame, matrix), table) for frame in clip]
        return np.stack(changed).astype(np.uint8, copy=False)

    def _table(self) -> NDArray[np.uint8]:
        value = np.arange(256) / 255
        value = np.clip((value - 0.5) * self.contrast + 0.5 + self.brightness, 0, 1) ** self.gamma
        return np.rint(value * 255).astype(np.uint8)


class ClipAugmentation:
    """Draws a clip's parameters from (seed, epoch, key) alone, whatever process or order asks.

    Args:
        config: what may happen.
        seed: of the whole training.
    """

    def __init__(self, config: AugmentationConfig, seed: int = 0) -> None:
        self.config = config
        self.seed = seed

    def parameters(self, epoch: int, key: str, size: tuple[int, int], window: WindowFrames) -> ClipParameters:
        """Draw the parameters of the clip ``key`` in ``epoch``.

        Args:
            epoch: epoch, or number of a pre-generated variant.
            key: stable text id of the sample.
            size: height and width of the source's frames in pixels.
            window: the frames to be read; they set how far the crop may move.

        Raises:
            DatasetError: frames smaller than the crop.
        """
        config, draw = self.config, generator(self.seed, epoch, key, "augmentation")
        # All chances are drawn whatever the config, so that switching one off leaves the others as they were.
        chance = dict(zip(_PROBABILITIES, draw.random(len(_PROBABILITIES)), strict=True))
        happens = {name: bool(chance[name] < getattr(config, name)) for name in _PROBABILITIES}
        place, speed, strength = draw.random(2), draw.random(2), draw.uniform(-1, 1, 4)
        channels = draw.permutation(3)
        rotation = happens["rotation"] and _fits_turned(config.crop, size)
        height, width = _read_size(config.crop, size, rotation)
        top, step_y = self._axis(size[0] - height, place[0], speed[0] if happens["pan"] else None, window)
        left, step_x = self._axis(size[1] - width, place[1], speed[1] if happens["pan"] else None, window)
        return ClipParameters(
            crop=Crop(top, left, height, width),
            velocity=(step_y, step_x),
            horizontal_flip=happens["horizontal_flip"],
            vertical_flip=happens["vertical_flip"],
            rotation=rotation,
            reversal=happens["reversal"],
            channels=_order(channels) if happens["channel_order"] else (0, 1, 2),
            colour=self._colour(strength) if happens["colour"] else None,
        )

    def _axis(self, room: int, place: float, speed: float | None, window: WindowFrames) -> tuple[int, int]:
        """Start and velocity along one axis, such that the crop stays inside the frame in the whole window."""
        if self.config.position == "centre":
            return room // 2, 0
        first, last = _frame_range(window)
        reach = max(last - first, 1)
        fastest = min(self.config.pan_speed, room // reach) if speed is not None else 0
        velocity = int(np.floor((speed or 0.0) * (2 * fastest + 1))) - fastest
        travel = sorted((velocity * first, velocity * last))
        low, high = -travel[0], room - travel[1]
        return low + int(place * (high - low + 1)), velocity

    def _colour(self, strength: NDArray[np.float64]) -> ColourChange:
        config = self.config
        return ColourChange(
            brightness=float(config.brightness * strength[0]),
            contrast=float(1 + config.contrast * strength[1]),
            saturation=float(1 + config.saturation * strength[2]),
            gamma=float((1 + config.gamma) ** strength[3]),
        )


def generator(seed: int, epoch: int, key: str, purpose: str) -> np.random.Generator:
    """A random generator that depends on its arguments alone; ``purpose`` keeps different uses independent."""
    text = f"{seed}\0{epoch}\0{key}\0{purpose}".encode("utf-8", "surrogateescape")
    digest = hashlib.blake2b(text, digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))


def whole_frames(size: tuple[int, int]) -> ClipParameters:
    """The parameters that change nothing, for frames of ``size`` (height, width)."""
    return ClipParameters(Crop(0, 0, *size))


@dataclass(frozen=True)
class ReadClip:
    """A window's frames, read and augmented, before they are turned and laid down plane by plane.

    Attributes:
        frames: uint8 RGB ``[N, H, W, 3]``, every source frame once.
        order: which of them are the context, in temporal order, and then the target, where there is one.
        parameters: they still hold flips, quarter turn and channel order.
        window: as it now is: reversed where the clip was. ``indices``, ``references`` and ``target`` keep naming
            source frames.
    """

    frames: NDArray[np.uint8]
    order: tuple[int, ...]
    parameters: ClipParameters
    window: WindowFrames

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the pictures that ``write`` lays down."""
        height, width = self.frames.shape[1:3]
        return (width, height) if self.parameters.rotation else (height, width)

    def write(self, pictures: Iterable[NDArray[np.uint8]]) -> None:
        """Fill ``pictures``, one contiguous ``[3, H', W']`` for each of ``order``."""
        channels = self.parameters.channels
        for picture, index in zip(pictures, self.order, strict=True):
            planes = [picture[channels.index(channel)] for channel in range(3)]
            cv2.split(_orient(self.frames[index], self.parameters), planes)


def load_clip(source: FrameSource, window: WindowFrames, parameters: ClipParameters) -> ReadClip:
    """Read a window's frames and augment them; every source frame is read once, in one call, target included."""
    wanted = [*window.indices, *(() if window.target is None else (window.target,))]
    unique = sorted(set(wanted))
    crops = _moving_crops(parameters, unique, window, source)
    union = _union(crops)
    read = source.frames(unique, crop=union)
    if parameters.velocity != (0, 0):
        read = np.stack([_relative(crop, union).apply(frame) for crop, frame in zip(crops, read, strict=True)])
    if parameters.colour is not None:
        read = parameters.colour.apply(read)
    if parameters.reversal:
        window = reverse(window)
        wanted[: len(window.indices)] = window.indices
    place = {index: position for position, index in enumerate(unique)}
    return ReadClip(read, tuple(place[i] for i in wanted), parameters, window)


def read_clip(
    source: FrameSource, window: WindowFrames, parameters: ClipParameters
) -> tuple[NDArray[np.uint8], WindowFrames]:
    """Read a window's frames and augment them, into memory of their own.

    Returns:
        uint8 RGB ``[T + 1, 3, H, W]``, contiguous: the context in temporal order, then the target
        (``[T, 3, H, W]`` where the window hides none); and the window as it now is, see ReadClip.
    """
    clip = load_clip(source, window, parameters)
    pictures = np.empty((len(clip.order), 3, *clip.size), dtype=np.uint8)
    clip.write(pictures)
    return pictures, clip.window


def reverse(window: WindowFrames) -> WindowFrames:
    """The same frames played backwards: t becomes 1 - t, times are negated and run the other way."""
    return WindowFrames(
        indices=window.indices[::-1],
        valid=window.valid[::-1],
        times=tuple(-t for t in reversed(window.times)),
        references=(window.references[1], window.references[0]),
        target=window.target,
        timestep=None if window.timestep is None else 1 - window.timestep,
    )


def _read_size(crop: tuple[int, int] | None, size: tuple[int, int], rotation: bool) -> tuple[int, int]:
    if crop is None:
        return size
    height, width = crop[::-1] if rotation else crop
    if height > size[0] or width > size[1]:
        raise DatasetError(
            f"frames of {size[0]}x{size[1]} are smaller than the crop of {height}x{width}",
            fix="Choose a smaller crop, or larger frames.",
        )
    return height, width


def _fits_turned(crop: tuple[int, int] | None, size: tuple[int, int]) -> bool:
    if crop is None:
        return size[0] == size[1]
    return crop[1] <= size[0] and crop[0] <= size[1]


def _order(channels: NDArray[np.int64]) -> tuple[int, int, int]:
    return int(channels[0]), int(channels[1]), int(channels[2])


def _frame_range(window: WindowFrames) -> tuple[int, int]:
    """First and last frame of the window, counted from its first reference."""
    return min(window.indices) - window.references[0], max(window.indices) - window.references[0]


def _moving_crops(
    parameters: ClipParameters, indices: list[int], window: WindowFrames, source: FrameSource
) -> list[Crop]:
    """The crop of each frame: it moves with the frame's time, so that what moved straight still does."""
    crop, (step_y, step_x) = parameters.crop, parameters.velocity
    if (step_y, step_x) == (0, 0):
        return [crop] * len(indices)
    gap = window.references[1] - window.references[0]
    time = dict(zip(window.indices, window.times, strict=True))
    if window.target is not None and window.timestep is not None:
        time[window.target] = window.timestep - 0.5
    height, width = source.size
    crops = []
    for index in indices:
        elapsed = gap * (time[index] + 0.5)
        top = min(max(crop.top + round(step_y * elapsed), 0), height - crop.height)
        left = min(max(crop.left + round(step_x * elapsed), 0), width - crop.width)
        crops.append(Crop(top, left, crop.height, crop.width))
    return crops


def _union(crops: list[Crop]) -> Crop:
    top, left = min(c.top for c in crops), min(c.left for c in crops)
    bottom, right = max(c.top + c.height for c in crops), max(c.left + c.width for c in crops)
    return Crop(top, left, bottom - top, right - left)


def _relative(crop: Crop, outer: Crop) -> Crop:
    return Crop(crop.top - outer.top, crop.left - outer.left, crop.height, crop.width)


def _orient(frame: NDArray[np.uint8], parameters: ClipParameters) -> NDArray[np.uint8]:
    """Flips and quarter turn of one frame ``[H, W, 3]``."""
    image: cv2.typing.MatLike = frame
    flip = (parameters.vertical_flip, parameters.horizontal_flip)
    if any(flip):
        image = cv2.flip(image, {(True, False): 0, (False, True): 1, (True, True): -1}[flip])
    if parameters.rotation:
        image = cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE)
    return np.ascontiguousarray(image, dtype=np.uint8)
