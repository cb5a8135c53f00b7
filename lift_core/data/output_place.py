"""Where a result is written: never over something that is there, unless that is asked for."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from lift_core.errors import OutputError, os_errors_as


def place_to_write(path: Path, kind: str, *, force: bool) -> Path:
    """The file to write for ``path``: itself, or what a link leads to, so that the link stays.

    Args:
        path: as it was asked for. kind: what it is called in the message: a list, a report.
        force: write over what is there.

    Raises:
        OutputError: something is there, if only a link that leads nowhere, and ``force`` is not given; the link leads
            to itself; the system takes no such path.
    """
    with os_errors_as(OutputError, "cannot write", where=path):
        with suppress(FileNotFoundError):
            path.lstat()
            if not force:
                raise OutputError(f"the {kind} exists", where=path, fix="Choose another name, or give --force.")
        # A link that leads to itself is an error here; one that leads nowhere is not.
        with suppress(FileNotFoundError):
            path.stat()
    return Path(os.path.realpath(path))
