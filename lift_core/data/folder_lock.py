"""folder_lock: one process at a time in a folder, by a lock that the system takes back when its owner dies."""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lift_core.errors import OutputError

LOCK_FILE = ".lock"
_POLL_S = 0.01
_LONGEST_NUMBER = 20


class _NoLocksError(OutputError):
    """The file system has no locks."""


@contextmanager
def folder_lock(folder: Path, *, patience: float = 0.0) -> Iterator[None]:
    """Hold the lock of ``folder``, which is made where it is missing.

    The lock is the system's own, on the file ``.lock``, which holds the number of the last process that had it: a
    process that is killed holds it no longer, and nothing that it leaves behind has to be judged stale. A second lock
    in the same process waits like that of another process. When the block raises an error, the file and the folder are
    removed again where this call has made them, the folder only if it is empty; so too where the file system has no
    locks.

    Args:
        folder: what is locked.
        patience: seconds to wait for another holder.

    Raises:
        OutputError: another process holds the lock for longer than that, the folder cannot be written to, or its
            ``.lock`` is a link or holds something else, and is left as it is.
    """
    until = time.monotonic() + patience
    is_new = not os.path.exists(folder)
    try:
        handle, made = _locked(folder, until)
    except OutputError:
        if is_new:
            _remove_empty(folder)
        raise
    is_taken_back = made
    try:
        _sign(handle)
        yield
        is_taken_back = False
    finally:
        # While the lock is held, so that nobody's new file is removed; but Windows removes no open file.
        if is_taken_back and sys.platform != "win32":
            _take_back(folder, is_new)
        # Closing the file ends the lock.
        with suppress(OSError):
            os.close(handle)
        if is_taken_back and sys.platform == "win32":
            _take_back(folder, is_new)


def _locked(folder: Path, until: float) -> tuple[int, bool]:
    """The lock file, open and locked, and whether it was made by this call."""
    while True:
        handle, made = _opened(folder)
        try:
            _require_ours(handle, folder)
            _wait(handle, folder, until)
            _require_ours(handle, folder)
            # Whoever held it may have removed the file: others would lock a new one.
            if _is_in_place(handle, folder / LOCK_FILE):
                return handle, made
        except BaseException as error:
            os.close(handle)
            # Without locks nobody holds the file. In other cases somebody may, though it was made here.
            if made and isinstance(error, _NoLocksError):
                _remove_lock(folder)
            raise
        os.close(handle)


def _opened(folder: Path) -> tuple[int, bool]:
    path = folder / LOCK_FILE
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            raise OSError(errno.ELOOP, "its .lock is a link")
        with suppress(FileExistsError):
            return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666), True
        return os.open(path, flags | os.O_CREAT, 0o666), False
    except OSError as error:
        raise OutputError(
            f"cannot write: {error.strerror or error}", where=folder, fix="Check the place, its rights and free space."
        ) from error


def _require_ours(handle: int, folder: Path) -> None:
    """Raise OutputError unless the file is one that `_sign` has written, or empty."""
    is_file = stat.S_ISREG(os.fstat(handle).st_mode)
    text = _read(handle) if is_file else b""
    if not is_file or (text and not (text.isdigit() and len(text) <= _LONGEST_NUMBER)):
        raise OutputError(
            f"the folder has a file {LOCK_FILE} that is no lock of lift_core",
            where=folder,
            fix="Choose another folder, or move that file away.",
        )


def _is_in_place(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except OSError:
        return False


def _take_back(folder: Path, is_new: bool) -> None:
    """Remove the lock file, and the folder where it is new and empty."""
    _remove_lock(folder)
    if is_new:
        _remove_empty(folder)


def _remove_lock(folder: Path) -> None:
    with suppress(OSError):
        (folder / LOCK_FILE).unlink()


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _wait(handle: int, folder: Path, until: float) -> None:
    while not _taken(handle, folder):
        if time.monotonic() >= until:
            raise OutputError(
                f"another process{_holder(handle)} is writing here",
                where=folder,
                fix="Wait until it has ended, or choose another folder.",
            )
        time.sleep(_POLL_S)


if sys.platform == "win32":
    import msvcrt

    # Bytes that are locked cannot be read on Windows, so the lock lies behind the text that names its holder.
    _PLACE = 1 << 20

    def _taken(handle: int, folder: Path) -> bool:
        os.lseek(handle, _PLACE, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _taken(handle: int, folder: Path) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise _NoLocksError(
                f"the file system has no locks ({error.strerror})",
                where=folder,
                fix="Choose a folder on a local disk.",
            ) from error
        return True


def _sign(handle: int) -> None:
    # A full disk may leave the name out; the lock holds all the same.
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, str(os.getpid()).encode())


def _holder(handle: int) -> str:
    number = _read(handle)
    return f" ({number.decode()})" if number.isdigit() else ""


def _read(handle: int) -> bytes:
    """The file's first bytes, one more than the longest number has."""
    try:
        os.lseek(handle, 0, os.SEEK_SET)
        return os.read(handle, _LONGEST_NUMBER + 1)
    except OSError:
        return b""
