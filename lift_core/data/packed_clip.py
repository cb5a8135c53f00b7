"""PackedClipSource: the frames of a clip that lies, with many others, in a shard: one large memory-mapped file."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lift_core.data.checked_json import parse_json, require_checksum, with_checksum
from lift_core.data.clip_table import ClipPath
from lift_core.data.raw_clip import read_mapped
from lift_core.data.source import Crop, FrameSource, file_state
from lift_core.data.store_folder import StoreKind, is_store
from lift_core.errors import ConfigError, SourceError

SHARD_SUFFIX = ".pack"
INDEX_FILE = "index.json"
KIND = StoreKind("folder of packed clips", 1, (INDEX_FILE, "shard-*.pack", "shard-*.json"))
REPACK = "Delete that shard and run pack_clips again: it keeps the others."
_PACKED_PATH = re.compile(r"(.*\.pack)#(\d+)", re.DOTALL)


@dataclass(frozen=True)
class PackedClip:
    """Where a clip lies in its shard.

    Attributes:
        name, group: as it was found.
        offset: of its first byte in the shard; its frames follow, uint8 RGB ``[frames, height, width, 3]``.
        frames, height, width: its shape.
        timestamps: seconds of each frame, or None.
        checksum: blake2b of its bytes, 16 bytes in hex.
        origin: differs once the clip that it was made of has changed.
    """

    name: str
    group: str
    offset: int
    frames: int
    height: int
    width: int
    timestamps: tuple[float, ...] | None
    checksum: str
    origin: str

    @property
    def size(self) -> int:
        """Bytes of its frames."""
        return self.frames * self.height * self.width * 3


@dataclass(frozen=True)
class ShardIndex:
    """What lies in a shard: its clips in order, its bytes, and a digest of what it was to be made of."""

    clips: tuple[PackedClip, ...]
    size: int
    plan: str


class PackedClipSource(FrameSource):
    """A clip of a shard that `pack_clips` wrote: nothing is decoded, and of a crop only its rows are read.

    The shard is mapped into memory by the process that first reads. It must not be changed meanwhile; `pack_clips`
    never changes a shard, it puts a new one in its place.

    Args:
        path: ``folder/shard-00000.pack#3``: the fourth clip of that shard.

    Raises:
        ConfigError: a path of another form.
        SourceError: when first used: a shard that is missing or cut short, or a clip that it does not have.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        match = _PACKED_PATH.fullmatch(os.fspath(path))
        if match is None:
            raise ConfigError("no path of a packed clip", where=path, fix="Give folder/shard-00000.pack#0.")
        self._name = Path(path).as_posix()
        self._shard, self._number = Path(match[1]), int(match[2])
        self._clip: NDArray[np.uint8] | None = None

    @property
    def name(self) -> str:
        return self._name

    def __len__(self) -> int:
        return self._entry().frames

    @property
    def size(self) -> tuple[int, int]:
        entry = self._entry()
        return entry.height, entry.width

    @property
    def timestamps(self) -> NDArray[np.float64] | None:
        times = self._entry().timestamps
        return None if times is None else np.array(times)

    @property
    def fingerprint(self) -> str | None:
        try:
            entry = self._entry()
        except SourceError:
            return None
        return f"{entry.checksum} {file_state(self._shard)}"

    def frames(
        self, indices: Sequence[int], *, crop: Crop | None = None, size: tuple[int, int] | None = None
    ) -> NDArray[np.uint8]:
        return read_mapped(self._mapped(), indices, self.name, crop, size)

    def is_whole(self) -> bool:
        """Whether its bytes are those that were packed: all are read, and compared with the checksum.

        Raises:
            SourceError: as for reading.
        """
        return hashlib.blake2b(self._mapped().data, digest_size=16).hexdigest() == self._entry().checksum

    def close(self) -> None:
        """Let go of the map; the next read makes it again."""
        self._clip = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_clip": None}

    def _entry(self) -> PackedClip:
        clips = read_shard_index(self._shard).clips
        if self._number >= len(clips):
            raise SourceError(f"the shard holds {len(clips)} clips", where=self.name, fix="Count them from 0.")
        return clips[self._number]

    def _mapped(self) -> NDArray[np.uint8]:
        if self._clip is None:
            entry = self._entry()
            check_size(self._shard)
            shape = entry.frames, entry.height, entry.width, 3
            self._clip = np.asarray(np.memmap(self._shard, np.uint8, "r", entry.offset, shape))
        return self._clip


