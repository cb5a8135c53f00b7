"""Interpolation from file to file: a video, a folder of images, two images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from lift_core.atomic import atomic_file, atomic_folder
from lift_core.data.clip_writer import write_image
from lift_core.data.image_decoding import decode_rgb
from lift_core.data.image_folder import ImageFolderSource
from lift_core.data.scene_cuts import in_order
from lift_core.data.source import FrameSource
from lift_core.data.video_file import VideoFileSource
from lift_core.errors import ConfigError, FrameReadError, OutputError, SourceError
from lift_core.inference.frames import Frame, to_image
from lift_core.inference.methods import Method
from lift_core.inference.streaming import StreamFrame, check_factor, detect_shots, interpolate_stream, pairs
from lift_core.inference.video_style import Timeline, read_style, read_timeline
from lift_core.inference.video_writer import CONTAINERS, VideoWriter

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")
_MKV_TICK = Fraction(1, 1000)


@dataclass(frozen=True)
class Made:
    """What was written.

    Attributes:
        path: the file or folder.
        frames_in: frames read.
        frames_out: frames written, the old ones among them.
        cuts: scene cuts found.
    """

    path: Path
    frames_in: int
    frames_out: int
    cuts: int


def interpolate_video(
    method: Method, source: Path, output: Path, *, factor: int, crf: int, force: bool, progress: bool
) -> Made:
    """See `Interpolator.video`."""
    check_factor(factor)
    _check_crf(crf)
    _check_output(source, output, force, CONTAINERS)
    clip = VideoFileSource(source, threads=0)
    _check_length(clip)
    timeline, style = read_timeline(source, clip).multiplied(factor), read_style(source, clip).multiplied(factor)
    _check_steps(timeline, output)
    counter = _CutCounter(clip)
    frames = interpolate_stream(method, counter.stream(), factor)
    with (
        atomic_file(output) as partial,
        VideoWriter(partial, clip.size, timeline.time_base, style, crf=crf, audio_from=source, place=output) as writer,
    ):
        images = map(to_image, _with_progress(frames, len(timeline.ticks), progress))
        for image, tick, duration in zip(images, timeline.ticks, timeline.durations, strict=True):
            writer.write(image, tick, duration)
    return Made(output, len(clip), len(timeline.ticks), counter.cuts)


def interpolate_folder(method: Method, source: Path, output: Path, *, factor: int, force: bool, progress: bool) -> Made:
    """See `Interpolator.folder`."""
    check_factor(factor)
    _check_output_folder(source, output, force)
    clip = ImageFolderSource(source)
    _check_length(clip)
    count = (len(clip) - 1) * factor + 1
    counter = _CutCounter(clip)
    frames = _with_progress(interpolate_stream(method, counter.stream(), factor), count, progress)
    with atomic_folder(output) as partial:
        for number, frame in enumerate(frames):
            write_image(partial / _frame_name(number), to_image(frame))
    return Made(output, len(clip), count, counter.cuts)


def interpolate_images(method: Method, first: Path, second: Path, output: Path, *, t: float, force: bool) -> Made:
    """See `Interpolator.images`."""
    if not 0 < t < 1:
        raise ConfigError(f"time {t} does not lie between the images.", fix="Choose a time between 0 and 1.")
    _check_output(first, output, force, IMAGE_SUFFIXES)
    _check_output(second, output, force, IMAGE_SUFFIXES)
    stream = [StreamFrame(_read_image(first)), StreamFrame(_read_image(second))]
    image = to_image(next(pairs(method, stream)).at(t))
    with atomic_file(output) as partial:
        write_image(partial, image)
    return Made(output, 2, 1, 0)


class _CutCounter:
    """Streams a clip, marks its shots and counts its cuts."""

    def __init__(self, source: FrameSource) -> None:
        self._source = source
        self.cuts = 0

    def stream(self) -> Iterator[StreamFrame]:
        times: Iterable[float | None] = [None] * len(self._source)
        if self._source.timestamps is not None:
            times = self._source.timestamps.tolist()
        frames = zip(in_order(self._source), times, strict=True)
        for frame in detect_shots(StreamFrame(image, time) for image, time in frames):
            self.cuts += frame.begins_shot
            yield frame


def _with_progress(frames: Iterable[Frame], total: int, progress: bool) -> Iterable[Frame]:
    return tqdm(frames, total=total, unit="frame", disable=not progress, dynamic_ncols=True)


def _frame_name(number: int) -> str:
    return f"{number:06d}.png"


def _read_image(path: Path) -> NDArray[np.uint8]:
    try:
        return decode_rgb(path.read_bytes())
    except (OSError, ValueError) as error:
        raise FrameReadError(
            f"the image cannot be read: {error}", where=path, fix="Give a complete PNG or JPEG file."
        ) from error


def _check_length(clip: FrameSource) -> None:
    if len(clip) < 2:
        raise SourceError("a clip of one frame has nothing in between", where=clip.name, fix="Use a longer clip.")


def _check_crf(crf: int) -> None:
    if not 0 <= crf <= 51:
        raise ConfigError(f"crf {crf} is not a quality of libx264.", fix="Use 0 (lossless) to 51; 18 is usual.")


def _check_steps(timeline: Timeline, output: Path) -> None:
    """Refuse times that the container would round to equal ones.

    Raises:
        OutputError: it would.
    """
    closest = min(b - a for a, b in pairwise(timeline.ticks)) * timeline.time_base
    if output.suffix.lower() == ".mkv" and closest < _MKV_TICK:
        raise OutputError(
            f"MKV counts time in milliseconds, and frames would come {float(1000 * closest):.2g} ms apart",
            where=output,
            fix="Name an output that ends in .mp4, or choose a smaller factor.",
        )


def _check_output(source: Path, output: Path, force: bool, suffixes: tuple[str, ...]) -> None:
    """Refuse an output that would destroy something, or whose kind is unknown.

    Raises:
        OutputError: it is the input, it exists and is not to be replaced, or its suffix is not one of ``suffixes``.
    """
    if output.suffix.lower() not in suffixes:
        raise OutputError("no format is known by this name", where=output, fix=f"Use one of {', '.join(suffixes)}.")
    if output.exists() and source.exists() and output.samefile(source):
        raise OutputError("the output is the input", where=output, fix="Name another file.")
    if output.is_dir() or (output.exists() and not force):
        raise OutputError("the output exists already", where=output, fix="Name another file, or use --force.")


def _check_output_folder(source: Path, output: Path, force: bool) -> None:
    """Refuse a folder that holds anything but an earlier result.

    Raises:
        OutputError: it is the input, a file, or the folder that this process runs in; or holds files and is not to be
            replaced, or holds other files than this program writes.
    """
    if not output.exists():
        return
    if not output.is_dir():
        raise OutputError("the output is a file, not a folder", where=output, fix="Name another folder.")
    if source.exists() and output.samefile(source):
        raise OutputError("the output is the input", where=output, fix="Name another folder.")
    if Path.cwd().is_relative_to(output.resolve()):
        raise OutputError("the output is the folder you are in", where=output, fix="Name a folder below it.")
    names = sorted(path.name for path in output.iterdir())
    if names and names != [_frame_name(number) for number in range(len(names))]:
        raise OutputError("the output folder holds other files", where=output, fix="Name a new or empty folder.")
    if names and not force:
        raise OutputError("the output folder holds frames already", where=output, fix="Name another, or use --force.")
