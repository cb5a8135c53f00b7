"""Checks of what is to be interpolated, before hours of work: what cannot be is refused, what would be lost is told."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np

from lift_core.data.source import FrameSource
from lift_core.data.video_container import open_container, video_stream
from lift_core.data.video_file import VideoFileSource
from lift_core.data.video_header import header_claims
from lift_core.errors import FrameReadError, SourceError

_log = logging.getLogger(__name__)

_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_HEADER_BYTES = 33
_PNG_WITH_ALPHA = (4, 6)


def check_length(clip: FrameSource) -> None:
    """Refuse a clip without a pair of frames.

    Raises:
        SourceError: it has fewer than two.
    """
    if len(clip) < 2:
        raise SourceError("a clip of one frame has nothing in between", where=clip.name, fix="Use a longer clip.")


def check_whole(source: Path) -> None:
    """Refuse a video file that ends before its header says it does; some formats say nothing.

    Raises:
        SourceError: it does.
    """
    if missing := header_claims(source).missing:
        raise SourceError(
            f"the file is cut off: {missing}",
            where=source,
            fix="Fetch it again, or take what is there: ffmpeg -i IN -c copy SHORTER.mp4",
        )


def check_opaque(source: Path, clip: VideoFileSource) -> None:
    """Refuse the video file ``source``, opened as ``clip``, if it is transparent anywhere.

    Where it is stored with transparency, as all GIFs are, every frame is looked at.

    Raises:
        SourceError: it is, or it may be: WebM does not show its transparency.
    """
    stored = clip.pixel_format
    has_alpha = any(component.is_alpha for component in av.VideoFormat(stored).components)
    transparent = has_alpha and _shows_through(source)
    with open_container(source) as container:
        # WebM has it in blocks of its own, which decoders leave out of the picture.
        tags = video_stream(container, source).metadata
        if any(name.lower() == "alpha_mode" and text == "1" for name, text in tags.items()):
            stored, transparent = "alpha_mode", True
    if transparent:
        raise SourceError(
            f"the video has transparency ({stored}), which the result could not hold",
            where=clip.name,
            fix="Flatten it first: ffmpeg -i IN -pix_fmt yuv420p FLAT.mp4",
        )


def _shows_through(source: Path) -> bool:
    """Whether any pixel of a video that is stored with transparency is not opaque, up to the first damage."""
    with open_container(source) as container, suppress(av.FFmpegError):
        for frame in container.decode(video_stream(container, source)):
            if frame.to_ndarray(format="rgba")[..., 3].min() < 255:
                return True
    return False


def warn_of_interlacing(source: Path) -> None:
    """Warn where the frames of a video are two fields each, half a frame apart in time: no frame lies between those.

    Raises:
        SourceError: no video stream.
    """
    interlaced = False
    with open_container(source) as container, suppress(av.FFmpegError):
        interlaced = any(
            frame.interlaced_frame for frame in islice(container.decode(video_stream(container, source)), 1)
        )
    if interlaced:
        _log.warning(
            "%s is interlaced, and its combs would be in new frames too: make whole frames of it first, as in"
            " ffmpeg -i IN -vf bwdif PROGRESSIVE.mp4",
            source,
        )


def lost_of_video(source: Path, clip: VideoFileSource) -> tuple[str, ...]:
    """What the result will not have of the video file ``source``, opened as ``clip``, in words."""
    bits = max(component.bits for component in av.VideoFormat(clip.pixel_format).components)
    notes = [f"{bits} bits per channel became 8"] if bits > 8 else []
    with open_container(source) as container:
        others = [stream.type for stream in container.streams if stream.type not in ("video", "audio")]
        if "mov" in container.format.name and container.chapters() and "data" in others:
            # MP4 keeps the names of chapters in a stream of their own.
            others.remove("data")
        videos = len(container.streams.video)
    if others:
        notes.append(f"left out: {', '.join(sorted(set(others)))}")
    if videos > 1:
        notes.append(f"the first of {videos} videos was taken")
    return tuple(notes)


def check_images(paths: Iterable[Path]) -> tuple[str, ...]:
    """Refuse images that are missing or transparent anywhere; return what the result will not have of the others.

    Only headers are read, and images that have an alpha channel, which may be opaque.

    Raises:
        FrameReadError: an image is missing or cannot be read.
        SourceError: an image is transparent somewhere.
    """
    deepest = 8
    for path in paths:
        try:
            header = _read_header(path)
            transparent = header.has_alpha and _is_transparent(path)
        except OSError as error:
            raise FrameReadError(f"the image cannot be read: {error.strerror}", where=path) from error
        if transparent:
            raise SourceError(
                "the image has transparency, which the result could not hold",
                where=path,
                fix="Flatten it first: ffmpeg -i IN.png -pix_fmt rgb24 FLAT.png",
            )
        deepest = max(deepest, header.bits)
    return (f"{deepest} bits per channel became 8",) if deepest > 8 else ()


@dataclass(frozen=True)
class _ImageHeader:
    bits: int
    has_alpha: bool


def _read_header(path: Path) -> _ImageHeader:
    """What the header of a PNG file tells; of any other file, what is true of JPEG."""
    with path.open("rb") as file:
        head = file.read(_PNG_HEADER_BYTES)
        if not head.startswith(_PNG_START) or len(head) < _PNG_HEADER_BYTES:
            return _ImageHeader(8, False)
        bits, has_alpha = head[24], head[25] in _PNG_WITH_ALPHA
        while not has_alpha and (chunk := file.read(8)) and chunk[4:] != b"IDAT":
            # A palette, or one colour, may be transparent too.
            has_alpha = chunk[4:] == b"tRNS"
            file.seek(int.from_bytes(chunk[:4], "big") + 4, 1)
    return _ImageHeader(bits, has_alpha)


def _is_transparent(path: Path) -> bool:
    image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        # A damaged file: reading it for its colours says so.
        return False
    if image.ndim < 3 or image.shape[2] < 4:
        # The decoder has not kept what is transparent.
        return True
    alpha = image[..., 3]
    return bool(alpha.min() < (255 if alpha.dtype == np.uint8 else 65535))
