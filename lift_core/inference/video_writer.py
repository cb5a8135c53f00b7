"""Writing an interpolated video: pieces of H.264, then all in a row, with true times and the original's audio."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext, suppress
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.container import OutputContainer
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from numpy.typing import NDArray

from lift_core.data.video_colour import Matrix
from lift_core.data.video_container import VideoPacket, open_container
from lift_core.errors import OutputError, SourceError
from lift_core.inference.audio_copy import AudioCopy, video_errors_named
from lift_core.inference.moments import Timeline
from lift_core.inference.video_style import VideoStyle

_SWSCALE_MATRICES: dict[Matrix, Colorspace] = {
    "bt601": Colorspace.ITU601,
    "bt709": Colorspace.ITU709,
    "smpte240m": Colorspace.SMPTE240M,
    "bt2020": Colorspace.BT2020,
}

_HEADINGS = ("title", "artist", "album", "genre", "date", "comment", "description", "copyright")

CONTAINERS = (".mp4", ".m4v", ".mov", ".mkv")
"""Containers that hold H.264 with a time for each frame, and almost any audio."""


class VideoWriter:
    """Writes a piece of a video: its frames, without audio.

    A context manager; the file is complete when the block has ended without an error.

    Args:
        path: where to write; the suffix names the container, one of ``CONTAINERS``.
        size: height and width of the frames as displayed.
        time_base: seconds of one tick of frame times.
        style: their colours and pixel shape.
        crf: quality of libx264, 0 (lossless) to 51; 18 is hard to tell from the original.
        place: what errors call the file, where ``path`` is a temporary name of it.

    An odd height or width does not go with 4:2:0, so such a video is written as 4:4:4 and keeps its size. There are no
    B-frames: then every frame's duration, the last one's too, is stored as it is, and pieces can be put in a row.

    Raises:
        OutputError: the encoder refuses the format.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        time_base: Fraction,
        style: VideoStyle,
        *,
        crf: int = 18,
        place: Path | None = None,
    ) -> None:
        self._style, self._time_base, self._place = style, time_base, place or path
        self._durations: dict[int, int] = {}
        # With the protocol spelled out a colon in the name does not become one.
        with video_errors_named(self._place):
            self._container = av.open(f"file:{path}", "w")
        try:
            self._stream = self._add_video(size, crf)
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
        finally:
            _close(self._container, self._place, quietly=error is not None)

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
        with video_errors_named(self._place):
            for packet in self._stream.encode(frame):
                if packet.pts is not None:
                    packet.duration = self._durations.pop(packet.pts)
                self._container.mux(packet)


def check_audio(source: Path, output: Path) -> None:
    """Find out, before anything is made, whether a container can hold the audio of a file as it is.

    Args:
        source: the file with the audio.
        output: the file to be; its suffix names the container, one of ``CONTAINERS``.

    Raises:
        OutputError: it cannot.
        SourceError: the source cannot be opened.
    """
    with TemporaryDirectory() as folder, av.open(f"file:{folder}/trial{output.suffix}", "w") as trial:
        picture = trial.add_stream("libx264", rate=30)
        picture.height = picture.width = 64
        with closing(AudioCopy(source, trial, output)) as audio:
            audio.add_streams()
            try:
                # Some refusals come with the header only.
                trial.start_encoding()
            except (ValueError, av.FFmpegError) as error:
                raise audio.refusal() from error


def join_pieces(
    pieces: Sequence[Path],
    path: Path,
    timeline: Timeline,
    rate: Fraction,
    *,
    audio_from: Path,
    earlier: Fraction = Fraction(0),
    place: Path | None = None,
) -> None:
    """Put the pieces of a video in a row, and beside them the audio of another file, untouched, in step with them.

    The title and the like, and chapters, come from that file too.

    Args:
        pieces: videos that `VideoWriter` wrote with one style, together as many frames as ``timeline`` has.
        path: where to write; the suffix names the container, one of ``CONTAINERS``.
        timeline: of the whole.
        rate: frames per second that the container states.
        audio_from: a file whose audio streams are copied, in streams of the same language and title; it may have none.
        earlier: seconds by which the audio moves to the front, see `video_style.start_of_clock`.
        place: what errors call the file, where ``path`` is a temporary name of it.

    Raises:
        OutputError: the container cannot hold the audio, the place cannot be written to, or the pieces are damaged,
            were coded in different ways, or hold another number of frames.
        SourceError: the audio cannot be read.
    """
    shown = place or path
    # An MKV file has a random identity, unless the same pictures and sounds are to give the same bytes.
    options = {"fflags": "+bitexact"} if path.suffix.lower() == ".mkv" else {"movflags": "+faststart"}
    with video_errors_named(shown):
        output = av.open(f"file:{path}", "w", options=options)
    whole = False
    try:
        _copy_headings(audio_from, output)
        with closing(AudioCopy(audio_from, output, shown, earlier)) as audio:
            _copy_pieces(pieces, output, timeline, rate, audio, shown)
            audio.copy_until(None)
        whole = True
    finally:
        _close(output, shown, quietly=not whole)


def _copy_headings(source: Path, output: OutputContainer) -> None:
    """Give a file another one's title and the like, and its chapters."""
    with open_container(source) as original:
        # Matroska writes the names of tags in capitals.
        named = {name.lower(): text for name, text in original.metadata.items()}
        output.metadata.update({name: named[name] for name in _HEADINGS if name in named})
        output.set_chapters(original.chapters())


def _copy_pieces(
    pieces: Sequence[Path],
    output: OutputContainer,
    timeline: Timeline,
    rate: Fraction,
    audio: AudioCopy,
    place: Path,
) -> None:
    stream: av.VideoStream | None = None
    shown = zip(map(int, timeline.ticks), map(int, timeline.durations), strict=True)
    for coded, packet in _coded_packets(pieces, place):
        if stream is None:
            stream = output.add_stream_from_template(coded)
            stream.time_base = timeline.time_base
            stream.codec_context.framerate = rate
            # The header can be written once every stream is known, and audio may come before the first frame.
            audio.add_streams()
        pts, duration = next(shown, (None, None))
        if pts is None:
            raise _misfit(place)
        audio.copy_until(float(pts * timeline.time_base))
        packet.stream, packet.time_base = stream, timeline.time_base
        packet.pts = packet.dts = pts
        packet.duration = duration
        with video_errors_named(place):
            output.mux(packet)
    if next(shown, None) is not None:
        raise _misfit(place)


def _coded_packets(pieces: Sequence[Path], place: Path) -> Iterator[tuple[av.VideoStream, VideoPacket]]:
    """The packets of all pieces, each with the stream that it comes from."""
    header: bytes | None = None
    for piece in pieces:
        try:
            with open_container(piece) as container:
                stream = container.streams.video[0]
                own = stream.codec_context.extradata
                if header not in (None, own):
                    raise _misfit(place)
                header = own
                for packet in container.demux(stream):
                    if packet.dts is not None:
                        yield stream, packet
        except (SourceError, av.FFmpegError) as error:
            raise _misfit(place) from error


def _misfit(place: Path) -> OutputError:
    return OutputError(
        "the unfinished pieces of this video do not fit together", where=place, fix="Begin anew: --restart."
    )


def _close(container: OutputContainer, place: Path, *, quietly: bool) -> None:
    """Close a file, which writes its end; after another error what comes of that does not matter."""
    with suppress(OutputError) if quietly else nullcontext(), video_errors_named(place):
        container.close()
