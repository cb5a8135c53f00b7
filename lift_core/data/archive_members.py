"""The entries of zip and tar archives that others made, one by one: plain files and folders, or an error."""

from __future__ import annotations

import gzip
import io
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO, cast

from lift_core.errors import ArchiveError

_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_GZIP_START = b"\x1f\x8b"
_ZIP_STARTS = (b"PK\3\4", b"PK\5\6")
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
# zipfile reads the list of all entries in one piece, and makes objects of them, before it gives the first one. What
# the archive says of their number is not compared: each begins with these bytes, and takes 46 and its name.
_ZIP_ENTRY_START = b"PK\1\2"
_ZIP_BYTES_PER_ENTRY = 256
_MOST_PADDING = 16 << 20
FETCH_AGAIN = "Delete it and its .sha256, and fetch it again."
# What zipfile and tarfile raise for bytes that make no sense.
_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    gzip.BadGzipFile,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    LookupError,
    ArithmeticError,
    struct.error,
)


@dataclass(frozen=True)
class Member:
    """A plain file or a folder of an archive.

    Attributes:
        name: as the archive has it: anything at all.
        is_folder: whether it is a folder.
        size: bytes of the file as announced.
        open: opens the file for reading, until the next member is asked for.
    """

    name: str
    is_folder: bool
    size: int
    open: Callable[[], IO[bytes]]


@contextmanager
def damage_named(archive: Path) -> Iterator[None]:
    """Raise ArchiveError where the block, which only reads, meets what the system, zipfile, tarfile or gzip cannot."""
    try:
        yield
    except _DAMAGE as error:
        raise ArchiveError(
            f"the archive is damaged: {error or type(error).__name__}", where=archive, fix=FETCH_AGAIN
        ) from error
    except OSError as error:
        # A place before the file's start, which a damaged archive may name, or a disk that cannot be read.
        raise ArchiveError(
            f"the archive is damaged, or cannot be read: {error.strerror or error}", where=archive, fix=FETCH_AGAIN
        ) from error


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
        yield from _zip_members(archive, file, most_entries) if _is_zip(file) else _tar_members(archive, file)


def announced_bytes(archive: Path, file: BinaryIO, *, most_entries: int) -> int:
    """How many bytes an archive unpacks to at least: of a zip file as it says, of a tar file its own size.

    Raises:
        ArchiveError: a zip file that is damaged, or of more than ``most_entries``.
    """
    with damage_named(archive):
        if not _is_zip(file):
            return archive.stat().st_size
        with _zip_file(archive, file, most_entries) as packed:
            return sum(entry.file_size for entry in packed.infolist())


def _is_zip(file: BinaryIO) -> bool:
    """Told by its start: zipfile looks at the end, which in a tar file may be that of a zip file within it."""
    start = file.read(4)
    file.seek(0)
    return start in _ZIP_STARTS


def _zip_file(archive: Path, file: BinaryIO, most_entries: int) -> zipfile.ZipFile:
    wall = _ZipBytes(file, archive, most_entries)
    # Its constructor reads the list of entries.
    packed = zipfile.ZipFile(cast(BinaryIO, wall))
    wall.expect_data()
    return packed


def _zip_members(archive: Path, file: BinaryIO, most_entries: int) -> Iterator[Member]:
    with _zip_file(archive, file, most_entries) as packed:
        for entry in packed.infolist():
            # With what zipfile cuts off behind a NUL, and before it turns a system's own slashes.
            name = entry.orig_filename
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _special(archive, name)
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


def _tar_members(archive: Path, file: BinaryIO) -> Iterator[Member]:
    with _tar_stream(archive, file) as stream, tarfile.open(fileobj=stream, mode="r:") as packed:
        while (entry := packed.next()) is not None:
            if len(packed.pax_headers) > _MOST_GLOBAL_FIELDS:
                raise _hostile_header(archive, f"has more than {_MOST_GLOBAL_FIELDS} fields for all files")
            if not (entry.isreg() or entry.isdir()) or entry.issparse():
                raise _special(archive, entry.name)
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


def _special(archive: Path, name: str) -> ArchiveError:
    return ArchiveError(
        f"{name!r} is a link, a device or another special file",
        where=archive,
        fix="Only plain files and folders are unpacked: do not trust this archive.",
    )


def _hostile_header(archive: Path, what: str) -> ArchiveError:
    return ArchiveError(f"a header {what}", where=archive, fix="Do not trust this archive.")


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
