"""fresh: imports a module of the student's own folder so that what was just written is what runs."""

from __future__ import annotations

import importlib
import importlib.util
import linecache
import sys
from pathlib import Path
from types import ModuleType

from lift_core.errors import ConfigError
from lift_core.workspace import work_folder


def fresh(name: str) -> ModuleType:
    """Import the module ``name`` from the student's folder, reading its file again.

    Objects made by an earlier import keep their old class; make them anew. The folder joins ``sys.path``, so worker
    processes find the module too.

    Args:
        name: of a module written by ``%%writefile``, such as "my_frames" or "my_lift.encoder". It begins with "my_",
            so that it hides no other module.

    Raises:
        ConfigError: another kind of name, or no such file.
    """
    folder = work_folder()
    path = _file_of(name, folder)
    # In front, so that no module of the same name in another folder is found first.
    sys.path[:] = [str(folder), *(other for other in sys.path if other != str(folder))]
    # A cached compilation is recognised by the second and the size of its source, which two quick edits share.
    Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)
    importlib.invalidate_caches()
    linecache.checkcache(str(path))
    sys.modules.pop(name, None)
    return importlib.import_module(name)


def _file_of(name: str, folder: Path) -> Path:
    parts = name.split(".")
    if not name.startswith("my_") or not all(part.isidentifier() for part in parts):
        raise ConfigError(f"'{name}' is no name for a module of yours.", fix="Begin it with my_, as in my_frames.")
    path = folder.joinpath(*parts).with_suffix(".py")
    if not path.is_file():
        raise ConfigError(
            f"there is no module '{name}' yet.", where=path, fix="Run the cell that begins with %%writefile first."
        )
    return path
