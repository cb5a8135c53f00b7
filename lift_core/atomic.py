"""Files and folders that appear whole or not at all: written under a temporary name, synced, renamed."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lift_core.errors import OutputError, os_errors_as


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` to write to; it becomes ``path`` when the block ends without an error.

    The temporary name keeps the suffix, by which encoders choose their format.

    Raises:
        OutputError: the place cannot be written to.
    """
    temporary = path.with_name(f".{path.stem}.{_writer()}.partial{path.suffix}")
    with os_errors_as(OutputError, "cannot write", where=path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            _sync(temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder to fill; it becomes ``path``, in place of what was there, when the block ends well.

    Where ``path`` is a link to a folder, that folder is replaced and the link stays.

    Raises:
        OutputError: the place cannot be written to.
    """
    # Path.resolve raises where a link leads to itself, in some versions of Python.
    place = Path(os.path.realpath(path))
    temporary = place.with_name(f".{place.name}.{_writer()}.partial")
    with os_errors_as(OutputError, "cannot write", where=path):
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            yield temporary
            replace_folder(temporary, place)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def replace_folder(new: Path, path: Path) -> None:
    """Sync a folder and all in it, and rename it to ``path``, in place of a folder that was there.

    Both lie on one file system. Where ``path`` is a link to a folder, that folder is replaced and the link stays.

    Raises:
        OutputError: it cannot be renamed; both folders stay as they were.
    """
    with os_errors_as(OutputError, "cannot write", where=path):
        for file in new.rglob("*"):
            _sync(file)
        _sync(new)
        _take_the_place(new, Path(os.path.realpath(path)))


def replace_file(new: Path, path: Path) -> None:
    """Sync a file and rename it to ``path``, in place of a file that was there. Both lie on one file system.

    Raises:
        OutputError: it cannot be renamed; both files stay as they were.
    """
    with os_errors_as(OutputError, "cannot write", where=path):
        _sync(new)
        new.replace(path)


def _writer() -> str:
    """A name for whoever writes: two threads of a process, as two processes, must not share a temporary name."""
    return f"{os.getpid()}-{threading.get_native_id()}"


def _take_the_place(new: Path, place: Path) -> None:
    """Rename a folder; one that was there is renamed away first, so that its name never holds a half-deleted one."""
    if not place.is_dir():
        new.replace(place)
        return
    old = place.with_name(f".{place.name}.{_writer()}.replaced")
    place.rename(old)
    try:
        new.rename(place)
    except OSError:
        old.rename(place)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
