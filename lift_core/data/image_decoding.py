"""Decoding PNG and JPEG bytes to RGB, with an error where a decoder would return a damaged picture in silence."""

from __future__ import annotations

import struct

import cv2
import numpy as np
from numpy.typing import NDArray

from lift_core.data.jpeg_orientation import jpeg_orientation, turn_upright

try:
    import simplejpeg
except ImportError:  # An environment made before it was a dependency; OpenCV gives the same pixels, more slowly.
    simplejpeg = None

_PNG_START = b"\x89PNG\r\n\x1a\n"
_JPEG_START = b"\xff\xd8"
_JPEG_SCAN = b"\xff\xda"
_JPEG_END = b"\xff\xd9"
# OpenCV's own limit, for JPEG too: a damaged header must not make the decoder ask for gigabytes.
_MOST_PIXELS = 2**30


def decode_rgb(data: bytes, out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """Decode one picture; its kind is told from the bytes, not from a file's name.

    Grey becomes three equal channels, CMYK is converted, 16 bits lose the lower 8, transparency is dropped, and the
    orientation that a camera noted is applied: what comes back is what a viewer shows.

    JPEG goes through libjpeg-turbo with its warnings taken as errors, so damage in the middle of a picture is found
    wherever the decoder can tell. PNG carries checksums.

    Args:
        data: the whole file.
        out: contiguous uint8 ``[H, W, 3]``. Where the picture has this shape it is written there, without a copy where
            the decoder can do that.

    Returns:
        RGB uint8 ``[H, W, 3]``: ``out`` itself, or a new array where there is none or the shape is another.

    Raises:
        ValueError: no picture, or a truncated or damaged one; the message says which.
    """
    if not data:
        raise ValueError("empty file")
    if data.startswith(_JPEG_START):
        if simplejpeg is not None:
            return _decode_jpeg(data, out)
        if not _jpeg_is_whole(data):
            raise ValueError("truncated JPEG")
    return _into(out, _decode_with_opencv(data))


def size_of(data: bytes) -> tuple[int, int]:
    """Height and width of what `decode_rgb` would return, from the header alone where it tells.

    Raises:
        ValueError: no picture, or one whose header is damaged.
    """
    if data.startswith(_PNG_START) and len(data) > 24 and b"eXIf" not in data:
        width, height = struct.unpack_from(">II", data, 16)
        return int(height), int(width)
    if data.startswith(_JPEG_START) and simplejpeg is not None and jpeg_orientation(data) == 1:
        try:
            height, width, _, _ = simplejpeg.decode_jpeg_header(data)
        except ValueError as error:
            raise ValueError(f"damaged JPEG ({error})") from error
        return int(height), int(width)
    return _shape(decode_rgb(data))


def _shape(image: NDArray[np.uint8]) -> tuple[int, int]:
    return image.shape[0], image.shape[1]


def _decode_jpeg(data: bytes, out: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    orientation = jpeg_orientation(data)
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(data)
        if height * width > _MOST_PIXELS:
            raise ValueError(f"{height}x{width} pixels are too many")
        fits = out is not None and out.shape == (height, width, 3) and orientation == 1
        image: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, "RGB", buffer=out if fits else None)
    except ValueError as error:
        raise ValueError(f"{'truncated' if 'Premature end' in str(error) else 'damaged'} JPEG ({error})") from error
    return image if fits else _into(out, turn_upright(image, orientation))


def _decode_with_opencv(data: bytes) -> NDArray[np.uint8]:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        # A header that promises more pixels than OpenCV takes, for one.
        raise ValueError(f"a picture that OpenCV refuses ({error.err})") from error
    if image is None:
        raise ValueError("damaged or truncated picture, or no PNG or JPEG at all")
    return np.asarray(image, np.uint8)


def _into(out: NDArray[np.uint8] | None, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if out is None or out.shape != image.shape:
        return image
    out[...] = image
    return out


def _jpeg_is_whole(data: bytes) -> bool:
    # Within a scan, 0xFF is always escaped, so an end marker behind the last scan's start is a true one. A file whose
    # tail was never written (zeros) has none, and decoders fill the missing rows with grey.
    return _JPEG_END in data[max(0, data.rfind(_JPEG_SCAN)) :]
