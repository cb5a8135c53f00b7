"""What an interpolated video takes over from the one it is made of: times, colours, pixel shape."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
from av.container import InputContainer

from lift_core.data.video_colour import Matrix, Range
from lift_core.data.video_container import open_container, packets, video_stream
from lift_core.data.video_file import VideoFileSource

_LARGEST_TICKS_PER_SECOND = 2**31 - 1
"""MP4 stores them in 32 bits."""

_USUAL_RATE = Fraction(30)


@dataclass(frozen=True)
class VideoStyle:
    """The format of a video.

    Attributes:
        rate: frames per second, a hint for players and the encoder; times are exact without it.
        pixel_aspect: width over height of one pixel as displayed.
        matrix, primaries, transfer, colour_range: tags as ITU-T H.273 and FFmpeg number them (range: 0 unknown,
            1 limited, 2 full), written as they were found.
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
        """
        base = self.time_base / factor
        if 1 / base > _LARGEST_TICKS_PER_SECOND:
            base = self.time_base
        fine = self.time_base / base
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
        return VideoStyle(
            rate=source.frame_rate or _USUAL_RATE,
            pixel_aspect=source.sample_aspect_ratio,
            matrix=int(context.colorspace),
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
