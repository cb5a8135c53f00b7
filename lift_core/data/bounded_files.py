"""BoundedFiles: files that together take at most a number of bytes; the least recently used make room for new ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lift_core.errors import OutputError

_TOTAL = ".total"
# Making room for one file at a time would list all files each time.
_FILLED_AFTER_EVICTION = 0.9


class BoundedFiles:
    """The files below a folder that match a pattern, and their bytes, which are noted in its file ``.total``.

    A file's time of change is that of its last use. Whoever calls ``mend`` or ``room_for`` holds the folder's lock, so
    that no two processes think that the same room is free.

    Args:
        folder: of ``.total``. pattern: of the files, relative to it.
        max_bytes: of all of them together.
    """

    def __init__(self, folder: Path, pattern: str, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._folder = folder
        self._pattern = pattern
        self._note = folder / _TOTAL

    def mend(self) -> int:
        """Delete what is above ``max_bytes``, and note what lies there, where that is not what is noted.

        A writer was killed, others changed the folder, or it was filled with a larger ``max_bytes``.

        Returns:
            how many bytes were deleted.
        """
        counted = left = self._counted()
        if counted > self.max_bytes:
            left = self._evict(self.max_bytes)
        if left != self._noted():
            # On a full disk it stays away, and is counted when it is needed.
            with suppress(OutputError):
                self._note_down(left)
        return counted - left

    @contextmanager
    def room_for(self, path: Path, needed: int) -> Iterator[None]:
        """Keep room for ``path`` while the block writes it, at most ``needed`` bytes of at most ``max_bytes``.

        Raises:
            OutputError: the number of bytes cannot be noted.
        """
        noted = self._noted()
        total = self._counted() if noted is None else noted
        if total + needed > self.max_bytes:
            total = self._evict(int(self.max_bytes * _FILLED_AFTER_EVICTION) - needed)
        # Counted before it is there: a kill in between makes the total too large, never too small.
        self._note_down(total + needed)
        replaced = _size(path)
        try:
            yield
        finally:
            self._note_down(total + _size(path) - replaced)

    def _evict(self, limit: int) -> int:
        """Delete the files that were used longest ago until the others take ``limit`` bytes; returns their bytes."""
        files = self._files()
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= limit:
                break
            # One that another process has open cannot be deleted everywhere; it will be, later.
            with suppress(OSError):
                path.unlink()
                total -= size
        return total

    def _files(self) -> list[tuple[int, int, Path]]:
        """Time of last use, bytes and path of each file."""
        found = []
        for path in self._folder.glob(self._pattern):
            with suppress(OSError):
                status = path.stat()
                found.append((status.st_mtime_ns, status.st_size, path))
        return found

    def _counted(self) -> int:
        return sum(size for _, size, _ in self._files())

    def _noted(self) -> int | None:
        try:
            return int(self._note.read_text())
        except (OSError, ValueError):
            return None

    def _note_down(self, total: int) -> None:
        try:
            self._note.write_text(str(total))
        except OSError as error:
            # Half a number would be another one.
            with suppress(OSError):
                self._note.unlink()
            raise OutputError(
                f"cannot write: {error.strerror or error}", where=self._note, fix="Check the free space."
            ) from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
