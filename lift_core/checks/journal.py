"""What a student's checks, predictions and choices leave behind: JSON lines in their own folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from lift_core.data.checked_json import parse_json
from lift_core.errors import ConfigError
from lift_core.workspace import work_folder

FOLDER = ".lift"


def record(name: str, entry: dict[str, Any]) -> None:
    """Append ``entry`` to the journal ``name``: written at once, so that two notebooks do not mix theirs.

    Without a student's folder (the package is used outside the course) nothing is kept. Where the folder cannot be
    written to, one line on stderr says so: a check must not fail because its result cannot be noted.
    """
    path = _path(name)
    if path is None:
        return
    # The line begins with its own line break: one that an earlier full disk cut off does not swallow it.
    line = "\n" + json.dumps(entry) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(line)
    except OSError as error:
        print(f"(not noted for `lift progress`: {path}: {error.strerror})", file=sys.stderr)


def entries(name: str) -> list[dict[str, Any]]:
    """Read the journal ``name`` in the order it was written; empty where there is none.

    A line that is no JSON object, such as one cut off by a full disk, is left out: the others still count.
    """
    path = _path(name)
    if path is None or not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    return [entry for line in lines if (entry := _parse(line)) is not None]


def _path(name: str) -> Path | None:
    try:
        return work_folder() / FOLDER / f"{name}.jsonl"
    except ConfigError:
        return None


def _parse(line: str) -> dict[str, Any] | None:
    try:
        entry = parse_json(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
