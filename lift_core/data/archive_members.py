"""The entries of zip and tar archives that others made, one by one: plain files and folders, or an error."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from lift_core.data.archive_member import Member, damage_named
from lift_core.data.archive_tar import tar_members
from lift_core.data.archive_zip import is_zip, zip_file, zip_members


def members(archive: Path, file: BinaryIO, *, most_entries: int) -> Iterator[Member]:
    """The entries of a zip, tar or tar.gz file in the order in which they are stored.

    Args:
        archive: its path, for messages. file: the same, opened; what it is is told from its bytes.
        most_entries: that a zip file may list, for it is read whole. Entries of a tar file come one by one.

    Raises:
        ArchiveError: damaged, truncated or no archive at all; encrypted; a link, a device or another special file; a
            folder with data; a zip file of too many entries.
    """
    with damage_named(archive):
        yield from zip_members(archive, file, most_entries) if is_zip(file) else tar_members(archive, file)


def announced_bytes(archive: Path, file: BinaryIO, *, most_entries: int) -> int:
    """How many bytes an archive unpacks to at least: of a zip file as it says, of a tar file its own size.

    Raises:
        ArchiveError: a zip file that is damaged, or of more than ``most_entries``.
    """
    with damage_named(archive):
        if not is_zip(file):
            return archive.stat().st_size
        with zip_file(archive, file, most_entries) as packed:
            return sum(entry.file_size for entry in packed.infolist())
