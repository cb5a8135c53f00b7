"""The folder in which lift_core remembers what is dear to find out: video indices, scene cuts, loader settings."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def cache_folder() -> Path:
    """The folder ``LIFT_CACHE``, or else ``lift_core`` in the user's cache folder, or else in that for temporary files.

    Users of containers may have no home.
    """
    chosen, caches = os.environ.get("LIFT_CACHE"), os.environ.get("XDG_CACHE_HOME")
    if chosen:
        return Path(chosen)
    if caches:
        return Path(caches) / "lift_core"
    try:
        return Path.home() / ".cache" / "lift_core"
    except RuntimeError:
        return Path(tempfile.gettempdir()) / "lift_core"
