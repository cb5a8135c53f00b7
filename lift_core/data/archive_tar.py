"""The entries of tar and tar.gz files that others made: what tarfile reads of their headers is bounded."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO, cast

from lift_core.data.archive_member import Member, special_file
from lift_core.errors import ArchiveError

_GZIP_START = b"\x1f\x8b"
_TAR_BLOCK = 512
# tarfile reads extended headers (long names, comments) in one piece, of whatever length they claim, one within another
# for as long as they come, and keeps the global ones. Honest ones hold a path of up to 4096 bytes and little besides.
_LONGEST_HEADER = 16 << 10
_MOST_HEADERS_OF_A_MEMBER = 4
_MOST_GLOBAL_FIELDS = 100
# The expressions that tarfile applies to them take a time that grows with the square of a row of digits:
# CVE-2024-6232.
_MANY_DIGITS = re.compile(rb"[0-9]{256}")
_LONGEST_READ = 1 << 20
_MOST_PADDING = 16 << 20


def tar_members(archive: Path, file: BinaryIO) -> Iterator[Member]:
    """The entries of a tar or tar.gz file; the errors are those of `members`, but for damage, which tarfile names."""
    with _tar_stream(archive, file) as stream, tarfile.open(fileobj=stream, mode="r:") as packed:
        while (entry := packed.next()) is not None:
            if len(packed.pax_headers) > _MOST_GLOBAL_FIELDS:
                raise _hostile_header(archive, f"has more than {_MOST_GLOBAL_FIELDS} fields for all files")
            if not (entry.isreg() or entry.isdir()) or entry.issparse():
                raise special_file(archive, entry.name)
            stream.expect_data()
            yield Member(entry.name, entry.isdir(), entry.size, partial(_opened, packed, entry))
            stream.expect_headers()
            # A TarFile remembers every entry; there may be a million.
            packed.members = []  # type: ignore[attr-defined]
        # tarfile takes a header that it cannot read for the end of the archive.
        if stream.last_block != bytes(_TAR_BLOCK):
            raise tarfile.ReadError("it ends without an end mark")
        stream.drain()


def _opened(packed: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    reader = packed.extractfile(entry)
    if reader is None:
        raise tarfile.ReadError(f"no data for {entry.name!r}")
    return reader


def _hostile_header(archive: Path, what: str) -> ArchiveError:
    return ArchiveError(f"a header {what}", where=archive, fix="Do not trust this archive.")


class _TarBytes(io.RawIOBase):
    """A tar file's bytes behind a wall: reads are bounded, those of headers far lower than those of files.

    Attributes:
        last_block: what the last read gave, where that was one block or less.
    """

    def __init__(self, file: BinaryIO, archive: Path) -> None:
        self._file = file
        self._archive = archive
        self.last_block = b""
        self.expect_headers()

    def expect_headers(self) -> None:
        """What is read from here on, up to `expect_data`, are the headers of one member."""
        self._longest = _LONGEST_HEADER
        # The byte before them, the member's own block, and of each extended header its block and its content.
        self._reads_left: int | None = 2 + 2 * _MOST_HEADERS_OF_A_MEMBER

    def expect_data(self) -> None:
        """What is read from here on, up to `expect_headers`, is a file's data."""
        self._longest = _LONGEST_READ
        self._reads_left = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= self._longest:
            raise _hostile_header(self._archive, f"claims to be {size} bytes long")
        data = self._file.read(size)
        if self._reads_left is not None:
            self._check_header(data)
        self.last_block = data if len(data) <= _TAR_BLOCK else b""
        return data

    def _check_header(self, data: bytes) -> None:
        self._reads_left = (self._reads_left or 0) - 1
        if self._reads_left < 0:
            raise _hostile_header(self._archive, f"follows {_MOST_HEADERS_OF_A_MEMBER} others that extend it")
        if _MANY_DIGITS.search(data):
            raise _hostile_header(self._archive, "holds a row of more than 255 digits")

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def drain(self) -> None:
        """Read what pads the end, so that gzip compares its checksum."""
        padding = self._file.read(_MOST_PADDING)
        if padding.strip(b"\0") or self._file.read(1):
            raise tarfile.ReadError("there is more behind its end mark")


@contextmanager
def _tar_stream(archive: Path, file: BinaryIO) -> Iterator[_TarBytes]:
    """The bytes of a tar file, plain or compressed by gzip, told by its first bytes."""
    is_gzip = file.read(2) == _GZIP_START
    file.seek(0)
    if is_gzip:
        with gzip.GzipFile(fileobj=file, mode="rb") as unpacked:
            yield _TarBytes(cast(BinaryIO, unpacked), archive)
    else:
        yield _TarBytes(file, archive)
