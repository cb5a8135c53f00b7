"""Writing an interpolated video: H.264 with true frame times, the original's colours, pixel shape and audio."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from numpy.typing import NDArray

from lift_core.data.video_colour import Matrix
from lift_core.data.video_container import open_container
from lift_core.errors import OutputError, SourceError
from lift_core.inference.video_style import VideoStyle

_SWSCALE_MATRICES: dict[Matrix, Colorspace] = {
    "bt601": Colorspace.ITU601,
    "bt709": Colorspace.ITU709,
    "smpte240m": Colorspace.SMPTE240M,
    "bt2020": Colorspace.BT2020,
}

CONTAINERS = (".mp4", ".m4v", ".mov", ".mkv")
"""Containers that hold H.264 with a time for each frame, and almost any audio."""


class VideoWriter:
    """Writes frames and, beside them, the audio packets of another file, untouched, in streams of the same language.

    A context manager; the file is complete when the block has ended without an error.

    Args:
        path: where to write; the suffix names the container, one of ``CONTAINERS``.
        size: height and width of the frames as displayed.
        time_base: seconds of one tick of frame times.
        style: their colours and pixel shape.
        crf: quality of libx264, 0 (lossless) to 51; 18 is hard to tell from the original.
        audio_from: a file whose audio streams are copied; None for a silent video.
        place: what errors call the file, where ``path`` is a temporary name of it.

    An odd height or width does not go with 4:2:0, so such a video is written as 4:4:4 and keeps its size. There are no
    B-frames: then every frame's duration, the last one's too, is stored as it is.

    Raises:
        OutputError: the container cannot hold the streams, or the encoder refuses the format.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        time_base: Fraction,
        style: VideoStyle,
        *,
        crf: int = 18,
        audio_from: Path | None = None,
        place: Path | None = None,
    ) -> None:
        self._style, self._time_base, self._place = style, time_base, place or path
        self._durations: dict[int, int] = {}
        options = {"movflags": "+faststart"} if path.suffix.lower() != ".mkv" else {}
        # With the protocol spelled out a colon in the name does not become one.
        self._container = av.open(f"file:{path}", "w", options=options)
        try:
            self._stream = self._add_video(size, crf)
            self._audio = None if audio_from is None else _AudioCopy(audio_from, self._add_audio, self._store)
        except BaseException:
            self._container.close()
            raise

    def write(self, image: NDArray[np.uint8], pts: int, duration: int) -> None:
        """Add one frame.

        Args:
            image: RGB uint8 ``[H, W, 3]``.
            pts: when it is shown, in ticks; greater than the frame's before.
            duration: for how long, in ticks.
        """
        if self._audio is not None:
            self._audio.copy_until(float(pts * self._time_base))
        frame = self._convert(image)
        frame.pts, frame.time_base = pts, self._time_base
        self._durations[pts] = duration
        self._encode(frame)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._encode(None)
                if self._audio is not None:
                    self._audio.copy_until(None)
        finally:
            if self._audio is not None:
                self._audio.close()
            self._container.close()

    def _add_video(self, size: tuple[int, int], crf: int) -> av.VideoStream:
        style = self._style
        stream = self._container.add_stream("libx264", rate=style.rate, options={"crf": str(crf), "bf": "0"})
        stream.height, stream.width = size
        stream.pix_fmt = "yuv444p" if stream.height % 2 or stream.width % 2 else "yuv420p"
        stream.time_base = stream.codec_context.time_base = self._time_base
        context = stream.codec_context
        context.sample_aspect_ratio = style.pixel_aspect
        context.colorspace, context.color_range = style.matrix, style.colour_range
        context.color_primaries, context.color_trc = style.primaries, style.transfer
        return stream

    def _add_audio(self, like: av.AudioStream) -> av.AudioStream:
        try:
            stream = self._container.add_stream_from_template(like)
        except (ValueError, av.FFmpegError) as error:
            raise OutputError(
                f"this container cannot hold the audio as it is ({like.codec_context.name})",
                where=self._place,
                fix="Convert the audio first: ffmpeg -i IN -c:v copy -c:a aac CONVERTED.mkv"
                if self._place.suffix.lower() == ".mkv"
                else "Name an output that ends in .mkv.",
            ) from error
        if "language" in like.metadata:
            stream.metadata["language"] = like.metadata["language"]
        stream.disposition = like.disposition
        return stream

    def _convert(self, image: NDArray[np.uint8]) -> av.VideoFrame:
        matrix = _SWSCALE_MATRICES[self._style.coding_matrix]
        return av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24").reformat(
            format=self._stream.pix_fmt,
            src_colorspace=matrix,
            dst_colorspace=matrix,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.JPEG if self._style.coding_range == "full" else ColorRange.MPEG,
            # Without exact rounding, greys turn green in full range: their chroma becomes 127.
            interpolation=Interpolation.BILINEAR | Interpolation.ACCURATE_RND,
        )

    def _encode(self, frame: av.VideoFrame | None) -> None:
        """Hand one frame to the encoder, or none to end, and store what comes out."""
        try:
            made = self._stream.encode(frame)
        except av.FFmpegError as error:
            raise self._failure(error) from error
        for packet in made:
            if packet.pts is not None:
                packet.duration = self._durations.pop(packet.pts)
            self._store(packet)

    def _store(self, packet: av.Packet[Any]) -> None:
        try:
            self._container.mux(packet)
        except av.FFmpegError as error:
            raise self._failure(error) from error

    def _failure(self, error: av.FFmpegError) -> OutputError:
        return OutputError(
            f"the video cannot be written: {error.strerror}",
            where=self._place,
            fix="Check the place, its rights and free space.",
        )


class _AudioCopy:
    """Moves the audio packets of one file into another, in step with the video, so that neither has to be buffered.

    Args:
        path: the file with the audio.
        add: adds a stream like the one given to the other file.
        store: puts a packet of an added stream into it.
    """

    def __init__(
        self,
        path: Path,
        add: Callable[[av.AudioStream], av.AudioStream],
        store: Callable[[av.Packet[Any]], None],
    ) -> None:
        self._path, self._store = path, store
        self._input = open_container(path)
        self._streams = {stream.index: add(stream) for stream in self._input.streams.audio}
        self._packets = self._input.demux(*self._input.streams.audio) if self._streams else iter(())
        self._waiting: av.Packet[Any] | None = None

    def copy_until(self, seconds: float | None) -> None:
        """Copy the packets that begin before ``seconds``; None for all that are left."""
        while (packet := self._next()) is not None:
            if seconds is not None and packet.dts is not None and float(packet.dts * packet.time_base) >= seconds:
                self._waiting = packet
                return
            packet.stream = self._streams[packet.stream.index]
            self._store(packet)

    def close(self) -> None:
        self._input.close()

    def _next(self) -> av.Packet[Any] | None:
        """The packet put back, or the next that holds data; None at the end."""
        if self._waiting is not None:
            packet, self._waiting = self._waiting, None
            return packet
        try:
            return next((packet for packet in self._packets if packet.dts is not None), None)
        except av.FFmpegError as error:
            raise SourceError(f"the audio cannot be read: {error.strerror}", where=self._path) from error
