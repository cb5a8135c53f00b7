"""Interpolation without learning: the cross-fade and DIS optical flow, the baselines every model is compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from lift_core.errors import ConfigError, ShapeError

Preset = Literal["ultrafast", "fast", "medium"]
Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

_SMALLEST_SIDE = 32
"""DIS matches patches of 8 px on a pyramid and refuses images that leave it no level; smaller ones are padded."""

_INVERSION_STEPS = 2
_ERROR_SCALE = 8.0
"""Grey levels of warping error over which the choice between two motions goes from even to clear."""

_BEND_TOLERANCE_PX2, _BELIEF_IN_ONE = 4.0, 0.5
"""Acceleration, a second difference of flow, errs more than flow: it is believed as far as both sides of a pair agree,
and where one side alone is known, by half."""

_TOLERANCE_PX2, _TOLERANCE_RELATIVE = 4.0, 0.1


def blend(a: Image, b: Image, t: float) -> Image:
    """Cross-fade: ``(1 - t) * a + t * b``, rounded to 8 bits.

    Args:
        a, b: RGB uint8 ``[H, W, 3]``, the frames before and after.
        t: time between them, 0 at ``a`` and 1 at ``b``.

    Raises:
        ShapeError: the images are not uint8 ``[H, W, 3]`` of one size.
        ConfigError: ``t`` lies outside [0, 1].
    """
    _require_pair(a, b)
    _require_time(t)
    return _to_image((1 - t) * a.astype(np.float32) + t * b.astype(np.float32))


def dis_flow(a: Image, b: Image, *, preset: Preset = "medium", finest_scale: Literal[0, 1] | None = None) -> Floats:
    """Optical flow from ``a`` to ``b`` by Dense Inverse Search (Kroeger et al., ECCV 2016), on the grey images.

    Args:
        a, b: RGB uint8 ``[H, W, 3]`` of any size from 1x1; sides under 32 px are padded by repeating the border.
        preset: OpenCV's trade of speed for accuracy.
        finest_scale: whether the search ends on the images themselves (0) or on halves of them (1); by default where
            the preset ends it.

    Returns:
        float32 ``[H, W, 2]``, (dx, dy) in pixels: what is at ``(x, y)`` in ``a`` is at ``(x + dx, y + dy)`` in ``b``.

    Raises:
        ShapeError: the images are not uint8 ``[H, W, 3]`` of one size.
        ConfigError: an unknown preset.
    """
    _require_pair(a, b)
    height, width = a.shape[:2]
    grey_a, grey_b = _padded_grey(a), _padded_grey(b)
    no_guess = np.zeros((*grey_a.shape, 2), np.float32)
    flow = _dis(preset, finest_scale).calc(grey_a, grey_b, no_guess)
    return np.ascontiguousarray(flow[:height, :width], dtype=np.float32)


@dataclass(frozen=True)
class PairFlow:
    """DIS flow between two images in both directions: found once, it serves every time between them.

    Attributes:
        a, b: RGB uint8 ``[H, W, 3]``, the frames before and after.
        motion_of_a: float32 ``[H, W, 2]``, (dx, dy) in pixels from ``a`` to ``b`` of what each pixel of ``a`` shows.
        motion_of_b: the same, from ``a`` to ``b``, of what each pixel of ``b`` shows.
    """

    a: Image
    b: Image
    motion_of_a: Floats
    motion_of_b: Floats

    @classmethod
    def find(cls, a: Image, b: Image, find_flow: Callable[[Image, Image], Floats] | None = None) -> PairFlow:
        """Find the flow between two images of any size, with `dis_flow`, which also says what is raised, or another."""
        find_flow = find_flow or dis_flow
        return cls(a, b, find_flow(a, b), -find_flow(b, a))

    def frame(self, t: float) -> Image:
        """Make the frame at time ``t``; see `interpolate_dis`.

        Raises:
            ConfigError: ``t`` lies outside [0, 1].
        """
        _require_time(t)
        if t in (0.0, 1.0):
            return (self.b if t else self.a).copy()
        motions = self._motions(t)
        warped = [self._warped(t, motion) for motion in motions]
        share = _share_of_first(*(_disagreement(*pair) for pair in warped))[..., None]
        first, second = (self._blended(t, motion, *pair) for motion, pair in zip(motions, warped, strict=True))
        return _to_image(share * first + (1 - share) * second)

    def motion(self, t: float) -> Floats:
        """The motion from ``a`` to ``b`` of what is seen at ``t``, strictly between 0 and 1; float32 ``[H, W, 2]``."""
        motions = self._motions(t)
        share = _share_of_first(*(_disagreement(*self._warped(t, motion)) for motion in motions))[..., None]
        return np.asarray(share * motions[0] + (1 - share) * motions[1], np.float32)

    def visibility(self, motion: Floats, to_a: Floats, to_b: Floats) -> Floats:
        """Which frame shows what is seen between them.

        Args:
            motion: see `motion`.
            to_a, to_b: float32 ``[H, W, 2]``, from each pixel of the frame between to its place in ``a`` and in ``b``.

        Returns:
            Logits float32 ``[H, W]``, positive where ``a`` shows the place more surely than ``b``.
        """
        seen_in_a = 1 + _consistency(self.motion_of_a, to_a, motion)
        seen_in_b = 1 + _consistency(self.motion_of_b, to_b, motion)
        return np.asarray(np.log(seen_in_a / seen_in_b), np.float32)

    def _motions(self, t: float) -> tuple[Floats, Floats]:
        """Both motions, each brought to time ``t``."""
        return _at_time(self.motion_of_a, t), _at_time(self.motion_of_b, t - 1)

    def _warped(self, t: float, motion: Floats) -> tuple[Floats, Floats]:
        """Both references, float32 ``[H, W, 3]``, warped along one motion field at time ``t``."""
        return (
            _backward_warp(self.a.astype(np.float32), -t * motion),
            _backward_warp(self.b.astype(np.float32), (1 - t) * motion),
        )

    def _blended(self, t: float, motion: Floats, warped_a: Floats, warped_b: Floats) -> Floats:
        """One frame of two warped references: by time, and by which of them shows the place."""
        weight_a = (1 - t) * (1 + _consistency(self.motion_of_a, -t * motion, motion))
        weight_b = t * (1 + _consistency(self.motion_of_b, (1 - t) * motion, motion))
        share = (weight_a / (weight_a + weight_b))[..., None]
        return np.asarray(share * warped_a + (1 - share) * warped_b, np.float32)


@dataclass(frozen=True)
class PairPath:
    """Where what is seen between two images comes from and goes to: on a straight way, or bent by acceleration.

    What moves by v from ``a`` to ``b`` with the acceleration c, per unit of time from ``a`` to ``b``, is at time t at
    ``t v - t (1 - t) c / 2`` from its place in ``a`` (quadratic video interpolation, Xu et al. 2019).

    Attributes:
        flow: between the two.
        bend_of_a: float32 ``[H, W, 2]``, c in pixels of what each pixel of ``a`` shows; None where it is not known.
        bend_of_b: the same of what each pixel of ``b`` shows.
    """

    flow: PairFlow
    bend_of_a: Floats | None = None
    bend_of_b: Floats | None = None

    @classmethod
    def find(
        cls,
        flow: PairFlow,
        before: tuple[Image, float] | None,
        after: tuple[Image, float] | None,
        find_flow: Callable[[Image, Image], Floats] | None = None,
    ) -> PairPath:
        """Find how motion changes from the frames around a pair.

        Args:
            flow: of the pair.
            before: the image before ``a`` and the time between them, in units of that from ``a`` to ``b``; or None.
            after: the image after ``b`` and the time between them; or None.
            find_flow: `dis_flow`, or another.
        """
        find_flow = find_flow or dis_flow
        bend_of_a = bend_of_b = None
        if before is not None:
            image, gap = before
            bend_of_a = _acceleration(-find_flow(flow.a, image), flow.motion_of_a, gap)
        if after is not None:
            image, gap = after
            bend_of_b = -_acceleration(find_flow(flow.b, image), flow.motion_of_b, gap)
        return cls(flow, bend_of_a, bend_of_b)

    def at(self, t: float) -> tuple[Floats, Floats, Floats]:
        """Where to look for what is seen at ``t``, strictly between 0 and 1.

        Returns:
            From each pixel of the frame between to its place in ``a`` and in ``b``, float32 ``[H, W, 2]`` in pixels;
            and logits, see `PairFlow.visibility`.
        """
        motion = self.flow.motion(t)
        to_a, to_b = np.float32(-t) * motion, np.float32(1 - t) * motion
        bends = [
            _backward_warp(bend, towards)
            for bend, towards in ((self.bend_of_a, to_a), (self.bend_of_b, to_b))
            if bend is not None
        ]
        if bends:
            bend = (1 - t) * bends[0] + t * bends[1] if len(bends) == 2 else bends[0]
            aside = np.float32(0.5 * t * (1 - t)) * _belief(bends) * np.asarray(bend, np.float32)
            to_a, to_b = to_a + aside, to_b + aside
        return to_a, to_b, self.flow.visibility(motion, to_a, to_b)

    def frame(self, t: float) -> Image:
        """Make the frame at time ``t``: both images warped to it, and mixed by time and by which shows the place.

        Returns:
            RGB uint8 ``[H, W, 3]``; exactly ``a`` at 0 and ``b`` at 1.

        Raises:
            ConfigError: ``t`` lies outside [0, 1].
        """
        _require_time(t)
        if t in (0.0, 1.0):
            return (self.flow.b if t else self.flow.a).copy()
        to_a, to_b, seen_in_a = self.at(t)
        share = (1 / (1 + t / (1 - t) * np.exp(-seen_in_a)))[..., None]
        first, second = (
            _backward_warp(image.astype(np.float32), way) for image, way in ((self.flow.a, to_a), (self.flow.b, to_b))
        )
        return _to_image(share * first + (1 - share) * second)


def _acceleration(earlier: Floats, later: Floats, gap: float) -> Floats:
    """Of what moves by ``earlier`` in a time of ``gap`` and by ``later`` in the next unit of time, or the reverse."""
    return np.asarray(2 / (1 + gap) * (later - earlier / gap), np.float32)


def _belief(bends: Sequence[Floats]) -> Floats:
    """How far acceleration seen from one or from both sides is believed, from 0 to 1, ``[H, W, 1]``."""
    if len(bends) == 1:
        return np.full((*bends[0].shape[:2], 1), _BELIEF_IN_ONE, np.float32)
    squared_error = _squared_length(bends[0] - bends[1])
    squared_bends = _squared_length(bends[0]) + _squared_length(bends[1])
    return np.asarray(np.exp(-squared_error / (_BEND_TOLERANCE_PX2 + squared_bends))[..., None], np.float32)


def interpolate_dis(a: Image, b: Image, t: float, *, preset: Preset = "medium") -> Image:
    """Make the frame at time ``t`` between ``a`` and ``b`` from DIS flow in both directions.

    Each of the two flows, brought to time ``t``, gives one motion field and with it one frame, warped from both
    references. Of the two frames, each pixel takes mostly the one whose two warped references agree better. Where
    several times are asked for, `PairFlow` finds the flow once.

    Args:
        a, b: RGB uint8 ``[H, W, 3]`` of any size.
        t: time between them, 0 at ``a`` and 1 at ``b``.
        preset: see `dis_flow`.

    Returns:
        RGB uint8 ``[H, W, 3]``; exactly ``a`` at 0 and ``b`` at 1.

    Raises:
        ShapeError: the images are not uint8 ``[H, W, 3]`` of one size.
        ConfigError: ``t`` lies outside [0, 1], or an unknown preset.
    """
    _require_time(t)
    return PairFlow.find(a, b, partial(dis_flow, preset=preset)).frame(t)


def _disagreement(warped_a: Floats, warped_b: Floats) -> Floats:
    """How much two warped references differ around each pixel, in grey levels, ``[H, W]``."""
    red, green, blue = np.moveaxis(np.abs(warped_a - warped_b), 2, 0)
    return np.asarray(cv2.GaussianBlur((red + green + blue) / np.float32(3), (7, 7), 2.0), np.float32)


def _share_of_first(first_error: Floats, second_error: Floats) -> Floats:
    """Share in [0, 1] of the first of two candidates, by their errors in grey levels."""
    share: Floats = 1 / (1 + np.exp(np.clip((first_error - second_error) / _ERROR_SCALE, -30, 30)))
    return share


def _at_time(motion: Floats, t: float) -> Floats:
    """Bring a motion field of one reference, ``t`` away in time, to the frame between: ``m(x) = motion(x - t m(x))``.

    Fixed-point iteration (Chen et al., "A simple fixed-point approach to invert a deformation field", 2008).
    """
    at_time = motion
    for _ in range(_INVERSION_STEPS):
        at_time = _backward_warp(motion, -t * at_time)
    return at_time


def _consistency(reference_motion: Floats, to_reference: Floats, motion: Floats) -> Floats:
    """How far the reference's own motion agrees with the motion that led to it, from 0 to 1 (1: it does).

    Where it does not, that reference shows something else there: what lies behind or in front. The tolerance grows
    with the motion (Sundaram et al., ECCV 2010).
    """
    found = _backward_warp(reference_motion, to_reference)
    squared_error = _squared_length(found - motion)
    squared_motion = _squared_length(found) + _squared_length(motion)
    agreement: Floats = np.exp(-squared_error / (_TOLERANCE_PX2 + _TOLERANCE_RELATIVE * squared_motion))
    return agreement


def _squared_length(vectors: Floats) -> Floats:
    """Of vectors ``[H, W, 2]``, as ``[H, W]``; several times as fast as a sum over so short an axis."""
    return np.asarray(np.square(vectors[..., 0]) + np.square(vectors[..., 1]), np.float32)


def _backward_warp(image: Floats, flow: Floats) -> Floats:
    """Sample ``image`` ``[H, W, C]`` at ``x + flow(x)``, bilinear, the border repeated."""
    height, width = flow.shape[:2]
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    warped = cv2.remap(
        image, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(warped, np.float32).reshape(image.shape)


def _dis(preset: str, finest_scale: Literal[0, 1] | None) -> cv2.DISOpticalFlow:
    """Make the flow estimator; a new one each time, since it keeps buffers and is not safe to share."""
    presets = {
        "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
        "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
        "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
    }
    if preset not in presets:
        raise ConfigError(f"unknown DIS preset {preset!r}.", fix=f"Use one of {', '.join(get_args(Preset))}.")
    search = cv2.DISOpticalFlow.create(presets[preset])
    if finest_scale is not None:
        search.setFinestScale(finest_scale)
    return search


def _padded_grey(image: Image) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
    below, right = (max(0, _SMALLEST_SIDE - side) for side in grey.shape)
    return np.asarray(cv2.copyMakeBorder(grey, 0, below, 0, right, cv2.BORDER_REPLICATE), np.uint8)


def _to_image(values: NDArray[np.floating]) -> Image:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _require_pair(a: Image, b: Image) -> None:
    for image in (a, b):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
            raise ShapeError(
                f"an image of shape {list(image.shape)} and type {image.dtype} cannot be interpolated.",
                fix="Pass RGB uint8 [H, W, 3].",
            )
    if a.shape != b.shape:
        raise ShapeError(
            f"the two images differ in size: {a.shape[0]}x{a.shape[1]} and {b.shape[0]}x{b.shape[1]}.",
            fix="Scale or crop one of them.",
        )


def _require_time(t: float) -> None:
    if not 0 <= t <= 1:
        raise ConfigError(f"time {t} does not lie between the references.", fix="Choose a time from 0 to 1.")
