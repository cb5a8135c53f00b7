"""pack_clips: many clips in a few large files of raw frames; check_shards compares these with their checksums."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lift_core.atomic import atomic_file
from lift_core.data.checked_json import with_checksum
from lift_core.data.clip_table import ClipPath
from lift_core.data.fixed_size import fixed_size as chosen_size
from lift_core.data.folder_lock import folder_lock
from lift_core.data.open_source import open_source
from lift_core.data.packed_clip import (
    INDEX_FILE,
    KIND,
    REPACK,
    SHARD_SUFFIX,
    PackedClip,
    PackedClipSource,
    ShardIndex,
    check_size,
    packed_path,
    read_shard_index,
    shard_paths,
    write_shard_index,
)
from lift_core.data.store_folder import claim
from lift_core.data.store_writing import Progress, Repairs, differing_clips, no_progress, require_apart
from lift_core.errors import ConfigError, SourceError

# Frames are read and written in parts of about this size, whatever the length of a clip.
_PART_BYTES = 2**25


@dataclass(frozen=True)
class PackReport:
    """What `pack_clips` did.

    Attributes:
        shards: files in all; ``kept`` of them were there, ``written`` are new.
        clips, bytes: what lies in them.
        repairs: what was mended, a sentence each.
    """

    shards: int
    kept: int
    written: int
    clips: int
    bytes: int
    repairs: tuple[str, ...]


@dataclass(frozen=True)
class _Planned:
    """A clip as it is to be packed: its source, its shape, and what tells its content from another."""

    clip: ClipPath
    frames: int
    height: int
    width: int
    fingerprint: str | None

    @property
    def size(self) -> int:
        return self.frames * self.height * self.width * 3


def pack_clips(
    clips: Sequence[ClipPath],
    folder: str | Path,
    *,
    shard_bytes: int = 2**30,
    fixed_size: tuple[int, int] | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> PackReport:
    """Write the frames of clips, uncompressed, into a few large files that every data set reads as clips.

    A shard is written as a whole and appears when it is complete, then its index (names, offsets, checksums) beside
    it; the list of all shards comes last. A run that was killed goes on with the first shard that is not complete. A
    clip lies in one shard, so a clip larger than ``shard_bytes`` makes a larger one.

    Args:
        clips: image folders, raw clips or videos, as lift_core.data.discovery finds them.
        folder: new, empty, or packed from the same clips in the same way.
        shard_bytes: of a shard, at most; what a killed run loses at most.
        fixed_size: height and width that all frames are scaled to; see `lift_core.data.fixed_size`.
        fresh: delete the shards that are there and begin anew.
        progress: called with (done, total) in clips, at the start and after each.

    Raises:
        ConfigError: no clips, a size that cannot be, a folder packed from other clips or otherwise, or one that holds a
            clip or lies in one.
        DatasetError: a damaged ``store.json``; ``fresh`` mends it.
        OutputError: another process writes the folder, the disk is full, or the folder holds something else.
        SourceError, FrameReadError: a clip that cannot be read. What was packed before it stays.
    """
    if not clips or shard_bytes < 1:
        raise ConfigError(f"{len(clips)} clips cannot be packed in shards of {shard_bytes} bytes")
    folder, size = Path(folder), chosen_size(fixed_size)
    require_apart(folder, (clip.path for clip in clips))
    planned = [_plan(clip, size) for clip in clips]
    settings = {"shard_bytes": shard_bytes, "fixed_size": size, "clips": _digest(planned)}
    with folder_lock(folder):
        claim(folder, KIND, settings, fresh=fresh, explain={"clips": lambda: _what_differs(folder, planned)})
        return _Packer(folder, _shards(planned, shard_bytes), size, progress or no_progress).run()


class _Packer:
    """Writes the shards that a folder lacks; its lock is held."""

    def __init__(
        self, folder: Path, shards: list[list[_Planned]], size: tuple[int, int] | None, progress: Progress
    ) -> None:
        self._folder = folder
        self._shards = shards
        self._size = size
        self._progress = progress
        self._done, self._total = 0, sum(map(len, shards))
        self._repairs = Repairs(folder)

    def run(self) -> PackReport:
        paths = [self._folder / f"shard-{number:05d}{SHARD_SUFFIX}" for number in range(len(self._shards))]
        kept = [self._is_complete(path, shard) for path, shard in zip(paths, self._shards, strict=True)]
        self._done = sum(len(shard) for shard, there in zip(self._shards, kept, strict=True) if there)
        self._progress(self._done, self._total)
        for path, shard, there in zip(paths, self._shards, kept, strict=True):
            if not there:
                self._write(path, shard)
        size = sum(clip.size for shard in self._shards for clip in shard)
        index = {"store": KIND.name, "version": KIND.version, "shards": [path.name for path in paths]}
        index |= {"clips": self._total, "bytes": size}
        with atomic_file(self._folder / INDEX_FILE) as temporary:
            temporary.write_text(json.dumps(with_checksum(index), indent=1), encoding="utf-8")
        return PackReport(len(paths), sum(kept), len(paths) - sum(kept), self._total, size, tuple(self._repairs.told))

    def _is_complete(self, path: Path, shard: list[_Planned]) -> bool:
        if not path.exists() and not path.with_suffix(".json").exists():
            return False
        try:
            check_size(path)
            whole = read_shard_index(path).plan == _digest(shard)
        except SourceError:
            whole = False
        if not whole:
            self._repairs.tell(f"{path.name} was not complete and is written again")
        return whole

    def _write(self, path: Path, shard: list[_Planned]) -> None:
        entries: list[PackedClip] = []
        offset = 0
        with atomic_file(path) as temporary, temporary.open("wb") as file:
            for planned in shard:
                entries.append(self._append(file, planned, offset))
                offset += planned.size
                self._done += 1
                self._progress(self._done, self._total)
        with atomic_file(path.with_suffix(".json")) as temporary:
            write_shard_index(temporary, ShardIndex(tuple(entries), offset, _digest(shard)))

    def _append(self, file: BinaryIO, planned: _Planned, offset: int) -> PackedClip:
        source = open_source(planned.clip.path)
        checksum = hashlib.blake2b(digest_size=16)
        part = max(1, _PART_BYTES * planned.frames // max(1, planned.size))
        for first in range(0, planned.frames, part):
            frames = source.frames(range(first, min(first + part, planned.frames)), size=self._size)
            checksum.update(frames.data)
            file.write(frames.data)
        times = source.timestamps
        return PackedClip(
            name=planned.clip.name,
            group=planned.clip.group,
            offset=offset,
            frames=planned.frames,
            height=planned.height,
            width=planned.width,
            timestamps=None if times is None else tuple(float(time) for time in times),
            checksum=checksum.hexdigest(),
            origin=_digest([planned]),
        )


def check_shards(folder: str | Path) -> list[str]:
    """Read every byte of a packed folder and compare checksums; returns a sentence for each thing that is wrong.

    Raises:
        SourceError, ConfigError: there are no packed clips of this version.
    """
    problems = []
    for shard in shard_paths(Path(folder)):
        try:
            check_size(shard)
            index = read_shard_index(shard)
        except SourceError as error:
            problems.append(str(error))
            continue
        for number, clip in enumerate(index.clips):
            if not PackedClipSource(packed_path(shard, number)).is_whole():
                problems.append(f"the frames of {clip.name} are not those that were packed [{shard}] {REPACK}")
    return problems


def _plan(clip: ClipPath, size: tuple[int, int] | None) -> _Planned:
    source = open_source(clip.path)
    height, width = size or source.size
    return _Planned(clip, len(source), height, width, source.fingerprint)


def _shards(planned: Sequence[_Planned], shard_bytes: int) -> list[list[_Planned]]:
    """Clips in their order, as many in each shard as it may hold, at least one."""
    shards: list[list[_Planned]] = []
    room = 0
    for clip in planned:
        if not shards or clip.size > room:
            shards.append([])
            room = shard_bytes
        shards[-1].append(clip)
        room -= clip.size
    return shards


def _what_differs(folder: Path, planned: Sequence[_Planned]) -> str:
    """What tells the clips from those that the folder was packed from, as far as its shards are there."""
    there: dict[str, str] = {}
    here = {clip.clip.name: _digest([clip]) for clip in planned}
    for path in sorted(folder.glob("shard-*.json")):
        with suppress(SourceError):
            clips = read_shard_index(path.with_suffix(SHARD_SUFFIX)).clips
            there.update((clip.name, clip.origin) for clip in clips)
    if not (folder / INDEX_FILE).exists() and all(here.get(name) == origin for name, origin in there.items()):
        return "among the clips that were not packed yet, one is another"
    return differing_clips(there, here)


def _digest(planned: Sequence[_Planned]) -> str:
    what = [[p.clip.name, p.clip.group, p.frames, p.height, p.width, p.fingerprint] for p in planned]
    return hashlib.blake2b(json.dumps(what).encode(), digest_size=16).hexdigest()
