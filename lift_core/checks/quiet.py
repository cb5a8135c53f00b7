"""Silences what compiled libraries write to the terminal, past Python."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def libraries_silenced() -> Iterator[None]:
    """Send file descriptor 2 nowhere, in the whole process: libjpeg and OpenCV complain there of each damaged file.

    Python's own ``sys.stderr`` is silenced too where it writes to that descriptor, as in a terminal.
    """
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
