"""Video files for tests whose frames carry their number as eight squares, which survive compression."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from lift_core.data.source import FrameSource

HEIGHT, WIDTH = 48, 80
_SQUARE = 16


def numbered_frame(number: int, height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.uint8]:
    """A moving gradient with the bits of ``number`` (0 to 255) as white or black squares in the upper left corner."""
    y, x = np.mgrid[:height, :width]
    image = np.stack([2 * x + number, 3 * y + 2 * number, 90 + x + y], axis=-1) % 256
    for bit in range(8):
        top, left = _SQUARE * (bit // 4), _SQUARE * (bit % 4)
        image[top : top + _SQUARE, left : left + _SQUARE] = 255 * (number >> bit & 1)
    return image.astype(np.uint8)


def read_number(frame: NDArray[np.uint8]) -> int:
    """The number that the squares of a frame ``[H, W, 3]`` show."""
    number = 0
    for bit in range(8):
        top, left = _SQUARE * (bit // 4) + 4, _SQUARE * (bit % 4) + 4
        number |= int(frame[top : top + 8, left : left + 8].mean() > 128) << bit
    return number


def numbers(source: FrameSource, indices: Sequence[int]) -> list[int]:
    """The numbers that frames of a source show."""
    return [read_number(frame) for frame in source.frames(indices)]


def write_numbered(
    path: Path,
    *,
    count: int = 60,
    times: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 25),
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    container_format: str | None = None,
    container_options: dict[str, str] | None = None,
    size: tuple[int, int] = (HEIGHT, WIDTH),
    pixel_format: str = "yuv420p",
    rotation: int | None = None,
    gop: int = 12,
) -> Path:
    """Encode frames 0 to ``count - 1``; ``times`` are their presentation times in units of ``time_base``."""
    with av.open(str(path), "w", format=container_format, options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=Fraction(25), options=options or {})
        stream.height, stream.width, stream.pix_fmt = *size, pixel_format
        stream.codec_context.time_base = time_base
        stream.codec_context.gop_size = gop
        stream.codec_context.thread_count = 1
        if rotation is not None:
            stream.set_display_rotation(rotation)
        for number in range(count):
            picture = av.VideoFrame.from_ndarray(numbered_frame(number, *size), format="rgb24")
            picture.pts, picture.time_base = (number if times is None else times[number]), time_base
            container.mux(stream.encode(picture.reformat(format=pixel_format)))
        container.mux(stream.encode())
    return path
