"""Fetching large files: taken up where a transfer stopped, never mixed from two versions, checked by SHA-256."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from lift_core.atomic import atomic_file
from lift_core.data.checked_json import parse_json
from lift_core.data.folder_lock import folder_lock
from lift_core.data.http_transfer import NEW_ADDRESS, FileVersion, TransferInterruptedError, open_transfer
from lift_core.errors import FetchError, OutputError, os_errors_as

# Called with the step, the bytes done of it, and all of its bytes, or None where they are not known.
FetchProgress = Callable[[Literal["fetch", "check"], int, int | None], None]

_PIECE = 1 << 18
_LONGEST_WAIT_S = 60.0


@dataclass(frozen=True)
class FetchSettings:
    """How patient a transfer is.

    Attributes:
        timeout_s: seconds of silence after which a connection counts as broken.
        attempts: failures in a row, none of which brought a new byte, before giving up.
        first_wait_s: pause after the first failure; it doubles with each further one, up to a minute.
    """

    timeout_s: float = 30.0
    attempts: int = 5
    first_wait_s: float = 1.0


@dataclass(frozen=True)
class Fetched:
    """A file that is here and whole.

    Attributes:
        path: where. bytes: its size. sha256: its checksum in hexadecimal, as computed from the disk.
        was_checked: whether that was compared with a known one: published, or noted when it was first fetched.
        is_noted: whether it is in ``<name>.sha256`` for the next time.
    """

    path: Path
    bytes: int
    sha256: str
    was_checked: bool
    is_noted: bool


def fetch(
    url: str,
    path: Path,
    *,
    sha256: str | None = None,
    room_after: float = 0.0,
    settings: FetchSettings | None = None,
    progress: FetchProgress | None = None,
) -> Fetched:
    """Fetch one file to ``path``; one that is there already is only checked.

    Bytes go to ``<name>.part``, whose version (ETag, date and size) is kept in ``<name>.part.json``. An interrupted
    transfer goes on from there, in this call or in a later one, as long as the server still has that version; where it
    has another one, states none, or knows no ranges, the transfer begins anew. The checksum is noted in
    ``<name>.sha256``, as `sha256sum` writes it, and compared when the file is fetched or checked again; but not where
    nothing tells that the file is whole: neither ``sha256`` nor the server, which announced no length.

    Args:
        url: http or https.
        path: the file; its folder is made, and locked meanwhile.
        sha256: the known checksum in hexadecimal; where None, the one noted before.
        room_after: what has to be free on the disk besides, as a share of the file's size: 1 where it is to be unpacked
            to about its own size.
        settings: see FetchSettings.
        progress: see FetchProgress.

    Raises:
        FetchError: no connection, no such file, an empty one, an answer that makes no sense, an interrupted transfer
            (what came is kept), or another checksum (the file is kept as ``<name>.rejected``).
        OutputError: the disk is full or too small, or another process is fetching to this folder.
    """
    report = progress or (lambda *_: None)
    advice = "Check the place, its rights and free space; what came is kept."
    with folder_lock(path.parent), os_errors_as(OutputError, "cannot write", where=path, fix=advice):
        is_known = (sha256 or _noted(path)) is not None
        if path.exists():
            is_whole = is_known
            digest = _checked(path, path, sha256, report)
        else:
            transfers = _Transfers(url, path, room_after, settings or FetchSettings(), report)
            is_whole = transfers.run() or is_known
            digest = _checked(transfers.part, path, sha256, report)
            transfers.part.replace(path)
            _state_file(path).unlink(missing_ok=True)
        if is_whole:
            _note(path, digest)
        return Fetched(path, path.stat().st_size, digest, was_checked=is_known, is_noted=is_whole)


def sha256_of(path: Path, progress: FetchProgress | None = None) -> str:
    """The SHA-256 of a file in hexadecimal, read in pieces."""
    digest, done, size = hashlib.sha256(), 0, path.stat().st_size
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
            done += len(piece)
            if progress is not None:
                progress("check", done, size)
    return digest.hexdigest()


@dataclass(frozen=True)
class _Transfers:
    """As many transfers as it takes until the part file is whole; see `fetch`."""

    url: str
    path: Path
    room_after: float
    settings: FetchSettings
    progress: FetchProgress

    @property
    def part(self) -> Path:
        return self.path.with_name(f"{self.path.name}.part")

    def run(self) -> bool:
        """Fetch until the part file is whole; False where the server did not say how long that is."""
        failures = 0
        while True:
            before = _size(self.part)
            known = _read_state(self.path)
            if before and known is not None and known.url == self.url and before == known.bytes:
                return True
            try:
                return self._fetch_rest(known)
            except TransferInterruptedError as error:
                failures = 1 if _size(self.part) > before else failures + 1
                if failures >= self.settings.attempts:
                    raise FetchError(
                        f"the transfer was interrupted {failures} times in a row: {error}",
                        where=self.url,
                        fix=f"Check the connection and run it again: {_size(self.part)} bytes are kept.",
                    ) from error
                time.sleep(min(_LONGEST_WAIT_S, self.settings.first_wait_s * 2 ** (failures - 1)))

    def _fetch_rest(self, known: FileVersion | None) -> bool:
        with open_transfer(self.url, _size(self.part), known, self.settings.timeout_s) as transfer:
            version, done = transfer.version, transfer.start
            if version.bytes is not None:
                self._check_space(version.bytes, done)
            with self.part.open("r+b" if self.part.exists() else "xb") as file:
                # Emptied before its new version is noted, so that no bytes are ever taken for those of another one.
                file.truncate(done)
                file.seek(done)
                _write_state(self.path, version)
                for piece in transfer.pieces(_PIECE):
                    file.write(piece)
                    done += len(piece)
                    self.progress("fetch", done, version.bytes)
                file.flush()
                os.fsync(file.fileno())
        if not done:
            self.part.unlink()
            _state_file(self.path).unlink()
            raise FetchError("the server sends an empty file", where=self.url, fix=NEW_ADDRESS)
        return transfer.end_is_marked

    def _check_space(self, size: int, start: int) -> None:
        free = shutil.disk_usage(self.path.parent).free + _size(self.part) - start
        needed = size - start + int(self.room_after * size)
        if needed > free:
            besides = " with what comes out of it" if self.room_after else ""
            raise OutputError(
                f"{needed / 1e9:.2f} GB are needed for the file{besides}, {free / 1e9:.2f} GB are free",
                where=self.path.parent,
                fix="Free some space, or choose a place on another disk.",
            )


def _checked(file: Path, path: Path, sha256: str | None, progress: FetchProgress) -> str:
    """The checksum of ``file``, compared with what that of ``path`` is known to be."""
    digest, noted = sha256_of(file, progress), _noted(path)
    expected = (sha256 or noted or digest).lower()
    if digest == expected:
        return digest
    if file == path:
        raise FetchError(
            f"the file that is here has the SHA-256 {digest}, not {expected}",
            where=path,
            fix=f"Delete it and {_note_file(path).name}, and fetch it again.",
        )
    rejected = path.with_name(f"{path.name}.rejected")
    file.replace(rejected)
    _state_file(path).unlink(missing_ok=True)
    source = "as published" if sha256 else f"as noted in {_note_file(path).name} when it was fetched before"
    raise FetchError(
        f"the file that came has the SHA-256 {digest}, not {expected} {source}",
        where=rejected,
        fix="Fetch it again. If the authors have changed their file, "
        + (f"delete {_note_file(path).name} before." if noted and not sha256 else "give its new --sha256."),
    )


def _note_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _noted(path: Path) -> str | None:
    try:
        words = _note_file(path).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        return None
    return words[0].lower() if words and len(words[0]) == 64 else None


def _note(path: Path, digest: str) -> None:
    with atomic_file(_note_file(path)) as temporary:
        temporary.write_text(f"{digest}  {path.name}\n", encoding="utf-8")


def _state_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.part.json")


def _read_state(path: Path) -> FileVersion | None:
    try:
        version = FileVersion(**parse_json(_state_file(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    texts = (version.url, version.etag or "", version.last_modified or "")
    return version if all(isinstance(text, str) for text in texts) else None


def _write_state(path: Path, version: FileVersion) -> None:
    with atomic_file(_state_file(path)) as temporary:
        temporary.write_text(json.dumps(asdict(version)) + "\n", encoding="utf-8")


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
