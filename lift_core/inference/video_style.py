"""What an interpolated video takes over from the one it is made of: times, colours, pixel shape."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
from av.container import InputContainer

from lift_core.data.video_colour import Matrix, Range
from lift_core.data.video_container import open_container, packets, video_stream
from lift_core.data.video_file import VideoFileSource
from lift_core.errors import ConfigError

_LARGEST_TICKS_PER_SECOND = 2**31 - 1
"""MP4 stores them in 32 bits."""

_USUAL_RATE = Fraction(30)

_FINEST_RATE = 10_000
"""Largest denominator of a frame rate; FFmpeg holds both its parts in 32 bits."""

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

    def multiplied(self, factor: int) -> VideoStyle:
        """The style of a video of ``factor`` times the frame rate."""
        return replace(self, rate=(self.rate * factor).limit_denominator(_FINEST_RATE))


@dataclass(frozen=True)
class Timeline:
    """When each frame of a clip is shown.

    Attributes:
        time_base: seconds of one tick.
        ticks: presentation times of the N frames, strictly increasing.
        last_duration: ticks for which the last frame is shown.
    """

    time_base: Fraction
    ticks: tuple[int, ...]
    last_duration: int

    def multiplied(self, factor: int) -> Timeline:
        """The times of ``(N - 1) * factor + 1`` frames: the new ones at equal steps between the old.

        The last frame keeps its duration, and with it the clip its own. The time base is ``factor`` times finer, so
        every time is exact, unless that is beyond what a file can hold.

        Raises:
            ConfigError: a factor so large that frames would share a time.
        """
        base = self.time_base / factor
        if 1 / base > _LARGEST_TICKS_PER_SECOND:
            base = self.time_base
        fine = self.time_base / base
        if min(b - a for a, b in pairwise(self.ticks)) * fine < factor:
            raise ConfigError(
                f"factor {factor} puts frames closer together than a video can count time.",
                fix="Choose a smaller factor.",
            )
        steps = [
            Fraction(a * (factor - step) + b * step, factor) * fine
            for a, b in pairwise(self.ticks)
            for step in range(factor)
        ]
        return Timeline(
            base, (*(round(step) for step in steps), int(self.ticks[-1] * fine)), int(self.last_duration * fine)
        )

    @property
    def durations(self) -> tuple[int, ...]:
        """Ticks for which each frame is shown: until the next one comes."""
        return (*(b - a for a, b in pairwise(self.ticks)), self.last_duration)


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


def read_timeline(path: Path, source: VideoFileSource) -> Timeline:
    """The times of the frames of the video file ``path``, opened as ``source``; it has two frames or more.

    Frames without usable times are spaced by the frame rate. Where the file does not state the last frame's duration,
    it is that of the frame before.

    Raises:
        SourceError: no video stream, or no frame that can be decoded.
    """
    if source.pts is None:
        return Timeline(1 / (source.frame_rate or _USUAL_RATE), tuple(range(len(source))), 1)
    ticks = tuple(source.pts.tolist())
    with open_container(path) as container:
        stated = _duration_at(container, video_stream(container, path), ticks[-1])
    return Timeline(source.time_base, ticks, stated or ticks[-1] - ticks[-2])


def _duration_at(container: InputContainer, stream: av.VideoStream, tick: int) -> int:
    """The duration of the packet shown at ``tick``, as the file states it; 0 where it does not."""
    with suppress(av.FFmpegError):
        container.seek(tick, stream=stream)
        for packet in packets(container, stream):
            if packet.pts == tick:
                return packet.duration or 0
    return 0
