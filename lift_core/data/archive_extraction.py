"""Unpacking archives that others made: nothing leaves the target, no links, no devices, bounded in size."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lift_core.data.archive_member import FETCH_AGAIN, Member, damage_named
from lift_core.data.archive_members import announced_bytes, members
from lift_core.data.folder_lock import LOCK_FILE, folder_lock
from lift_core.errors import ArchiveError, OutputError, os_errors_as

_log = logging.getLogger(__name__)

Progress = Callable[[int], object]

_CHUNK = 1 << 20
# What every file system takes as the length of one name, in bytes; and folders within folders, which Python walks by
# recursion.
_LONGEST_PART = 255
_MOST_PARTS = 100
# Below this many bytes nothing is a bomb, and texts may shrink to a hundredth.
_RATIO_COUNTS_FROM = 10_000_000


@dataclass(frozen=True)
class ExtractionLimits:
    """What one archive may unpack to.

    Attributes:
        total_bytes: of all files together.
        entries: files and folders.
        file_bytes: of a single file.
        ratio: bytes unpacked over bytes of the archive, once they are more than 10 MB. Pictures and videos hardly
            shrink; deflate reaches 1032.
    """

    total_bytes: int = 500_000_000_000
    entries: int = 1_000_000
    file_bytes: int = 20_000_000_000
    ratio: float = 100.0


@dataclass(frozen=True)
class Unpacked:
    """What an extraction wrote: files, and their bytes."""

    files: int
    bytes: int


def extract_archives(
    archives: Sequence[Path],
    target: Path,
    *,
    limits: ExtractionLimits | None = None,
    progress: Progress | None = None,
) -> Unpacked:
    """Unpack zip, tar or tar.gz files into one new folder, which appears when all are unpacked without an error.

    They are unpacked to a hidden folder beside ``target`` first; what a killed run left there is deleted. Only plain
    files and folders are written, with ordinary rights and today's date. Nothing that exists is written over.

    Args:
        archives: the files; what they are is told from their bytes.
        target: becomes the folder; it does not exist, or is empty.
        limits: for each archive; the defaults of ExtractionLimits where None.
        progress: called with the bytes of each piece written.

    Raises:
        ArchiveError: an archive that is damaged, encrypted, none at all or cannot be read; an entry whose name is
            absolute or has ``..``, a backslash, a colon or a control character; a link or a device; a folder with
            data; two entries of one name; more than the limits allow.
        OutputError: the target is not empty, or the disk is full or too small for what the archives announce.
    """
    limits = limits or ExtractionLimits()
    refuse_full_target(target)
    with os_errors_as(OutputError, "cannot unpack", where=target), _hidden_folder(target) as hidden:
        # Another process may have filled it before this one had the lock.
        refuse_full_target(target)
        _check_space(target, sum(_announced(archive, limits) for archive in archives))
        files = written = 0
        for archive in archives:
            budget = _Budget(archive, limits)
            _extract(budget, hidden, progress or (lambda _: None))
            files, written = files + budget.files, written + budget.bytes
        _move(hidden, target)
    return Unpacked(files, written)


def refuse_full_target(target: Path) -> None:
    """Raise OutputError where ``target`` is anything but absent or an empty folder, or cannot be looked at."""
    with os_errors_as(OutputError, "cannot unpack", where=target):
        is_free = not target.is_symlink() and (not target.exists() or (target.is_dir() and not any(target.iterdir())))
    if not is_free:
        raise OutputError(
            "the folder to unpack to exists and is not empty",
            where=target,
            fix="Choose another, or delete this one: nothing that is there is written over.",
        )


class _Budget:
    """Counts what one archive unpacks to against its limits, as it is written: headers may lie."""

    def __init__(self, archive: Path, limits: ExtractionLimits) -> None:
        self.archive = archive
        self.files = 0
        self.bytes = 0
        self.limits = limits
        self._entries = 0
        self._most = int(min(limits.total_bytes, max(_RATIO_COUNTS_FROM, limits.ratio * archive.stat().st_size)))

    def begin(self, member: Member) -> None:
        """Count an entry, and refuse it where what it announces is too much."""
        self._entries += 1
        self.files += not member.is_folder
        if self._entries > self.limits.entries:
            raise self._too_much(f"more than {self.limits.entries} files and folders", member, "Do not trust it.")
        if member.size > self.limits.file_bytes:
            raise self._too_much(f"a file of more than {self.limits.file_bytes} bytes", member, "Do not trust it.")
        self._check_total(member, member.size)

    def add(self, member: Member, file_bytes: int, count: int) -> None:
        """Count ``count`` more bytes of a file, which make ``file_bytes`` of it so far."""
        if file_bytes > member.size:
            raise _wrong_size(self.archive, member)
        self._check_total(member, count)
        self.bytes += count

    def _check_total(self, member: Member, more: int) -> None:
        if self.bytes + more > self._most:
            size = self.archive.stat().st_size
            advice = "Raise --max-gb or --max-ratio only if you know what it holds."
            raise self._too_much(f"more than {self._most} bytes, of an archive of {size}", member, advice)

    def _too_much(self, what: str, member: Member, advice: str) -> ArchiveError:
        return ArchiveError(
            f"it unpacks to {what}, at {member.name!r}",
            where=self.archive,
            fix=f"It may be a decompression bomb. {advice}",
        )


def _extract(budget: _Budget, folder: Path, progress: Progress) -> None:
    with _opened(budget.archive) as file:
        for member in members(budget.archive, file, most_entries=budget.limits.entries):
            budget.begin(member)
            _write(member, folder, budget, progress)


def _write(member: Member, folder: Path, budget: _Budget, progress: Progress) -> None:
    path = folder.joinpath(*_safe_parts(budget.archive, member))
    try:
        if member.is_folder:
            path.mkdir(parents=True, exist_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        # "x" creates the file or fails; in a new folder without links that is a second entry of this name.
        with path.open("xb") as writer:
            size = _copy(member, writer.write, budget, progress)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise ArchiveError(
            f"two entries claim the place {member.name!r}", where=budget.archive, fix="Do not trust this archive."
        ) from error
    if size != member.size:
        raise _wrong_size(budget.archive, member)


def _copy(member: Member, write: Callable[[bytes], int], budget: _Budget, progress: Progress) -> int:
    size = 0
    for piece in _pieces(budget.archive, member):
        size += len(piece)
        budget.add(member, size, len(piece))
        write(piece)
        progress(len(piece))
    return size


def _pieces(archive: Path, member: Member) -> Iterator[bytes]:
    """A file's data. What fails while it is read is the archive's fault, what fails between is not."""
    with damage_named(archive), member.open() as reader:
        while piece := reader.read(_CHUNK):
            yield piece


def _safe_parts(archive: Path, member: Member) -> list[str]:
    """The parts of a name that stays below the target on every system; none for the target itself, a folder."""
    name = member.name
    parts = [part for part in name.split("/") if part not in ("", ".")]
    # C:evil.txt lies in the current folder of drive C, and a:b is a hidden stream of the file a.
    forbidden = any(letter in "\\:" or ord(letter) < 32 for letter in name)
    if name.startswith("/") or ".." in parts or forbidden or not (parts or member.is_folder):
        raise ArchiveError(
            f"the name {name!r} may lead out of the target", where=archive, fix="Do not trust this archive."
        )
    if len(parts) > _MOST_PARTS or any(len(part.encode("utf-8", "surrogatepass")) > _LONGEST_PART for part in parts):
        raise ArchiveError(
            f"the name {name[:60]!r}… has more than {_MOST_PARTS} parts, or one of more than {_LONGEST_PART} bytes",
            where=archive,
            fix="Do not trust this archive.",
        )
    return parts


def _wrong_size(archive: Path, member: Member) -> ArchiveError:
    return ArchiveError(
        f"{member.name!r} has not the {member.size} bytes that were announced", where=archive, fix=FETCH_AGAIN
    )


def _opened(archive: Path) -> BinaryIO:
    with os_errors_as(ArchiveError, "the archive cannot be opened", where=archive, fix="Check the path."):
        return archive.open("rb")


def _announced(archive: Path, limits: ExtractionLimits) -> int:
    with _opened(archive) as file:
        return announced_bytes(archive, file, most_entries=limits.entries)


def _check_space(target: Path, needed: int) -> None:
    free = shutil.disk_usage(target.parent).free
    if needed > free:
        raise OutputError(
            f"{needed / 1e9:.2f} GB are needed to unpack, {free / 1e9:.2f} GB are free",
            where=target.parent,
            fix="Free some space, or choose a place on another disk.",
        )


@contextmanager
def _hidden_folder(target: Path) -> Iterator[Path]:
    """An empty folder beside the target, ours alone; what a killed extraction left in its place is deleted."""
    hidden = target.with_name(f".{target.name}.extracting")
    with folder_lock(hidden):
        files = hidden / "files"
        if files.exists():
            _log.warning("what an extraction that was killed left is deleted: %s", files)
            shutil.rmtree(files)
        files.mkdir()
        try:
            yield files
        finally:
            # While the lock file is in its place: without it, this could delete what the next process unpacks.
            shutil.rmtree(files, ignore_errors=True)
        # Where an error is on its way, folder_lock removes what it made.
        with suppress(OSError):
            (hidden / LOCK_FILE).unlink()
            hidden.rmdir()


def _move(hidden: Path, target: Path) -> None:
    # One sync for all: one for each of a million files takes hours.
    if hasattr(os, "sync"):
        os.sync()
    if target.is_dir():
        target.rmdir()
    hidden.rename(target)
