"""Writing clips: Vimeo-style folders of numbered images, and H.264 video files."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from lift_core.atomic import atomic_file, atomic_folder
from lift_core.errors import ConfigError, OutputError, ShapeError

Image = NDArray[np.uint8]
ImageFormat = Literal["png", "jpg"]

# FFmpeg's rationals are two of C's int.
_LARGEST_PART_OF_RATE = 2**31 - 1


def frame_name(index: int, count: int, suffix: str) -> str:
    """``im00.png`` … ``im63.png``: two digits, more where ``count`` frames need them."""
    digits = max(2, len(str(count - 1)))
    return f"im{index:0{digits}d}.{suffix}"


def write_sequence(
    folder: Path, frames: Iterable[Image], count: int, *, image_format: ImageFormat = "png", quality: int = 95
) -> None:
    """Write ``count`` RGB uint8 frames as numbered images; the folder appears when all are written.

    Args:
        folder: becomes the sequence; replaced where it exists.
        frames: RGB uint8 ``[H, W, 3]`` each, read one at a time.
        count: how many there are; it sets the digits of the names.
        image_format: lossless PNG, or JPEG.
        quality: of JPEG, 1 to 100.

    Raises:
        OutputError: the place cannot be written to.
        ShapeError: ``frames`` holds another number of frames.
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if image_format == "jpg" else []
    with atomic_folder(folder) as temporary:
        written = 0
        for index, frame in enumerate(frames):
            write_image(temporary / frame_name(index, count, image_format), frame, options)
            written += 1
        if written != count:
            raise ShapeError(f"{written} frames where {count} were announced", where=folder)


def write_image(path: Path, image: Image, options: list[int] | None = None) -> None:
    """Encode RGB ``[H, W, 3]`` or grey ``[H, W]`` uint8 by the path's suffix.

    Raises:
        OutputError: the place cannot be written to.
    """
    ordered = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    # OpenCV only encodes: it crashes on names that are not UTF-8, and knows no other letters on Windows.
    _, data = cv2.imencode(path.suffix, ordered, options or [])
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise OutputError(
            f"cannot write the image: {error.strerror}", where=path, fix="Check the place, its rights and free space."
        ) from error


def write_video(
    path: Path, frames: Iterable[Image], *, fps: Fraction = Fraction(30), crf: int = 18, gop: int | None = None
) -> None:
    """Write RGB uint8 frames ``[H, W, 3]`` as H.264, BT.709, limited range; the file appears when all are written.

    4:2:0, or 4:4:4 where height or width is odd.

    Args:
        path: becomes the video.
        frames: read one at a time.
        fps: frames per second.
        crf: x264's quality, 0 (lossless) to 51.
        gop: most frames from one key frame to the next; None leaves it to the encoder.

    Raises:
        ConfigError: a rate that no video can have.
        OutputError: the place cannot be written to.
        ShapeError: no frames.
    """
    if fps <= 0 or max(fps.numerator, fps.denominator) > _LARGEST_PART_OF_RATE:
        raise ConfigError(
            "a video cannot have this rate: it is above 0, and the fraction of two numbers below 2147483648",
            where=path,
            fix="Choose a rate such as 30 or 30000/1001.",
        )
    with atomic_file(path) as temporary:
        try:
            _encode(temporary, frames, fps, crf, gop)
        except av.FFmpegError as error:
            raise OutputError(f"cannot write the video: {error.strerror}", where=path) from error


def _encode(path: Path, frames: Iterable[Image], fps: Fraction, crf: int, gop: int | None) -> None:
    # With the protocol spelled out a colon in the name does not become one.
    with av.open(f"file:{path}", "w") as container:
        stream: av.VideoStream | None = None
        for frame in frames:
            if stream is None:
                stream = _add_stream(container, frame, fps, crf)
                if gop is not None:
                    stream.codec_context.gop_size = gop
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(
                format=stream.pix_fmt,
                src_colorspace=Colorspace.ITU709,
                dst_colorspace=Colorspace.ITU709,
                src_color_range=ColorRange.JPEG,
                dst_color_range=ColorRange.MPEG,
            )
            container.mux(stream.encode(picture))
        if stream is None:
            raise ShapeError("a video without frames", where=path)
        container.mux(stream.encode())


def _add_stream(container: av.container.OutputContainer, frame: Image, fps: Fraction, crf: int) -> av.VideoStream:
    height, width = frame.shape[:2]
    stream = container.add_stream("libx264", rate=fps, options={"crf": str(crf)})
    stream.height, stream.width = height, width
    stream.pix_fmt = "yuv420p" if height % 2 == 0 and width % 2 == 0 else "yuv444p"
    # The encoder takes these numbers from ITU-T H.273: 1 is BT.709, 1 in the range field is limited.
    context = stream.codec_context
    context.colorspace = context.color_primaries = context.color_trc = 1
    context.color_range = 1
    return stream
