"""Notebook files of the course: read, written with the same bytes each time, and marked as generated."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from lift_core.data.checked_json import parse_json
from lift_core.errors import ConfigError

Notebook = dict[str, Any]
Cell = dict[str, Any]

MARKER = "lift_lab"


class LabError(ConfigError):
    """A notebook that cannot be read, run, or turned into a lab."""


def read_notebook(path: Path) -> Notebook:
    """Read a notebook file.

    Raises:
        LabError: the file cannot be read, or is not a notebook.
    """
    try:
        notebook = parse_json(path.read_bytes())
    except OSError as error:
        raise LabError(f"the notebook cannot be read: {error.strerror}.", where=path) from error
    except ValueError as error:
        raise LabError(f"the file is not a notebook: {error}.", where=path) from error
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise LabError("the file is not a notebook: it has no cells.", where=path)
    if not all(isinstance(cell, dict) and {"cell_type", "source"} <= set(cell) for cell in notebook["cells"]):
        raise LabError("the file is not a notebook: a cell has no type or no text.", where=path)
    return notebook


def cell_source(cell: Cell) -> str:
    """The text of a cell, which files hold as one string or as a list of lines."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def cell_tags(cell: Cell) -> set[str]:
    """The tags of a cell."""
    return set(cell.get("metadata", {}).get("tags", []))


def to_bytes(notebook: Notebook) -> bytes:
    """Serialise a notebook: the same notebook always gives the same bytes."""
    return (json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def mark(notebook: Notebook, origin: str) -> Notebook:
    """Return ``notebook`` with a note of the file it was generated from and a digest of its content."""
    note = {"generated_from": origin, "digest": _digest(notebook)}
    return {**notebook, "metadata": {**notebook["metadata"], MARKER: note}}


def marked_digest(path: Path) -> str | None:
    """The digest that `mark` noted in a notebook, or in the one that it is an edited copy of; None without one."""
    try:
        note = read_notebook(path)["metadata"][MARKER]["digest"]
    except (LabError, KeyError, TypeError):
        return None
    return str(note)


def is_generated(path: Path) -> bool:
    """Tell whether the file is one that `mark` marked, unchanged since; a notebook edited or run by hand is not."""
    try:
        notebook = read_notebook(path)
    except LabError:
        return False
    metadata = dict(notebook.get("metadata", {}))
    note = metadata.pop(MARKER, {})
    return note.get("digest") == _digest({**notebook, "metadata": metadata})


def _digest(notebook: Notebook) -> str:
    return hashlib.sha256(to_bytes(notebook)).hexdigest()[:16]
