"""Procedural clips with known motion: textured layers that move, turn, zoom and occlude each other, with true flow."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from lift_core.data.motion import Motion, Oscillation
from lift_core.data.shapes import OUTLINES, Shape
from lift_core.data.source import Crop, FrameSource, empty_frames, scaled
from lift_core.data.textures import TEXELS_PER_PIXEL, make_texture
from lift_core.errors import ConfigError, FrameReadError

_CAMERA_ZOOM = 0.08
_LAYER_ZOOM = 0.25
_RIM_PIXELS = 6.0
_RIM_SHADE = 0.35
_TEXTURE_SIDES = (256, 1024)
# What JPEG takes, and far more than fits into memory where both sides have it.
_LARGEST_SIDE = 65_500


@dataclass(frozen=True)
class ClipConfig:
    """What a procedural clip looks like; equal configurations give equal bytes.

    Attributes:
        frames: length of the clip.
        height, width: picture size in pixels, 16 to 65500.
        seed: everything that is drawn by chance follows from it.
        layers: moving layers in front of the moving background.
        max_speed: no point of the picture moves faster, in pixels per frame.
        shake: share of ``max_speed``, 0 to 0.5, that the camera may use for shaking, rolling and zooming.
        cuts: scene cuts; each of the ``cuts + 1`` shots has its own layers, textures and motion.
        fps: frames per second, for timestamps only.
    """

    frames: int = 64
    height: int = 256
    width: int = 256
    seed: int = 0
    layers: int = 5
    max_speed: float = 16.0
    shake: float = 0.2
    cuts: int = 0
    fps: float = 30.0

    def __post_init__(self) -> None:
        _require(self.frames >= 1, f"a clip of {self.frames} frames")
        sides = f"frames of {self.height}x{self.width} (16 to {_LARGEST_SIDE} pixels a side)"
        _require(min(self.height, self.width) >= 16 and max(self.height, self.width) <= _LARGEST_SIDE, sides)
        _require(self.seed >= 0, f"seed {self.seed} (not negative)")
        _require(self.layers >= 0, f"{self.layers} layers")
        _require(self.max_speed >= 0 and math.isfinite(self.max_speed), f"max_speed {self.max_speed}")
        _require(0 <= self.shake <= 0.5, f"shake {self.shake} (0 to 0.5)")
        _require(0 <= self.cuts < self.frames, f"{self.cuts} cuts in {self.frames} frames")
        _require(self.fps > 0, f"{self.fps} frames per second")


def _require(possible: bool, what: str) -> None:
    if not possible:
        raise ConfigError(f"a procedural clip cannot have {what}", fix="Choose another value in ClipConfig.")


class ProceduralClip(FrameSource):
    """A clip that is computed, not stored: any frame, at any real time, with its true motion.

    Args:
        config: what the clip looks like.

    The surfaces keep their colours while they move, so warping by the true flow reproduces the picture wherever the
    same surface point is seen at both times.
    """

    def __init__(self, config: ClipConfig) -> None:
        self.config = config
        self._shots: dict[int, _Shot] = {}

    def __getstate__(self) -> dict[str, object]:
        # Textures are megabytes and follow from the configuration.
        return {"config": self.config, "_shots": {}}

    @property
    def name(self) -> str:
        return f"procedural/{self.config.seed:05d}"

    def __len__(self) -> int:
        return self.config.frames

    @property
    def size(self) -> tuple[int, int]:
        return self.config.height, self.config.width

    @property
    def timestamps(self) -> NDArray[np.float64]:
        return np.arange(self.config.frames) / self.config.fps

    @property
    def fingerprint(self) -> str:
        return repr(self.config)

    @cached_property
    def cut_frames(self) -> tuple[int, ...]:
        """Sorted numbers of the frames at which a new shot begins."""
        rng = np.random.default_rng([self.config.seed, 0])
        shots = self.config.cuts + 1
        shot_length = self.config.frames / shots
        jitter = rng.uniform(-0.25, 0.25, size=self.config.cuts) * max(shot_length - 2, 0.0)
        return tuple(round((number + 1) * shot_length + jitter[number]) for number in range(self.config.cuts))

    def frame(self, index: float) -> NDArray[np.uint8]:
        """Render the picture at a real time counted in frames: RGB uint8 ``[H, W, 3]``."""
        canvas = self._shot_at(index).render(index)
        return np.rint(np.clip(canvas, 0.0, 255.0)).astype(np.uint8)

    def frames(
        self, indices: Sequence[int], *, crop: Crop | None = None, size: tuple[int, int] | None = None
    ) -> NDArray[np.uint8]:
        region = crop or Crop(0, 0, *self.size)
        out = empty_frames(len(indices), self.size, crop, size)
        for slot, index in enumerate(indices):
            if not 0 <= index < len(self):
                raise FrameReadError(f"frame {index} of a clip of {len(self)} frames", where=self.name)
            out[slot] = scaled(region.apply(self.frame(index)), size)
        return out

    def flow(self, start: float, end: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """The true motion of every pixel between two real times counted in frames.

        Returns:
            flow: float32 ``[H, W, 2]``: the point seen at ``(x, y)`` at ``start`` is at ``(x + dx, y + dy)`` at
                ``end``. Known for hidden points too; zero when a cut lies between the times.
            visible: bool ``[H, W]``: the point is seen at both times, inside the picture, and its pixel at ``start``
                belongs to one layer alone. All False when a cut lies between.
        """
        if self._shot_number(start) != self._shot_number(end):
            return np.zeros((*self.size, 2), np.float32), np.zeros(self.size, np.bool_)
        return self._shot_at(start).flow(start, end)

    def _shot_number(self, time: float) -> int:
        return bisect.bisect_right(self.cut_frames, time)

    def _shot_at(self, time: float) -> _Shot:
        number = self._shot_number(time)
        if number not in self._shots:
            self._shots = {number: _Shot.draw(self.config, number)}
        return self._shots[number]


@dataclass(frozen=True)
class _Layer:
    """A textured surface and its motion; without a shape it fills the picture."""

    motion: Motion
    texture: NDArray[np.float32]
    shape: Shape | None = None

    def distance(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.shape is None:
            return np.full(np.broadcast_shapes(x.shape, y.shape), -np.inf)
        return self.shape.distance(x, y)

    def colours(self, inverse: NDArray[np.float64], height: int, width: int) -> NDArray[np.float32]:
        """Texture sampled at ``inverse`` (picture pixel to layer coordinates) for a box: float32 ``[h, w, 3]``."""
        matrix = inverse[:2] * TEXELS_PER_PIXEL
        # The tile repeats, and OpenCV keeps coordinates in 16 bits: stay near the origin.
        matrix[:, 2] %= self.texture.shape[0]
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        sampled = cv2.warpAffine(self.texture, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_WRAP)
        return np.asarray(sampled, np.float32)


@dataclass(frozen=True)
class _Shot:
    """The layers between two cuts, back to front, seen by one camera."""

    height: int
    width: int
    camera: Motion
    layers: tuple[_Layer, ...]

    @classmethod
    def draw(cls, config: ClipConfig, number: int) -> _Shot:
        rng = np.random.default_rng([config.seed, 1 + number])
        camera = _draw_camera(rng, config)
        background = _Layer(_draw_background_motion(rng, config), _draw_texture(rng, max(config.height, config.width)))
        front = [_draw_layer(rng, config) for _ in range(config.layers)]
        return cls(config.height, config.width, camera, (background, *front))

    def matrix(self, layer: _Layer, time: float) -> NDArray[np.float64]:
        """Layer coordinates to pixel coordinates, ``[3, 3]``."""
        to_pixels = np.array([[1.0, 0.0, (self.width - 1) / 2], [0.0, 1.0, (self.height - 1) / 2], [0.0, 0.0, 1.0]])
        return np.asarray(to_pixels @ self.camera.matrix(time) @ layer.motion.matrix(time))

    def scale(self, layer: _Layer, time: float) -> float:
        return self.camera.scale(time) * layer.motion.scale(time)

    def render(self, time: float) -> NDArray[np.float32]:
        """The picture at ``time``: float32 ``[H, W, 3]``, about 0..255."""
        background = self.layers[0]
        inverse = _inverse(self.matrix(background, time))
        canvas = background.colours(inverse, self.height, self.width)
        for layer in self.layers[1:]:
            self._paint(canvas, layer, time)
        return canvas

    def _paint(self, canvas: NDArray[np.float32], layer: _Layer, time: float) -> None:
        matrix = self.matrix(layer, time)
        top, bottom, left, right = self._box(layer, matrix, time)
        if top >= bottom or left >= right:
            return
        inverse = _inverse(matrix) @ np.array([[1.0, 0.0, left], [0.0, 1.0, top], [0.0, 0.0, 1.0]])
        x, y = _map_points(inverse, *_pixel_grid(bottom - top, right - left))
        distance = layer.distance(x, y)
        alpha = np.clip(0.5 - distance * self.scale(layer, time), 0.0, 1.0)
        shade = 1.0 - _RIM_SHADE * np.exp(np.minimum(distance, 0.0) / _RIM_PIXELS)
        colours = layer.colours(inverse, bottom - top, right - left) * shade[..., None].astype(np.float32)
        region = canvas[top:bottom, left:right]
        region += alpha[..., None].astype(np.float32) * (colours - region)

    def _box(self, layer: _Layer, matrix: NDArray[np.float64], time: float) -> tuple[int, int, int, int]:
        """Rows and columns, clipped to the picture, outside of which the layer is not seen."""
        reach = self.scale(layer, time) * (layer.shape.radius if layer.shape else 0.0) + 2.0
        x, y = matrix[0, 2], matrix[1, 2]
        top, bottom = max(0, math.floor(y - reach)), min(self.height, math.ceil(y + reach) + 1)
        left, right = max(0, math.floor(x - reach)), min(self.width, math.ceil(x + reach) + 1)
        return top, bottom, left, right

    def coverage(
        self, layer: _Layer, time: float, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """How much of the layer covers pixel positions, 0..1, regardless of what is in front."""
        inverse = _inverse(self.matrix(layer, time))
        distance = layer.distance(*_map_points(inverse, x, y))
        return np.clip(0.5 - distance * self.scale(layer, time), 0.0, 1.0)

    def flow(self, start: float, end: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        x, y = _pixel_grid(self.height, self.width)
        flow = np.zeros((self.height, self.width, 2), np.float32)
        visible = np.zeros((self.height, self.width), np.bool_)
        for depth, layer in enumerate(self.layers):
            cover = self.coverage(layer, start, x, y)
            step = self.matrix(layer, end) @ _inverse(self.matrix(layer, start))
            there_x, there_y = _map_points(step, x, y)
            seen = (there_x >= 0) & (there_x <= self.width - 1) & (there_y >= 0) & (there_y <= self.height - 1)
            seen &= layer.motion.laps(start) == layer.motion.laps(end)
            for nearer in self.layers[depth + 1 :]:
                seen &= self.coverage(nearer, end, there_x, there_y) < 0.01
            owner = cover >= 0.5
            flow[owner] = np.stack([there_x - x, there_y - y], axis=-1)[owner]
            visible = np.where(cover > 0.99, seen, visible & (cover < 0.01))
        return flow, visible


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.inv(matrix), np.float64)


def _pixel_grid(height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    y, x = np.mgrid[:height, :width].astype(np.float64)
    return x, y


def _map_points(
    matrix: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    (a, b, c), (d, e, f) = matrix[:2]
    return a * x + b * y + c, d * x + e * y + f


def _draw_oscillation(
    rng: np.random.Generator, fastest: float, shortest: float, longest: float, amplitude_limit: float = math.inf
) -> Oscillation:
    """An oscillation whose rate stays below ``fastest`` and whose amplitude stays below a limit."""
    period = rng.uniform(shortest, longest)
    amplitude = min(rng.uniform(0.4, 1.0) * fastest * period / (2 * math.pi), amplitude_limit)
    return Oscillation(amplitude, period, rng.uniform(0.0, 2 * math.pi))


def _draw_camera(rng: np.random.Generator, config: ClipConfig) -> Motion:
    """A hand-held camera: fast small shakes, a slow roll and a slow zoom."""
    budget = config.shake * config.max_speed
    reach = math.hypot(config.height, config.width)
    side = min(config.height, config.width)
    return Motion(
        sway_x=_draw_oscillation(rng, 0.3 * budget, 5.0, 16.0, 0.03 * side),
        sway_y=_draw_oscillation(rng, 0.3 * budget, 5.0, 16.0, 0.03 * side),
        swing=_draw_oscillation(rng, 0.5 * budget / reach, 30.0, 90.0, 0.06),
        zoom=_draw_oscillation(rng, 0.5 * budget / reach, 40.0, 120.0, _CAMERA_ZOOM),
    )


def _draw_background_motion(rng: np.random.Generator, config: ClipConfig) -> Motion:
    direction, speed = rng.uniform(0.0, 2 * math.pi), rng.uniform(0.05, 0.5) * _layer_budget(config)
    return Motion(
        start=(rng.uniform(0.0, 512.0), rng.uniform(0.0, 512.0)),
        velocity=(speed * math.cos(direction), speed * math.sin(direction)),
        pace=_draw_oscillation(rng, rng.uniform(0.0, 0.6), 30.0, 90.0),
    )


def _layer_budget(config: ClipConfig) -> float:
    """Speed left for a layer in its own plane once the camera has taken its share and magnified the rest."""
    return (1.0 - config.shake) * config.max_speed / math.exp(_CAMERA_ZOOM)


def _draw_layer(rng: np.random.Generator, config: ClipConfig) -> _Layer:
    side = min(config.height, config.width)
    shape = Shape(
        outline=OUTLINES[rng.integers(len(OUTLINES))],
        radius=side * rng.uniform(0.10, 0.27),
        aspect=rng.uniform(0.45, 1.0),
        lobes=int(rng.integers(3, 8)),
    )
    crossing = rng.uniform() < 0.4
    motion = (_draw_crossing if crossing else _draw_roaming)(rng, config, shape.radius)
    return _Layer(motion, _draw_texture(rng, 2 * shape.radius), shape)


def _draw_texture(rng: np.random.Generator, extent: float) -> NDArray[np.float32]:
    """A texture whose tile spans ``extent`` pixels where the limits of its size allow that."""
    smallest, largest = _TEXTURE_SIDES
    side = 2 ** math.ceil(math.log2(extent * TEXELS_PER_PIXEL))
    return make_texture(rng, min(max(side, smallest), largest))


def _draw_turning(rng: np.random.Generator, budget: float, radius: float) -> dict[str, float | Oscillation]:
    """Spin, swing and zoom that move the rim of a layer by no more than ``budget`` pixels per frame."""
    rate = budget / (radius * math.exp(_LAYER_ZOOM))
    steady = rng.uniform() < 0.5
    return {
        "angle": rng.uniform(0.0, 2 * math.pi),
        "spin": rng.choice([-1.0, 1.0]) * rng.uniform(0.1, 0.4) * rate if steady else 0.0,
        "swing": Oscillation() if steady else _draw_oscillation(rng, 0.6 * rate, 20.0, 60.0, 0.6),
        "zoom": _draw_oscillation(rng, 0.4 * rate, 25.0, 90.0, _LAYER_ZOOM),
    }


def _draw_crossing(rng: np.random.Generator, config: ClipConfig, radius: float) -> Motion:
    """Drift across the picture along one axis, speeding up and slowing down, leaving and coming in again."""
    budget = _layer_budget(config)
    surge = rng.uniform(0.0, 0.5)
    speed = rng.choice([-1.0, 1.0]) * rng.uniform(0.3, 1.0) * 0.65 * budget / (1 + surge)
    sideways = rng.uniform() < 0.65
    extent, across = (config.width, config.height) if sideways else (config.height, config.width)
    lap = 1.2 * extent + 2 * math.exp(_LAYER_ZOOM) * radius + 0.2 * across
    start = rng.uniform(-0.35, 0.35, size=2) * (config.width, config.height)
    sway = _draw_oscillation(rng, 0.25 * budget, 30.0, 90.0, 0.2 * across)
    # Pace also drives the spin, and a surge of one half is within the rim's share.
    pace = _draw_oscillation(rng, surge, 24.0, 80.0)
    return Motion(
        start=(float(start[0]), float(start[1])),
        velocity=(speed, 0.0) if sideways else (0.0, speed),
        pace=pace,
        sway_x=Oscillation() if sideways else sway,
        sway_y=sway if sideways else Oscillation(),
        lap=(lap, 0.0) if sideways else (0.0, lap),
        **_draw_turning(rng, 0.3 * budget, radius),  # type: ignore[arg-type]
    )


def _draw_roaming(rng: np.random.Generator, config: ClipConfig, radius: float) -> Motion:
    """Periodic movement in sight: from quick bouncing to slow wide loops."""
    budget = _layer_budget(config)
    longest = rng.choice([24.0, 60.0, 140.0])
    start = rng.uniform(-0.35, 0.35, size=2) * (config.width, config.height)
    return Motion(
        start=(float(start[0]), float(start[1])),
        sway_x=_draw_oscillation(rng, 0.5 * budget, 0.5 * longest, longest, 0.35 * config.width),
        sway_y=_draw_oscillation(rng, 0.5 * budget, 0.5 * longest, longest, 0.35 * config.height),
        **_draw_turning(rng, 0.29 * budget, radius),  # type: ignore[arg-type]
    )
