"""The entries of zip files that others made: their list is bounded before zipfile parses it."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from lift_core.data.archive_member import Member, special_file
from lift_core.errors import ArchiveError

_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_ZIP_STARTS = (b"PK\3\4", b"PK\5\6")
# zipfile reads the list of all entries in one piece, and makes objects of them, before it gives the first one. What
# the archive says of their number is not compared: each begins with these bytes, and takes 46 and its name.
_ZIP_ENTRY_START = b"PK\1\2"
_ZIP_BYTES_PER_ENTRY = 256
_LONGEST_READ = 1 << 20


def is_zip(file: BinaryIO) -> bool:
    """Told by its start: zipfile looks at the end, which in a tar file may be that of a zip file within it."""
    start = file.read(4)
    file.seek(0)
    return start in _ZIP_STARTS


def zip_file(archive: Path, file: BinaryIO, most_entries: int) -> zipfile.ZipFile:
    """Open a zip file.

    Raises:
        ArchiveError: it lists more than ``most_entries``. What zipfile raises for damage is left as it is.
    """
    wall = _ZipBytes(file, archive, most_entries)
    # Its constructor reads the list of entries.
    packed = zipfile.ZipFile(cast(BinaryIO, wall))
    wall.expect_data()
    return packed


def zip_members(archive: Path, file: BinaryIO, most_entries: int) -> Iterator[Member]:
    """The entries of a zip file; the errors are those of `members`, but for damage, which zipfile names."""
    with zip_file(archive, file, most_entries) as packed:
        for entry in packed.infolist():
            # With what zipfile cuts off behind a NUL, and before it turns a system's own slashes.
            name = entry.orig_filename
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise special_file(archive, name)
            if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _ZIP_METHODS:
                raise ArchiveError(
                    f"{name!r} is encrypted, or compressed by a method other than deflate",
                    where=archive,
                    fix="Unpack it with another program, and pack it again.",
                )
            if entry.is_dir() and entry.file_size:
                raise ArchiveError(
                    f"{name!r} is a folder that has data", where=archive, fix="Do not trust this archive."
                )
            yield Member(name, entry.is_dir(), entry.file_size, partial(packed.open, entry))


class _ZipBytes(io.RawIOBase):
    """A zip file's bytes behind a wall: a list of more entries than are allowed is refused, before it is parsed."""

    def __init__(self, file: BinaryIO, archive: Path, most_entries: int) -> None:
        self._file = file
        self._archive = archive
        self._most_entries = most_entries
        self._longest = max(_LONGEST_READ, most_entries * _ZIP_BYTES_PER_ENTRY)
        self._is_list = True

    def expect_data(self) -> None:
        """What is read from here on are the headers and the data of files."""
        self._longest = _LONGEST_READ
        self._is_list = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size > self._longest:
            raise self._too_much()
        # zipfile reads to the end only where it looks for the end record, in the last 64 KiB.
        data = self._file.read(_LONGEST_READ if size < 0 else size)
        if self._is_list and size >= 0 and data.count(_ZIP_ENTRY_START) > self._most_entries:
            raise self._too_much()
        return data

    def _too_much(self) -> ArchiveError:
        return ArchiveError(
            f"it lists more than {self._most_entries} files and folders",
            where=self._archive,
            fix="It may be a decompression bomb. Do not trust it.",
        )

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()
