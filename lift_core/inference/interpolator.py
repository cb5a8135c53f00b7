"""Interpolator: new frames between two images, in a stream, in a folder of images or in a video file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from lift_core.errors import ConfigError
from lift_core.inference.frames import Frame
from lift_core.inference.methods import make_method
from lift_core.inference.streaming import StreamFrame, check_factor, detect_shots, interpolate_stream, pairs


class Interpolator:
    """Makes frames between frames.

    Args:
        method: ``lift_tiny`` or another preset with bundled weights, the path of weights or of a training run, or a
            baseline: ``blend``, ``dis``.
        device: ``auto`` (a GPU where there is one), ``cpu``, ``cuda``, …
        context: how many frames a LIFT model looks at; by default what it was made for.

    A frame is numpy uint8 RGB ``[H, W, 3]`` or torch float RGB ``[3, H, W]`` in [0, 1], of any size; new frames are of
    the kind that came in. The baselines work in 8 bits either way.

    Raises:
        ConfigError: an unknown device, or a context that the method cannot use.
        WeightsError: weights that are missing, damaged, or not bundled.
    """

    def __init__(self, method: str | Path = "lift_tiny", *, device: str = "auto", context: int | None = None) -> None:
        self.method = make_method(method, context=context, device=device)

    def __call__(self, a: Frame, b: Frame, t: float = 0.5) -> Frame:
        """The frame at time ``t`` between two images, 0 at ``a`` and 1 at ``b``; nothing else is known of the clip.

        Raises:
            ShapeError: not two RGB frames of one kind and size.
            ConfigError: ``t`` lies outside [0, 1].
        """
        if not 0 <= t <= 1:
            raise ConfigError(f"time {t} does not lie between the images.", fix="Choose a time from 0 to 1.")
        return next(pairs(self.method, [StreamFrame(a), StreamFrame(b)])).at(t)

    def frames(self, frames: Iterable[Frame], factor: int = 2, *, detect_cuts: bool = True) -> Iterator[Frame]:
        """All frames of a clip with ``factor - 1`` new ones between each two: ``(N - 1) * factor + 1`` in all.

        The clip is read as far ahead as the context reaches, and no more than the context is held, so it may be of
        any length. Nothing is morphed across a scene cut: new frames there repeat the nearer neighbour. Between
        frames that are equal to the last bit, the first is repeated.

        Args:
            frames: the clip, equally spaced in time.
            factor: new frame rate over old, a whole number of 2 or more.
            detect_cuts: look for scene cuts; without, all frames are one shot.

        Raises:
            ConfigError: an impossible factor.
            ShapeError: what is not an RGB frame, or frames of different kinds or sizes.
            SourceError: fewer than two frames; raised when the clip has ended.
        """
        check_factor(factor)
        stream: Iterable[StreamFrame] = map(StreamFrame, frames)
        return interpolate_stream(self.method, detect_shots(stream) if detect_cuts else stream, factor)
