"""Opening a video file: its container, the stream that holds the pictures, and errors in words."""

from __future__ import annotations

import logging
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import av
from av.container import InputContainer
from av.stream import Disposition

from lift_core.errors import SourceError

# Demuxers that make a "video" of any text or of one picture.
_NOT_VIDEO = ("tty", "image2", "bin", "xbin", "adf", "idf")

VideoPacket: TypeAlias = "av.Packet[av.VideoStream]"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FileMark:
    """What changes when a file is written anew: its bytes, its time of change in nanoseconds, its inode."""

    size: int
    changed_ns: int
    inode: int

    def is_of_same_content(self, other: FileMark) -> bool:
        """Whether size and date agree; some network file systems give a file another inode after a while."""
        return (self.size, self.changed_ns) == (other.size, other.changed_ns)


def file_mark(path: Path) -> FileMark:
    """Look at a file without opening it.

    Raises:
        SourceError: it is missing, or no plain file.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise SourceError(f"no such video file: {error.strerror}", where=path, fix="Check the path.") from error
    if not stat.S_ISREG(status.st_mode):
        raise SourceError("not a plain file, so frames cannot be sought in it", where=path, fix="Save it to a file.")
    return FileMark(status.st_size, status.st_mtime_ns, status.st_ino)


def open_container(path: Path) -> InputContainer:
    """Open a file for reading.

    Raises:
        SourceError: missing, unreadable, or no video container.
    """
    file_mark(path)
    try:
        # With the protocol spelled out a colon in the name does not become one. Titles may be in any encoding.
        container = av.open(f"file:{path}", metadata_errors="backslashreplace")
    except (av.FFmpegError, OSError) as error:
        raise SourceError(
            f"cannot open the video: {error.strerror}", where=path, fix="Is it a complete video file?"
        ) from error
    name = container.format.name
    if name in _NOT_VIDEO or name.endswith("_pipe"):
        container.close()
        raise SourceError(f"not a video file ({name})", where=path, fix="Give a video, or a folder of frames.")
    return container


def video_stream(container: InputContainer, path: Path) -> av.VideoStream:
    """The first stream of pictures that is not a cover image.

    Raises:
        SourceError: there is none, or no decoder for it.
    """
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            if stream.codec_context is None:
                raise SourceError("no decoder for this video's codec", where=path, fix="Convert it to H.264.")
            return stream
    raise SourceError("the file has no video stream", where=path, fix="Give a file with pictures in it.")


def packets(container: InputContainer, stream: av.VideoStream) -> Iterator[VideoPacket]:
    """Demux to the end, or to where the file is cut off; without the empty packet that asks a decoder to drain."""
    with suppress(av.FFmpegError):
        for packet in container.demux(stream):
            if packet.size:
                yield packet
