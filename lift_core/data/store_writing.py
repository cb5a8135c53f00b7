"""What writers of stores share: progress, what is mended and told, and clips that are not those of the store."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from lift_core.data.store_folder import is_half_written, reported_deletion
from lift_core.errors import ConfigError, OutputError, os_errors_as

Progress = Callable[[int, int], object]
"""Called with (done, total)."""

_log = logging.getLogger(__name__)


def differing_clips(there: Mapping[str, object], here: Mapping[str, object]) -> str:
    """What tells clips from those that a store was made of, by the first that differs.

    Args:
        there, here: by the clip's name, what else is known of it; in their order.
    """
    for name, known in there.items():
        if name not in here:
            return f"clip {name} is there only"
        if here[name] != known:
            return f"clip {name} has changed"
    added = next((name for name in here if name not in there), None)
    return "the clips come in another order" if added is None else f"clip {added} is here only"


def require_apart(folder: Path, clips: Iterable[str]) -> None:
    """Raise ConfigError where a store would lie in a clip that it is made of, or that clip in the store.

    Args:
        folder: of the store. clips: their paths.

    Raises:
        OutputError: no folder can be there: a link to itself, say, or a place below a file.
    """
    with os_errors_as(OutputError, "cannot write", where=folder), suppress(FileNotFoundError):
        folder.stat()
    place = Path(os.path.realpath(folder))
    for clip in clips:
        # Path.resolve raises where a link leads to itself, in some versions of Python.
        source = Path(os.path.realpath(clip))
        if source.is_relative_to(place) or place.is_relative_to(source):
            raise ConfigError(
                f"the clip {clip} lies in the folder that is to be written, or that folder in the clip",
                where=folder,
                fix="Choose a folder outside of the clips.",
            )


def clear_leftovers(folder: Path) -> int:
    """Delete what killed writers left half-written; returns how many files. The store's lock must be held.

    Raises:
        OutputError: they cannot be deleted.
    """
    leftovers = [path for path in folder.rglob(".*.partial*") if is_half_written(path.name) and path.is_file()]
    with reported_deletion(folder):
        for path in leftovers:
            path.unlink(missing_ok=True)
    return len(leftovers)


class Repairs:
    """What is mended in a store, a sentence each; they are logged as they come.

    Args:
        folder: of the store; its lock is held, and what killed writers left half-written is deleted first.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.told: list[str] = []
        if leftovers := clear_leftovers(folder):
            self.tell(f"{leftovers} half-written files of a killed run were deleted")

    def tell(self, repair: str) -> None:
        self.told.append(repair)
        _log.warning("%s: %s", self._folder, repair)


def no_progress(done: int, total: int) -> None:
    """For whoever asks for none."""
