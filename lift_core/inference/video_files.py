"""Interpolation of a video file, in pieces, so that an interrupted run goes on where it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import islice, takewhile
from pathlib import Path

import lift_core
from lift_core.atomic import atomic_file, replace_file
from lift_core.data.video_container import open_container
from lift_core.data.video_file import VideoFileSource
from lift_core.errors import ConfigError, OutputError, SourceError
from lift_core.inference.clip_stream import ClipStream, Made
from lift_core.inference.frames import to_image
from lift_core.inference.image_files import progress_bar
from lift_core.inference.methods import Method
from lift_core.inference.moments import Plan, at_rate, check_factor, multiplied
from lift_core.inference.output_checks import check_output_file
from lift_core.inference.source_checks import (
    check_length,
    check_opaque,
    check_whole,
    lost_of_video,
    warn_of_interlacing,
)
from lift_core.inference.unfinished import Unfinished, unfinished
from lift_core.inference.video_style import VideoStyle, read_style, read_timeline, start_of_clock
from lift_core.inference.video_writer import CONTAINERS, VideoWriter, check_audio, join_pieces

_MKV_TICK = Fraction(1, 1000)

_PIECE = 48
"""Frames of a piece: what a run that is killed loses at most."""

_PIECE_NAME = "{:06d}.mp4"


@dataclass(frozen=True)
class VideoOptions:
    """What becomes of a video.

    Attributes:
        factor: new frame rate over old, a whole number of 2 or more; None where ``fps`` is given.
        fps: frames per second of the result; None where ``factor`` is given.
        crf: quality of libx264, 0 (lossless) to 51.
    """

    factor: int | None = 2
    fps: Fraction | None = None
    crf: int = 18

    def __post_init__(self) -> None:
        if (self.factor is None) == (self.fps is None):
            raise ConfigError(
                "a video's new rate is a factor or a number of frames per second.", fix="Give one of the two."
            )
        if self.factor is not None:
            check_factor(self.factor)
        if not 0 <= self.crf <= 51:
            raise ConfigError(
                f"crf {self.crf} is not a quality of libx264.", fix="Use 0 (lossless) to 51; 18 is usual."
            )


def interpolate_video(
    method: Method,
    source: Path,
    output: Path,
    options: VideoOptions,
    *,
    force: bool,
    restart: bool,
    progress: bool,
) -> Made:
    """See `Interpolator.video`."""
    check_output_file(source, output, force, CONTAINERS)
    clip = VideoFileSource(source, threads=0)
    check_whole(source)
    check_length(clip)
    check_opaque(source, clip)
    warn_of_interlacing(source)
    notes = lost_of_video(source, clip)
    plan, style = _planned(source, clip, options)
    _check_steps(plan, output)
    check_audio(source, output)
    settings = {
        "video": clip.fingerprint,
        "factor": options.factor,
        "fps": None if options.fps is None else str(options.fps),
        "crf": options.crf,
        "method": method.fingerprint,
        "version": f"lift_core {lift_core.__version__}, pieces of {_PIECE}",
    }
    with unfinished(output, settings, restart=restart) as work:
        piece = partial(
            VideoWriter,
            size=clip.size,
            time_base=plan.timeline.time_base,
            style=style,
            crf=options.crf,
            place=output,
        )
        pieces = _write_pieces(method, clip, plan, piece, work, progress)
        joined = work.joined(output.suffix)
        join_pieces(
            pieces,
            joined,
            plan.timeline,
            style.rate,
            audio_from=source,
            earlier=start_of_clock(source),
            place=output,
        )
        # What has come to lie there in the meantime is not lost either.
        check_output_file(source, output, force, CONTAINERS)
        replace_file(joined, output)
        return Made(output, len(clip), len(plan), work.cuts, notes)


def _planned(source: Path, clip: VideoFileSource, options: VideoOptions) -> tuple[Plan, VideoStyle]:
    timeline, style = read_timeline(source, clip), read_style(source, clip)
    if options.factor is not None:
        return multiplied(timeline, options.factor), style.at_rate(style.rate * options.factor)
    assert options.fps is not None  # One of the two is given.
    return at_rate(timeline, options.fps), style.at_rate(options.fps)


def _write_pieces(
    method: Method,
    clip: VideoFileSource,
    plan: Plan,
    open_piece: Callable[[Path], VideoWriter],
    work: Unfinished,
    progress: bool,
) -> list[Path]:
    """Write the pieces that are missing from the first on, and return all of them in order."""
    starts = range(0, len(plan), _PIECE)
    pieces = [work.parts / _PIECE_NAME.format(number) for number in range(len(starts))]
    lengths = [min(_PIECE, len(plan) - start) for start in starts]
    done = sum(1 for _ in takewhile(lambda piece: _is_whole(*piece), zip(pieces, lengths, strict=True)))
    if done == len(pieces):
        return pieces
    first = starts[done]
    stream = ClipStream(clip, method.context, min(int(plan.pairs[first]), len(clip) - 2), work.note_cut)
    images = map(to_image, stream.interpolated(method, plan.moments(first)))
    with progress_bar(first, len(plan), progress) as bar:
        for piece, start in zip(pieces[done:], starts[done:], strict=True):
            ticks = plan.timeline.ticks[start : start + _PIECE].tolist()
            shown = plan.timeline.durations[start : start + _PIECE].tolist()
            with atomic_file(piece) as unready, open_piece(unready) as writer:
                for tick, duration, image in zip(ticks, shown, islice(images, len(ticks)), strict=True):
                    # Within a piece time begins at its first frame: a container would store a late start as a gap.
                    writer.write(image, tick - ticks[0], duration)
                    bar.update()
    return pieces


def _is_whole(piece: Path, frames: int) -> bool:
    """Whether a piece is there, can be read, and has as many frames as it should."""
    try:
        with open_container(piece) as container:
            return container.streams.video[0].frames == frames
    except (SourceError, IndexError):
        return False


def _check_steps(plan: Plan, output: Path) -> None:
    """Refuse times that the container would round to equal ones.

    Raises:
        OutputError: it would.
    """
    closest = plan.timeline.closest
    if output.suffix.lower() == ".mkv" and closest < _MKV_TICK:
        raise OutputError(
            f"MKV counts time in milliseconds, and frames would come {float(1000 * closest):.2g} ms apart",
            where=output,
            fix="Name an output that ends in .mp4, or choose a smaller factor.",
        )
