"""Image files as clips: the numbered PNG or JPEG files of a folder, or files that are named one by one."""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from lift_core.data.image_decoding import decode_rgb, size_of
from lift_core.data.packed_strings import PackedStrings
from lift_core.data.source import Crop, FrameSource, empty_frames, file_state, scaled
from lift_core.errors import FrameReadError, SourceError

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})

_T = TypeVar("_T")
_NUMBERED = re.compile(r"(?P<prefix>.*?)(?P<number>[0-9]+)(?P<suffix>\.[^.]*)", re.DOTALL)


class ImageFilesSource(FrameSource):
    """Named PNG or JPEG files of one folder as a clip, in the order given; nothing is opened before it is read.

    All frames have one size. Pictures are converted as `decode_rgb` says: grey, 16-bit and transparent ones to 8-bit
    RGB, camera orientation applied.

    Args:
        folder: what the names are relative to.
        names: one file per frame, at least one.
    """

    def __init__(self, folder: str | os.PathLike[str], names: Sequence[str]) -> None:
        self._folder = Path(folder)
        self._names = names
        self._size: tuple[int, int] | None = None
        self._sized_by = 0

    @property
    def name(self) -> str:
        return self._folder.as_posix()

    def __len__(self) -> int:
        return len(self._names)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the first frame that can be read; of one file only the header is looked at."""
        index, first_error = 0, None
        while self._size is None:
            try:
                self._learn_size(index)
            except FrameReadError as error:
                first_error = first_error or error
                index += 1
                if index == len(self):
                    raise first_error from None
        return self._size

    @property
    def timestamps(self) -> None:
        return None

    def frames(
        self, indices: Sequence[int], *, crop: Crop | None = None, size: tuple[int, int] | None = None
    ) -> NDArray[np.uint8]:
        wanted = [self._checked(index) for index in indices]
        if wanted and self._size is None:
            self._learn_size(wanted[0])
        height, width = self.size
        kept = Crop(0, 0, height, width) if crop is None else crop
        out = empty_frames(len(wanted), self.size, crop, size)
        # A whole frame is decoded where it is wanted; a part of one is cut out of a buffer that all frames share.
        as_stored = kept == Crop(0, 0, height, width) and out.shape[1:3] == (height, width)
        whole = None if as_stored else np.empty((height, width, 3), np.uint8)
        places: dict[int, int] = {}
        for slot, index in enumerate(wanted):
            if index in places:
                out[slot] = out[places[index]]
            elif whole is None:
                self._decode(index, out[slot])
            else:
                out[slot] = scaled(kept.apply(self._decode(index, whole)), size)
            places.setdefault(index, slot)
        return out

    @property
    def fingerprint(self) -> str:
        """Of the name and state of every file: pictures written over leave their folder's own date as it was."""
        digest = hashlib.blake2b(digest_size=16)
        for name in self._names:
            digest.update(repr((name, file_state(self._folder / name))).encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def path_of(self, index: int) -> Path:
        """The file that holds frame ``index``; of a frame that is missing, the file that should."""
        return self._folder / self._names[self._checked(index)]

    def _checked(self, index: int) -> int:
        if not 0 <= index < len(self):
            raise FrameReadError(f"frame {index} of a clip of {len(self)} frames", where=self.name)
        return int(index)

    def _learn_size(self, index: int) -> None:
        self._size = self._read(index, size_of)
        self._sized_by = index

    def _decode(self, index: int, out: NDArray[np.uint8]) -> NDArray[np.uint8]:
        image = self._read(index, lambda data: decode_rgb(data, out))
        if image.shape != out.shape:
            raise FrameReadError(
                f"frame {index} is {image.shape[0]}x{image.shape[1]}, but frame {self._sized_by} is"
                f" {out.shape[0]}x{out.shape[1]}",
                where=self.path_of(index),
                fix="All frames of a clip have one size: resize them, or move this file away.",
            )
        return image

    def _read(self, index: int, use: Callable[[bytes], _T]) -> _T:
        """What ``use`` makes of a frame's file, with every failure as an error that names the frame."""
        path = self.path_of(index)
        try:
            return use(path.read_bytes())
        except FileNotFoundError:
            raise FrameReadError(f"frame {index} is missing", where=path, fix="Extract the clip again.") from None
        except OSError as error:
            raise FrameReadError(f"frame {index} cannot be read: {error.strerror}", where=path) from error
        except ValueError as error:
            raise FrameReadError(f"frame {index}: {error}", where=path, fix="Fetch or extract it again.") from error


class ImageFolderSource(ImageFilesSource):
    """One folder of PNG or JPEG files as a clip; other files and hidden files are left alone.

    Names that differ by a number only, in equal steps (``im00, im01, …`` or ``0000, 0010, 0020``), make a numbered run:
    a number left out is a missing frame, keeps its place in the clip, and is an error when it is read. Other names are
    frames in natural order: ``a2`` before ``a10``. Sizes and pictures are as for ImageFilesSource.

    Args:
        path: the folder.

    Raises:
        SourceError: no such folder, no images in it, or two files with one frame number.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path, _list_frames(Path(path)))


@dataclass(frozen=True)
class _NumberedNames(Sequence[str]):
    """File names that follow one pattern, kept as the pattern: a clip of any length takes a few bytes."""

    prefix: str
    digits: int
    suffix: str
    numbers: range

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return f"{self.prefix}{self.numbers[index]:0{self.digits}d}{self.suffix}"


def _list_frames(folder: Path) -> PackedStrings | _NumberedNames:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if _is_frame(entry.name)]
    except OSError as error:
        raise SourceError(f"cannot list the folder: {error.strerror}", where=folder, fix="Check the path.") from error
    if not names:
        raise SourceError("no PNG or JPEG files", where=folder, fix="Give the folder that holds the frames themselves.")
    names.sort(key=natural_key)
    return _numbered(folder, names) or PackedStrings(names)


def _is_frame(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES and not name.startswith(".")


def natural_key(name: str) -> tuple[list[str | int], str]:
    """Sorts names as people do: ``a2`` before ``a10``."""
    parts = re.split(r"([0-9]+)", name)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], name


def _numbered(folder: Path, names: Sequence[str]) -> _NumberedNames | None:
    """The run that the names make, or None where they are not frame numbers of one pattern."""
    matches = [_NUMBERED.fullmatch(name) for name in names]
    found = [match for match in matches if match is not None]
    if len(found) < len(names) or len({match["prefix"] for match in found}) > 1:
        return None
    numbers = [int(match["number"]) for match in found]
    _refuse_repeats(folder, numbers, names)
    step = math.gcd(*(number - numbers[0] for number in numbers)) or 1
    # With more holes than files the numbers are names (time stamps, say), not frame numbers.
    if (numbers[-1] - numbers[0]) // step + 1 > 2 * len(names):
        return None
    run = range(numbers[0], numbers[-1] + 1, step)
    pattern = _NumberedNames(found[0]["prefix"], len(found[0]["number"]), found[0]["suffix"], run)
    if any(pattern[(number - numbers[0]) // step] != name for number, name in zip(numbers, names, strict=True)):
        return None
    return pattern


def _refuse_repeats(folder: Path, numbers: Sequence[int], names: Sequence[str]) -> None:
    for place in range(1, len(numbers)):
        if numbers[place] == numbers[place - 1]:
            raise SourceError(
                f"{names[place - 1]} and {names[place]} have the same frame number",
                where=folder,
                fix="Keep one of them.",
            )
