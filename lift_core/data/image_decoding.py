"""Decoding PNG and JPEG bytes to RGB, with an error where a decoder would return a damaged picture in silence."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_JPEG_START = b"\xff\xd8"
_JPEG_SCAN = b"\xff\xda"
_JPEG_END = b"\xff\xd9"


def decode_rgb(data: bytes) -> NDArray[np.uint8]:
    """Decode one picture; its kind is told from the bytes, not from a file's name.

    Grey becomes three equal channels, 16 bits lose the lower 8, transparency is dropped, and the orientation that a
    camera noted is applied: what comes back is what a viewer shows.

    Returns:
        RGB uint8 ``[H, W, 3]``.

    Raises:
        ValueError: no picture, or a truncated one; the message says which.
    """
    if not data:
        raise ValueError("empty file")
    if data.startswith(_JPEG_START) and not _jpeg_is_whole(data):
        raise ValueError("truncated JPEG")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        # A header that promises more pixels than OpenCV takes, for one.
        raise ValueError(f"a picture that OpenCV refuses ({error.err})") from error
    if image is None:
        raise ValueError("damaged or truncated picture, or no PNG or JPEG at all")
    return np.asarray(image, np.uint8)


def _jpeg_is_whole(data: bytes) -> bool:
    # Within a scan, 0xFF is always escaped, so an end marker behind the last scan's start is a true one. A file whose
    # tail was never written (zeros) has none, and decoders fill the missing rows with grey.
    return _JPEG_END in data[max(0, data.rfind(_JPEG_SCAN)) :]
