"""What every store on disk has: a file that says what it holds and how it was made."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lift_core.atomic import atomic_file
from lift_core.data.checked_json import parse_json, require_checksum, with_checksum
from lift_core.data.folder_lock import LOCK_FILE
from lift_core.errors import ConfigError, DatasetError, OutputError

STORE_FILE = "store.json"
_HALF_WRITTEN = re.compile(r"\..+\.\d+-\d+\.partial(\.[^.]+)?", re.DOTALL)


@dataclass(frozen=True)
class StoreKind:
    """A kind of store.

    Attributes:
        name: what it is called in messages and in its file.
        version: of what lies in it; another version is not read.
        entries: names of the files and folders that such a store makes beside its own file.
    """

    name: str
    version: int
    entries: tuple[str, ...]


def claim(
    folder: Path,
    kind: StoreKind,
    settings: Mapping[str, Any],
    *,
    fresh: bool = False,
    explain: Mapping[str, Callable[[], str]] | None = None,
) -> None:
    """Make ``folder`` a store of these settings, or find that it is one. Its lock must be held.

    Args:
        folder: empty, or a store of this kind.
        kind: of the store.
        settings: whatever JSON can hold; all that decides what the entries look like.
        fresh: delete the entries of a store that is there, whatever its settings, and begin anew.
        explain: by name of a setting whose value says nothing to a reader: what to say where it differs.

    Raises:
        DatasetError: the file that describes the store is damaged; with ``fresh``, only where the folder holds nothing
            of such a store, or anything else.
        ConfigError: the store there was made with other settings or by another version, and ``fresh`` is not set.
        OutputError: the folder holds something else, which is left alone; or it cannot be written to.
    """
    wanted = json.loads(json.dumps(settings))
    there = _read_to_replace(folder, kind) if fresh else _read(folder)
    if there is None:
        _require_empty(folder, kind)
    elif there.get("store") != kind.name:
        raise OutputError(
            f"the folder holds a store of another kind ({there.get('store')}), not a {kind.name}",
            where=folder,
            fix="Choose another folder.",
        )
    elif not fresh:
        _require_same(folder, kind, there, wanted, explain or {})
        return
    else:
        _delete(folder, kind.entries)
    described = with_checksum({"store": kind.name, "version": kind.version, "settings": wanted})
    with atomic_file(folder / STORE_FILE) as temporary:
        temporary.write_text(json.dumps(described, indent=1))


def read_settings(folder: Path, kind: StoreKind) -> dict[str, Any]:
    """The settings of a store.

    Raises:
        DatasetError: there is no such store, or its file is damaged. ConfigError: it is of another version.
    """
    there = _read(folder)
    if there is None or there.get("store") != kind.name:
        raise DatasetError(f"there is no {kind.name} here", where=folder, fix="Check the path, or make one first.")
    _require_readable(folder, kind, there)
    return dict(there["settings"])


def is_store(folder: Path, kind: StoreKind) -> bool:
    """Whether a folder is a store of this kind, of any version and whole or not."""
    try:
        there = _read(folder)
    except DatasetError:
        return False
    return there is not None and there.get("store") == kind.name


def _read(folder: Path) -> dict[str, Any] | None:
    path = folder / STORE_FILE
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or not isinstance(content.get("settings"), dict):
            raise ValueError("no settings in it")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise _damaged(folder, error) from error
    return content


def _damaged(folder: Path, error: Exception) -> DatasetError:
    return DatasetError(
        f"the file that describes the store cannot be read: {error}",
        where=folder / STORE_FILE,
        fix="Delete the store, or ask for a fresh one, which does so; or choose another folder.",
    )


def _read_to_replace(folder: Path, kind: StoreKind) -> dict[str, Any] | None:
    """As `_read`; a damaged file counts as one of this kind where the folder holds such a store and nothing else."""
    try:
        return _read(folder)
    except DatasetError:
        if _holds_only(folder, kind):
            return {"store": kind.name}
        raise


def _holds_only(folder: Path, kind: StoreKind) -> bool:
    made = {path for pattern in kind.entries for path in folder.glob(pattern)}
    others = {path for path in folder.iterdir() if not _is_own(path.name)} - made
    return any(path.is_file() for path in made) and {path.name for path in others} <= {STORE_FILE}


def _is_own(name: str) -> bool:
    return name == LOCK_FILE or is_half_written(name)


def is_half_written(name: str) -> bool:
    """Whether a file has a name of what lift_core.atomic has not finished."""
    return _HALF_WRITTEN.fullmatch(name) is not None


def _require_empty(folder: Path, kind: StoreKind) -> None:
    """A writer that was killed at once leaves its lock and a half-written file."""
    others = [path.name for path in folder.iterdir() if not _is_own(path.name)]
    if others:
        raise OutputError(
            f"the folder holds other files ({', '.join(sorted(others)[:3])}), and no {kind.name}",
            where=folder,
            fix="Choose an empty folder.",
        )


def _require_same(
    folder: Path,
    kind: StoreKind,
    there: dict[str, Any],
    wanted: dict[str, Any],
    explain: Mapping[str, Callable[[], str]],
) -> None:
    _require_readable(folder, kind, there)
    old = there["settings"]
    differences = differing(_without(old, explain), _without(wanted, explain))
    differences += [say() for name, say in explain.items() if old.get(name) != wanted.get(name)]
    if differences:
        raise ConfigError(
            f"the {kind.name} was made with other settings: {'; '.join(differences)}",
            where=folder,
            fix="Use the same settings, another folder, or ask for a fresh store, which deletes this one.",
        )


def _require_readable(folder: Path, kind: StoreKind, there: dict[str, Any]) -> None:
    if there.get("version") != kind.version:
        raise ConfigError(
            f"the {kind.name} is of version {there.get('version')}, and this lift_core reads version {kind.version}",
            where=folder,
            fix="Make it anew, or use the lift_core that made it.",
        )
    try:
        require_checksum(there)
    except ValueError as error:
        raise _damaged(folder, error) from error


def differing(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """What differs between two settings, one text for each: ``seed is 1 there and 2 here``."""
    names = sorted({*there, *wanted})
    found: list[str] = []
    for name in names:
        old, new = there.get(name), wanted.get(name)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            found += [f"{name}.{text}" for text in differing(old, new)]
        else:
            found.append(f"{name} is {json.dumps(old)} there and {json.dumps(new)} here")
    return found


def _without(settings: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    left_out = set(names)
    return {name: value for name, value in settings.items() if name not in left_out}


def _delete(folder: Path, entries: Sequence[str]) -> None:
    with reported_deletion(folder):
        for pattern in entries:
            for path in folder.glob(pattern):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()


@contextmanager
def reported_deletion(folder: Path) -> Iterator[None]:
    """Raise OutputError where something in a store cannot be deleted."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"cannot delete: {error.strerror or error}",
            where=error.filename or folder,
            fix="Check its rights.",
        ) from error
