"""Interpolator: new frames between two images, in a stream, in a folder of images or in a video file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from lift_core.errors import ConfigError
from lift_core.inference.clip_stream import Made
from lift_core.inference.ensembles import SelfEnsembling
from lift_core.inference.frames import Frame
from lift_core.inference.image_files import interpolate_folder, interpolate_images
from lift_core.inference.lift_method import Precision
from lift_core.inference.method_choice import MethodOptions, make_method
from lift_core.inference.methods import Method
from lift_core.inference.moments import check_factor, parse_rate, steps
from lift_core.inference.streaming import StreamFrame, detect_shots, interpolate_stream, pairs
from lift_core.inference.video_files import VideoOptions, interpolate_video


class Interpolator:
    """Makes frames between frames.

    Args:
        method: ``lift_tiny`` or another preset with bundled weights, the path of weights or of a training run, or a
            baseline: ``blend``, ``dis``. Several make an ensemble: the mean of their frames.
        device: ``auto`` (a GPU where there is one), ``cpu``, ``cuda``, … Several, ``cuda:0,cuda:1``, are dealt out to
            the members of an ensemble.
        context: how many frames a LIFT model looks at; by default what it was made for.
        precision: ``fp32``, or ``bf16`` and ``fp16``: less memory, and less time where the device is made for them.
        memory: bytes that interpolation may take on the device, beside the program itself and the video's decoder and
            encoder. Frames that do not fit are worked on in overlapping tiles. By default most of what is free.
        self_ensemble: ``reversal``: the mean with time reversed, for twice the decoding; ``full``: with four mirror
            images too, for eight times the work; ``none``.
        parallel: run the members of an ensemble at the same time.

    A frame is numpy uint8 RGB ``[H, W, 3]`` or torch float RGB ``[3, H, W]`` in [0, 1], of any size; new frames are of
    the kind that came in. The baselines work in 8 bits either way.

    Example:
        ``Interpolator("lift_tiny").video("a.mp4", "b.mp4", factor=2)``

    Raises:
        ConfigError: an unknown device, or a context, a precision or an ensemble that cannot be.
        WeightsError: weights that are missing, damaged, or not bundled.
    """

    def __init__(
        self,
        method: str | Path | Sequence[str | Path] = "lift_tiny",
        *,
        device: str = "auto",
        context: int | None = None,
        precision: Precision = "fp32",
        memory: int | None = None,
        self_ensemble: SelfEnsembling = "none",
        parallel: bool = False,
    ) -> None:
        options = MethodOptions(context, device, precision, memory, self_ensemble, parallel)
        self.method = make_method(method, options)

    @classmethod
    def with_method(cls, method: Method) -> Interpolator:
        """An interpolator with a method of your own."""
        interpolator = cls.__new__(cls)
        interpolator.method = method
        return interpolator

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
        return interpolate_stream(self.method, detect_shots(stream) if detect_cuts else stream, steps(factor))

    def video(
        self,
        source: str | Path,
        output: str | Path,
        factor: int | None = None,
        *,
        fps: Fraction | float | str | None = None,
        crf: int = 18,
        force: bool = False,
        restart: bool = False,
        progress: bool = True,
    ) -> Made:
        """Raise the frame rate of a video file.

        With a factor, N frames become ``(N - 1) * factor + 1``: the old ones at their old times, the new ones at equal
        steps between them, whatever the frame rate does. With ``fps`` frames come at a constant rate, each made at its
        true time; those that lie on an old one are the old one. Either way the video keeps its duration. Audio packets
        are copied untouched. Titles, chapters, colour tags and the shape of pixels are kept, pictures are written
        upright. Other streams (subtitles, data, further videos) are left out. Cuts and repeated frames: see `frames`.

        The video is written in pieces that are kept beside the output until all are done, so that it takes its room on
        the disk twice: after a crash or a Ctrl-C the same call goes on with the first piece that is missing.

        Args:
            source: any video that can be read.
            output: ends in .mp4, .m4v, .mov or .mkv; H.264, 4:2:0 (4:4:4 where a side is odd), 8 bits. It appears when
                it is complete. MKV counts time in milliseconds, the others store it exactly.
            factor: new frame rate over old, a whole number of 2 or more; 2 where ``fps`` is not given either.
            fps: frames per second: a number, or text such as ``60000/1001``.
            crf: quality of libx264, 0 (lossless) to 51.
            force: replace the output where it exists.
            restart: throw away what an interrupted run has left.
            progress: show a bar with frames/s and the time left.

        Raises:
            ConfigError: an impossible factor, rate or crf, or too little memory.
            OutputError: the output is the input, exists, has an unknown suffix, cannot hold the audio or times as close
                as the factor asks for, or cannot be written; or a run with other settings was interrupted here, or is
                under way.
            SourceError, FrameReadError: no video, fewer than two frames, transparency, a file that is cut off, or a
                damaged frame.
        """
        rate = None if fps is None else parse_rate(fps)
        options = VideoOptions(2 if factor is None and rate is None else factor, rate, crf)
        return interpolate_video(
            self.method, Path(source), Path(output), options, force=force, restart=restart, progress=progress
        )

    def folder(
        self,
        source: str | Path,
        output: str | Path,
        factor: int = 2,
        *,
        force: bool = False,
        restart: bool = False,
        progress: bool = True,
    ) -> Made:
        """Multiply the frames of a folder of numbered images.

        Args:
            source: a folder of PNG or JPEG files of one size.
            output: a new or empty folder; it gets ``000000.png``, ``000001.png``, … and appears when it is complete.
            factor: new frame rate over old, a whole number of 2 or more.
            force: replace an earlier result; a folder with any other file in it is never touched.
            restart: throw away what an interrupted run has left; without, the same call goes on from there.
            progress: show a bar with frames/s and the time left.

        Raises:
            ConfigError: an impossible factor, or too little memory.
            OutputError: the output is the input, or holds files already, or cannot be written; or a run with other
                settings was interrupted here, or is under way.
            SourceError, FrameReadError: no images, fewer than two, or a missing, transparent or damaged one.
        """
        return interpolate_folder(
            self.method, Path(source), Path(output), factor=factor, force=force, restart=restart, progress=progress
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
            SourceError, FrameReadError: an image that is transparent or cannot be read.
            OutputError: the output is an input, exists, has an unknown suffix, or cannot be written.
            ShapeError: images of different sizes.
        """
        return interpolate_images(self.method, Path(first), Path(second), Path(output), t=t, force=force)
