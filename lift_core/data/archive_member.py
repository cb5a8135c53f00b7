"""One entry of an archive that others made, and the errors of archives that cannot be trusted or read."""

from __future__ import annotations

import gzip
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lift_core.errors import ArchiveError

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


def special_file(archive: Path, name: str) -> ArchiveError:
    """The error for an entry that is neither a plain file nor a folder."""
    return ArchiveError(
        f"{name!r} is a link, a device or another special file",
        where=archive,
        fix="Only plain files and folders are unpacked: do not trust this archive.",
    )
