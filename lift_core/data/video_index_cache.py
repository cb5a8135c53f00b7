"""Indices of video files, remembered in memory and in the user's cache folder: making one reads the whole file."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import zlib
from dataclasses import asdict, fields
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile

import av
import numpy as np
from numpy.typing import NDArray

from lift_core.atomic import atomic_file
from lift_core.data.cache_folder import cache_folder
from lift_core.data.checked_json import parse_json
from lift_core.data.video_colour import Orientation, StoredPictures
from lift_core.data.video_container import FileMark, file_mark
from lift_core.data.video_index import VideoIndex, build_index
from lift_core.data.video_table import PacketTable
from lift_core.errors import OutputError

# Raised whenever what an index holds changes; another FFmpeg may read other times.
_FORMAT = f"2 av {av.__version__}"
_ARRAYS = tuple(field.name for field in fields(PacketTable))
# What numpy and zipfile raise for a file that is cut off, overwritten or no index at all.
_DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, NotImplementedError, BadZipFile, zlib.error)

_log = logging.getLogger(__name__)


def cached_index(path: Path) -> VideoIndex:
    """The index of a video file, made once per file and FileMark.

    It is kept for this process, and for later ones in the folder of `cache_folder`; an entry there that is damaged or
    of an earlier state of the file is replaced. Where the folder cannot be written to, each process makes its own.

    Raises:
        SourceError: see `build_index`.
    """
    return _indexed(os.path.abspath(path), path, file_mark(path))


def is_remembered(path: Path) -> bool:
    """Whether the cache folder holds an entry for a file, be it of now or of an earlier state."""
    return _entry(path).exists()


# Enough for the videos in use; an index of an hour's video holds a few megabytes.
@lru_cache(maxsize=64)
def _indexed(_: str, path: Path, mark: FileMark) -> VideoIndex:
    entry = _entry(path)
    known = _read(entry, mark)
    if known is not None:
        return known
    index = build_index(path)
    try:
        _write(entry, index)
    except OutputError as error:
        _log.info("the index of %s is not remembered: %s", path, error)
    return index


def _entry(path: Path) -> Path:
    name = os.fsencode(path.resolve())
    return cache_folder() / "videos" / f"{hashlib.blake2b(name, digest_size=16).hexdigest()}.npz"


def _write(entry: Path, index: VideoIndex) -> None:
    facts = {
        "format": _FORMAT,
        "mark": asdict(index.mark),
        "count": index.count,
        "time_base": _pair(index.time_base),
        "frame_rate": None if index.frame_rate is None else _pair(index.frame_rate),
        "aspect_ratio": _pair(index.aspect_ratio),
        "pictures": asdict(index.pictures),
        "warning": index.warning,
    }
    arrays = {name: getattr(index.table, name) for name in _ARRAYS}
    if index.times is not None:
        arrays["frame_times"] = index.times
    with atomic_file(entry) as temporary:
        np.savez_compressed(temporary, facts=np.array(json.dumps(facts)), **arrays)


def _read(entry: Path, mark: FileMark) -> VideoIndex | None:
    try:
        with np.load(entry, allow_pickle=False) as stored:
            facts = parse_json(str(stored["facts"]))
            if facts["format"] != _FORMAT or FileMark(**facts["mark"]) != mark:
                return None
            table = PacketTable(*(_integers(stored[name]) for name in _ARRAYS))
            times = _integers(stored["frame_times"]) if "frame_times" in stored else None
    except _DAMAGED:
        return None
    orientation = Orientation(**facts["pictures"].pop("orientation"))
    return VideoIndex(
        table=table,
        times=times,
        count=facts["count"],
        time_base=Fraction(*facts["time_base"]),
        frame_rate=None if facts["frame_rate"] is None else Fraction(*facts["frame_rate"]),
        aspect_ratio=Fraction(*facts["aspect_ratio"]),
        pictures=StoredPictures(**facts["pictures"], orientation=orientation),
        mark=mark,
        warning=facts["warning"],
    )


def _pair(ratio: Fraction) -> tuple[int, int]:
    return ratio.numerator, ratio.denominator


def _integers(array: NDArray[np.int64]) -> NDArray[np.int64]:
    if array.dtype != np.int64 or array.ndim != 1:
        raise ValueError(f"an array of {array.dtype} {array.shape}")
    return array
