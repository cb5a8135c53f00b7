"""AudioCopy: the audio of one video file moved into another, packet by packet, beside the pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer

from lift_core.data.video_container import open_container
from lift_core.errors import OutputError, SourceError

_HEADINGS = ("language", "title")


@contextmanager
def video_errors_named(place: Path) -> Iterator[None]:
    """Raise OutputError where FFmpeg cannot write the video at ``place``."""
    try:
        yield
    except av.FFmpegError as error:
        raise OutputError(
            f"cannot write the video: {error.strerror}", where=place, fix="Check the place, its rights and free space."
        ) from error


class AudioCopy:
    """Moves the audio packets of one file into another, in step with the video, so that neither has to be buffered.

    Packets are copied as they are. Those that the file tells players to skip, as what lies before the place where a
    video was cut, are left out where the other file could not say so: but for one, from which a decoder starts.

    Args:
        path: the file with the audio.
        output: the other file.
        place: what errors call it.
        earlier: seconds by which packets move to the front.
    """

    def __init__(self, path: Path, output: OutputContainer, place: Path, earlier: Fraction = Fraction(0)) -> None:
        self._path, self._output, self._place, self._earlier = path, output, place, earlier
        self._is_mkv = place.suffix.lower() == ".mkv"
        self._input = open_container(path)
        self._streams: dict[int, av.AudioStream] = {}
        self._packets: Iterator[av.Packet[Any]] = iter(())
        self._waiting: av.Packet[Any] | None = None

    def add_streams(self) -> None:
        """Add a stream like each of the file's.

        Raises:
            OutputError: the container cannot hold it.
            SourceError: it has no header, as where the file is cut off behind the first pictures.
        """
        audio = self._input.streams.audio
        self._streams = {stream.index: self._added(stream) for stream in audio}
        if audio:
            self._packets = self._input.demux(*audio)

    def copy_until(self, seconds: float | None) -> None:
        """Copy the packets that begin before ``seconds``; None for all that are left."""
        while (packet := self._next()) is not None:
            if seconds is not None and packet.dts is not None and float(packet.dts * packet.time_base) >= seconds:
                self._waiting = packet
                return
            packet.stream = self._streams[packet.stream.index]
            with video_errors_named(self._place):
                self._output.mux(packet)

    def refusal(self) -> OutputError:
        """The error of a container that does not take these streams."""
        codecs = sorted({stream.codec_context.name for stream in self._input.streams.audio})
        return OutputError(
            f"this container cannot hold the audio as it is ({', '.join(codecs)})",
            where=self._place,
            fix="Convert the audio first: ffmpeg -i IN -c:v copy -c:a aac CONVERTED.mkv"
            if self._is_mkv
            else "Name an output that ends in .mkv.",
        )

    def close(self) -> None:
        self._input.close()

    def _added(self, like: av.AudioStream) -> av.AudioStream:
        if not like.codec_context.sample_rate:
            raise SourceError(
                f"the audio ({like.codec_context.name}) has no header that can be read",
                where=self._path,
                fix="Fetch the file again, or leave the audio out: ffmpeg -i IN -c:v copy -an SILENT.mp4",
            )
        try:
            stream = self._output.add_stream_from_template(like)
        except (ValueError, av.FFmpegError) as error:
            raise self.refusal() from error
        stream.metadata.update({name: like.metadata[name] for name in _HEADINGS if name in like.metadata})
        stream.disposition = like.disposition
        return stream

    def _next(self) -> av.Packet[Any] | None:
        """The packet put back, or the next that holds data; None at the end."""
        if self._waiting is not None:
            packet, self._waiting = self._waiting, None
            return packet
        try:
            return next((self._moved(packet) for packet in self._packets if self._is_wanted(packet)), None)
        except av.FFmpegError as error:
            raise SourceError(f"the audio cannot be read: {error.strerror}", where=self._path) from error

    def _is_wanted(self, packet: av.Packet[Any]) -> bool:
        if packet.dts is None:
            return False
        is_long_before = packet.pts is not None and packet.pts + 2 * (packet.duration or 0) <= 0
        return not (self._is_mkv and packet.is_discard and is_long_before)

    def _moved(self, packet: av.Packet[Any]) -> av.Packet[Any]:
        ticks = round(self._earlier / packet.time_base)
        packet.dts = None if packet.dts is None else packet.dts - ticks
        packet.pts = None if packet.pts is None else packet.pts - ticks
        return packet
