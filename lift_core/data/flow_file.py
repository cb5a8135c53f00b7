"""Optical flow in the Middlebury .flo format: "PIEH", width, height, then little-endian float32 dx, dy per pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lift_core.atomic import atomic_file
from lift_core.errors import FrameReadError, ShapeError

_MAGIC = b"PIEH"


def write_flow(path: Path, flow: NDArray[np.float32]) -> None:
    """Write ``flow`` ``[H, W, 2]`` (dx, dy in pixels).

    Raises:
        ShapeError: another shape.
        OutputError: the place cannot be written to.
    """
    if flow.ndim != 3 or flow.shape[2] != 2:
        raise ShapeError(f"flow of shape {flow.shape}", where=path, fix="Give [height, width, 2].")
    height, width = flow.shape[:2]
    with atomic_file(path) as temporary:
        header = _MAGIC + np.array([width, height], "<i4").tobytes()
        temporary.write_bytes(header + np.ascontiguousarray(flow, "<f4").tobytes())


def read_flow(path: Path) -> NDArray[np.float32]:
    """Read a .flo file: float32 ``[H, W, 2]`` (dx, dy in pixels).

    Raises:
        FrameReadError: missing, of another format, or truncated.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FrameReadError(f"cannot read flow: {error.strerror}", where=path) from error
    if data[:4] != _MAGIC or len(data) < 12:
        raise FrameReadError("not a Middlebury .flo file", where=path)
    width, height = np.frombuffer(data, "<i4", count=2, offset=4)
    if len(data) != 12 + 8 * int(width) * int(height):
        raise FrameReadError("truncated flow file", where=path, fix="Write it again.")
    values = np.frombuffer(data, "<f4", offset=12).reshape(height, width, 2)
    return values.astype(np.float32)
