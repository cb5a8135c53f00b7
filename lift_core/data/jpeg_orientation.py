"""The orientation that a camera notes in a JPEG file, and how to turn a picture upright by it."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

_APP1 = 0xE1
_ORIENTATION = 0x0112
_EXIF = b"Exif\0\0"
_UPRIGHT = 1
# The markers after which no notes follow: frame headers of the usual kinds, and the scan.
_PICTURE_BEGINS = frozenset({0xC0, 0xC1, 0xC2, 0xDA})

# Quarter turns counter-clockwise, after mirroring left to right where the second part says so (Exif 2.32, 4.6.4).
_TURNS = {2: (0, True), 3: (2, False), 4: (2, True), 5: (1, True), 6: (3, False), 7: (3, True), 8: (1, False)}


def jpeg_orientation(data: bytes) -> int:
    """The Exif orientation of a JPEG file, 1 (upright) to 8; 1 where none is noted or the note cannot be read."""
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF and data[position + 1] not in _PICTURE_BEGINS:
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        if data[position + 1] == _APP1 and data.startswith(_EXIF, position + 4):
            return _noted_in(data[position + 4 + len(_EXIF) : position + 2 + length])
        position += 2 + length
    return _UPRIGHT


def turn_upright(image: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turn ``[H, W, 3]`` as its noted orientation asks; the result is contiguous, and the same array where upright."""
    if orientation not in _TURNS:
        return image
    quarters, mirrored = _TURNS[orientation]
    return np.ascontiguousarray(np.rot90(image[:, ::-1] if mirrored else image, quarters))


def _noted_in(tiff: bytes) -> int:
    """The orientation in a TIFF directory: 12 bytes an entry, of which the last four hold a short value."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2], "<")
    try:
        (start,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, start)
        for entry in range(count):
            tag, _, _, value = struct.unpack_from(order + "HHIH", tiff, start + 2 + 12 * entry)
            if tag == _ORIENTATION:
                return value if value in _TURNS else _UPRIGHT
    except struct.error:
        pass
    return _UPRIGHT
