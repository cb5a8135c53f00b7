"""folder_lock: one process at a time in a folder, by a lock that the system takes back when its owner dies."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lift_core.errors import OutputError

LOCK_FILE = ".lock"
_POLL_S = 0.01


@contextmanager
def folder_lock(folder: Path, *, patience: float = 0.0) -> Iterator[None]:
    """Hold the lock of ``folder``, which is made where it is missing.

    The lock is the system's own, on the file ``.lock``: a process that is killed holds it no longer, and nothing that
    it leaves behind has to be judged stale. A second lock in the same process waits like that of another process.

    Args:
        folder: what is locked.
        patience: seconds to wait for another holder.

    Raises:
        OutputError: another process holds the lock for longer than that, or the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise OutputError(
            f"cannot write: {error.strerror or error}", where=folder, fix="Check the place, its rights and free space."
        ) from error
    try:
        _wait(handle, folder, time.monotonic() + patience)
        _sign(handle)
        yield
    finally:
        # Closing the file ends the lock.
        os.close(handle)


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
            raise OutputError(
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
    try:
        os.lseek(handle, 0, os.SEEK_SET)
        number = os.read(handle, 20).decode(errors="replace")
    except OSError:
        number = ""
    return f" ({number})" if number.isdigit() else ""