def is_packed_path(path: str | os.PathLike[str]) -> bool:
    """Whether a path names a clip of a shard."""
    return _PACKED_PATH.fullmatch(os.fspath(path)) is not None


def packed_path(shard: Path, number: int) -> str:
    """The path of the ``number``-th clip of a shard, as `open_source` takes it."""
    return f"{shard}#{number}"


def is_packed_folder(folder: Path) -> bool:
    """Whether a folder holds packed clips, all of them: the list of its shards is written last.

    Raises:
        SourceError: that list is damaged.
    """
    return _read_index(folder) is not None


def packed_clips(folder: Path) -> list[ClipPath]:
    """The clips of a folder that `pack_clips` filled, in the order of their bytes, with the names and groups they had.

    Raises:
        ConfigError: a folder of another version. SourceError: a folder that is none, or an index that is damaged.
    """
    found = []
    for shard in shard_paths(folder):
        for number, clip in enumerate(read_shard_index(shard).clips):
            found.append(ClipPath(packed_path(shard, number), clip.name, clip.group))
    return found


def shard_paths(folder: Path) -> list[Path]:
    """The shards of a folder in order.

    Raises:
        ConfigError: a folder of another version. SourceError: a folder that is not filled, or an index that is damaged.
    """
    index = _read_index(folder)
    if index is None:
        raise SourceError(
            "there are no packed clips here, or not all of them yet", where=folder, fix="Run pack_clips to its end."
        )
    if index.get("version") != KIND.version:
        raise ConfigError(
            f"the clips are packed in version {index.get('version')}, and this lift_core reads version {KIND.version}",
            where=folder,
            fix="Pack them anew, or use the lift_core that packed them.",
        )
    try:
        require_checksum(index)
    except ValueError as error:
        raise _damaged_index(folder) from error
    return [folder / name for name in index["shards"]]


def read_shard_index(shard: Path) -> ShardIndex:
    """What lies in a shard.

    Raises:
        SourceError: the index beside it is missing or damaged.
    """
    path = shard.with_suffix(".json")
    return _parsed(path, file_state(path))


def write_shard_index(path: Path, index: ShardIndex) -> None:
    """Write what `read_shard_index` reads, to ``path`` itself."""
    path.write_text(json.dumps(with_checksum(asdict(index))), encoding="utf-8")


def check_size(shard: Path) -> None:
    """Raise SourceError where a shard is missing or not as long as its index says."""
    expected, state = read_shard_index(shard).size, file_state(shard)
    if state is None:
        raise SourceError("the shard is missing", where=shard, fix="Pack the clips again.")
    if state[0] != expected:
        raise SourceError(f"the shard has {state[0]} bytes in place of {expected}", where=shard, fix=REPACK)


# In each process: an index is small, and the clips of a shard are opened one by one.
@lru_cache(maxsize=256)
def _parsed(path: Path, state: object) -> ShardIndex:
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
        require_checksum(content)
        clips = []
        for clip in content["clips"]:
            times = clip.pop("timestamps")
            clips.append(PackedClip(**clip, timestamps=None if times is None else tuple(times)))
        return ShardIndex(tuple(clips), int(content["size"]), str(content["plan"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(
            f"the index of a shard cannot be read: {error}", where=path, fix="Pack the clips again."
        ) from error


def _read_index(folder: Path) -> dict[str, Any] | None:
    try:
        content = parse_json((folder / INDEX_FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        content = None
    if isinstance(content, dict) and content.get("store") == KIND.name:
        return content
    # Other programs have files of this name.
    if is_store(folder, KIND):
        raise _damaged_index(folder)
    return None


def _damaged_index(folder: Path) -> SourceError:
    return SourceError(
        "the list of shards is damaged",
        where=folder / INDEX_FILE,
        fix="Run pack_clips again in the same way: it keeps the shards.",
    )
