"""What an interpolated video takes over from the one it is made of: times, colours, pixel shape."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer

from lift_core.data.video_colour import Matrix, Range
from lift_core.data.video_container import open_container, packets, video_stream
from lift_core.data.video_file import VideoFileSource
from lift_core.inference.moments import Timeline

_USUAL_RATE = Fraction(30)

_FINEST_RATE = 10_000
"""Largest denominator of a frame rate; FFmpeg holds both its parts in 32 bits."""

_CLOCK_STARTS_ANYWHERE = 0x0200
"""FFmpeg's AVFMT_TS_DISCONT."""

_RGB = 0
_CODE_OF_MATRIX: dict[Matrix, int] = {"bt601": 6, "bt709": 1, "smpte240m": 7, "bt2020": 9}


@dataclass(frozen=True)
class VideoStyle:
    """The format of a video.

    Attributes:
        rate: frames per second, a hint for players and the encoder; times are exact without it.
        pixel_aspect: width over height of one pixel as displayed.
        matrix, primaries, transfer, colour_range: tags as ITU-T H.273 and FFmpeg number them (range: 0 unknown,
            1 limited, 2 full), written as they were found; but the matrix of a video stored as RGB is that which it
            is coded with.
        coding_matrix, coding_range: what RGB is converted with: the tags, or what an untagged file is taken to be.
    """

    rate: Fraction
    pixel_aspect: Fraction
    matrix: int
    primaries: int
    transfer: int
    colour_range: int
    coding_matrix: Matrix
    coding_range: Range

    def at_rate(self, rate: Fraction) -> VideoStyle:
        """The style of a video of another frame rate."""
        return replace(self, rate=rate.limit_denominator(_FINEST_RATE))


def read_style(path: Path, source: VideoFileSource) -> VideoStyle:
    """The style of the video file ``path``, opened as ``source``.

    Raises:
        SourceError: no video stream, or no frame that can be decoded.
    """
    colour = source.colour
    with open_container(path) as container:
        # Code points that mean the same matrix are kept apart, so that players see the tag that was there.
        context = video_stream(container, path).codec_context
        matrix = int(context.colorspace)
        return VideoStyle(
            rate=source.frame_rate or _USUAL_RATE,
            pixel_aspect=source.sample_aspect_ratio,
            matrix=_CODE_OF_MATRIX[colour.matrix] if matrix == _RGB else matrix,
            primaries=colour.primaries,
            transfer=colour.transfer,
            colour_range=int(context.color_range),
            coding_matrix=colour.matrix,
            coding_range=colour.range,
        )


def start_of_clock(path: Path) -> Fraction:
    """Seconds from which a video file counts: of broadcast formats (MPEG-TS, -PS), whose clocks start anywhere.

    Of all others it is 0: there a late start is meant.

    Raises:
        SourceError: no video container.
    """
    with open_container(path) as container:
        if container.format.flags & _CLOCK_STARTS_ANYWHERE and container.start_time is not None:
            return Fraction(container.start_time, av.time_base)
    return Fraction(0)


def read_timeline(path: Path, source: VideoFileSource) -> Timeline:
    """The times of the frames of the video file ``path``, opened as ``source``; it has two frames or more.

    They are counted from `start_of_clock`.

    Frames without usable times are spaced by the frame rate. Where the file does not state the last frame's duration,
    it is that of the frame before.

    Raises:
        SourceError: no video stream, or no frame that can be decoded.
    """
    if source.pts is None:
        return Timeline(1 / (source.frame_rate or _USUAL_RATE), np.arange(len(source)), 1)
    last = int(source.pts[-1])
    with open_container(path) as container:
        stated = _duration_at(container, video_stream(container, path), last)
    begin = round(start_of_clock(path) / source.time_base)
    return Timeline(source.time_base, source.pts - begin, stated or last - int(source.pts[-2]))


def _duration_at(container: InputContainer, stream: av.VideoStream, tick: int) -> int:
    """The duration of the packet shown at ``tick``, as the file states it; 0 where it does not."""
    with suppress(av.FFmpegError):
        container.seek(tick, stream=stream)
        for packet in packets(container, stream):
            if packet.pts == tick:
                return packet.duration or 0
    return 0
