"""RawClipSource: the frames of one clip as a memory-mapped array in a .npy file, and how such a file is written."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lift_core.atomic import atomic_file
from lift_core.data.source import Crop, FrameSource, empty_frames, file_state, scaled
from lift_core.errors import FrameReadError, OutputError, ShapeError, SourceError

RAW_SUFFIX = ".npy"

_LAYOUT = "uint8 [frames, height, width, 3]"


class RawClipSource(FrameSource):
    """One .npy file of RGB uint8 ``[N, H, W, 3]`` as a clip: nothing is decoded, and of a crop only its rows are read.

    The file is mapped into memory by the process that first reads, and must not be changed while it is: a program
    that reads a map whose file has become shorter is ended by the system. `write_raw_clip` never changes a file, it
    puts a new one in its place.

    Args:
        path: the file.

    Raises:
        SourceError: when first used: a file that is missing, no such array, or shorter than its header says.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._clip: NDArray[np.uint8] | None = None

    @property
    def name(self) -> str:
        return self._path.as_posix()

    def __len__(self) -> int:
        return len(self._mapped())

    @property
    def size(self) -> tuple[int, int]:
        _, height, width, _ = self._mapped().shape
        return height, width

    @property
    def timestamps(self) -> None:
        return None

    @property
    def fingerprint(self) -> str | None:
        state = file_state(self._path)
        return None if state is None else repr(state)

    def frames(
        self, indices: Sequence[int], *, crop: Crop | None = None, size: tuple[int, int] | None = None
    ) -> NDArray[np.uint8]:
        return read_mapped(self._mapped(), indices, self.name, crop, size)

    def close(self) -> None:
        """Let go of the map; the next read makes it again."""
        self._clip = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_clip": None}

    def _mapped(self) -> NDArray[np.uint8]:
        if self._clip is None:
            self._clip = _map(self._path)
        return self._clip


def read_mapped(
    clip: NDArray[np.uint8],
    indices: Sequence[int],
    name: str,
    crop: Crop | None = None,
    size: tuple[int, int] | None = None,
) -> NDArray[np.uint8]:
    """Frames of a mapped clip uint8 ``[N, H, W, 3]`` called ``name``, as `FrameSource.frames` returns them."""
    whole = clip.shape[1], clip.shape[2]
    kept = Crop(0, 0, *whole) if crop is None else crop
    out = empty_frames(len(indices), whole, crop, size)
    for slot, index in enumerate(indices):
        if not 0 <= index < len(clip):
            raise FrameReadError(f"frame {index} of a clip of {len(clip)} frames", where=name)
        out[slot] = scaled(kept.apply(clip[index]), size)
    return out


def write_raw_clip(path: Path, frames: Iterable[NDArray[np.uint8]], count: int) -> None:
    """Write ``count`` RGB uint8 frames as a .npy file that `RawClipSource` reads; it appears when all are written.

    A frame of 256x448 takes 344 kB, about as much as a noisy PNG and six times a good JPEG.

    Args:
        path: becomes the file; its suffix is .npy.
        frames: uint8 ``[H, W, 3]`` each, of one size, read one at a time.
        count: how many there are, at least 1.

    Raises:
        OutputError: the place cannot be written to, or its name ends otherwise.
        ShapeError: another number of frames, or one of another size or dtype than the first.
    """
    if path.suffix.lower() != RAW_SUFFIX:
        raise OutputError("a raw clip's name ends in .npy", where=path, fix=f"Call it {path.with_suffix(RAW_SUFFIX)}.")
    written, shape = 0, (0, 0, 0)
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        for frame in frames:
            if written == 0:
                shape = frame.shape
                header = {"descr": "|u1", "fortran_order": False, "shape": (count, *shape)}
                np.lib.format.write_array_header_1_0(file, header)
            if frame.dtype != np.uint8 or frame.shape != shape or frame.ndim != 3 or frame.shape[2] != 3:
                raise ShapeError(
                    f"frame {written} is {frame.dtype} {list(frame.shape)}",
                    where=path,
                    fix=f"Frames are uint8 [height, width, 3], all of one size: the first is {list(shape)}.",
                )
            file.write(np.ascontiguousarray(frame).data)
            written += 1
        if written != count or count < 1:
            raise ShapeError(f"{written} frames where {count} were announced, of at least 1", where=path)


def is_raw_clip(path: Path) -> bool:
    """Whether a file is a .npy file whose header announces a clip; its data are not looked at."""
    if path.suffix.lower() != RAW_SUFFIX or path.name.startswith("."):
        return False
    try:
        return _read_header(path).is_clip
    except (OSError, ValueError):
        return False


@dataclass(frozen=True)
class _Header:
    """What a .npy file says of its array, and where its data begin."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    offset: int

    @property
    def is_clip(self) -> bool:
        right_shape = len(self.shape) == 4 and self.shape[3] == 3 and min(self.shape) > 0
        return right_shape and self.dtype == np.uint8 and not self.fortran


def _read_header(path: Path) -> _Header:
    """Read a .npy file's header; ValueError where it has none."""
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
        return _Header(shape, dtype, fortran, file.tell())


def _map(path: Path) -> NDArray[np.uint8]:
    fix = f"Write it with write_raw_clip: a .npy file of {_LAYOUT}."
    try:
        header = _read_header(path)
        missing = header.offset + math.prod(header.shape) * header.dtype.itemsize - path.stat().st_size
    except OSError as error:
        raise SourceError(f"cannot open the raw clip: {error.strerror}", where=path, fix="Check the path.") from error
    except ValueError as error:
        raise SourceError(f"no .npy file ({error})", where=path, fix=fix) from error
    if not header.is_clip:
        order = "Fortran order" if header.fortran else "C order"
        raise SourceError(
            f"the array is {header.dtype} {list(header.shape)} in {order}, not {_LAYOUT} in C order",
            where=path,
            fix=fix,
        )
    if missing > 0:
        raise SourceError(f"truncated: {missing} bytes of its frames are missing", where=path, fix="Write it again.")
    return np.asarray(np.memmap(path, np.uint8, "r", header.offset, header.shape))
