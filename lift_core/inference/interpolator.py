"""Interpolator: new frames between two images, in a stream, in a folder of images or in a video file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from lift_core.errors import ConfigError
from lift_core.inference.files import Made, interpolate_folder, interpolate_images, interpolate_video
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

        The clip's own frames are given back as they are, not copied: copy one before you draw on it, for the frames
        that follow are made from it.

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

    def video(
        self,
        source: str | Path,
        output: str | Path,
        factor: int = 2,
        *,
        crf: int = 18,
        force: bool = False,
        progress: bool = True,
    ) -> Made:
        """Multiply the frame rate of a video file.

        N frames become ``(N - 1) * factor + 1``: the old ones at their old times, the new ones at equal steps between
        them, whatever the frame rate does. The last frame keeps its duration, so the video keeps its own. Audio packets
        are copied untouched. Colour tags and the shape of pixels are kept, pictures are written upright. Other streams
        (subtitles, data, further videos) are left out. Cuts and repeated frames: see `frames`.

        Args:
            source: any video that can be read.
            output: ends in .mp4, .m4v, .mov or .mkv; H.264, 4:2:0 (4:4:4 where a side is odd), 8 bits. It appears when
                it is complete. MKV counts time in milliseconds, the others store it exactly.
            factor: new frame rate over old, a whole number of 2 or more.
            crf: quality of libx264, 0 (lossless) to 51.
            force: replace the output where it exists.
            progress: show a bar with frames/s and the time left.

        Raises:
            ConfigError: an impossible factor or crf.
            OutputError: the output is the input, exists, has an unknown suffix, cannot hold the audio or times as close
                as the factor asks for, or cannot be written.
            SourceError, FrameReadError: no video, fewer than two frames, or a damaged frame.
        """
        return interpolate_video(
            self.method, Path(source), Path(output), factor=factor, crf=crf, force=force, progress=progress
        )

    def folder(
        self,
        source: str | Path,
        output: str | Path,
        factor: int = 2,
        *,
        force: bool = False,
        progress: bool = True,
    ) -> Made:
        """Multiply the frames of a folder of numbered images.

        Args:
            source: a folder of PNG or JPEG files of one size.
            output: a new or empty folder; it gets ``000000.png``, ``000001.png``, … and appears when it is complete.
            factor: new frame rate over old, a whole number of 2 or more.
            force: replace an earlier result; a folder with any other file in it is never touched.
            progress: show a bar with frames/s and the time left.

        Raises:
            ConfigError: an impossible factor.
            OutputError: the output is the input, or holds files already, or cannot be written.
            SourceError, FrameReadError: no images, fewer than two, or a damaged one.
        """
        return interpolate_folder(
            self.method, Path(source), Path(output), factor=factor, force=force, progress=progress
        )

    def images(
        self, first: str | Path, second: str | Path, output: str | Path, t: float = 0.5, *, force: bool = False
    ) -> Made:
        """Write the image at time ``t`` between two image files.

        Args:
            first, second: PNG or JPEG files of one size.
            output: ends in .png, .jpg or .jpeg.
            t: time between them, strictly between 0 and 1.
            force: replace the output where it exists.

        Raises:
            ConfigError: ``t`` lies outside.
            FrameReadError: an image that cannot be read.
            OutputError: the output is an input, exists, has an unknown suffix, or cannot be written.
            ShapeError: images of different sizes.
        """
        return interpolate_images(self.method, Path(first), Path(second), Path(output), t=t, force=force)
