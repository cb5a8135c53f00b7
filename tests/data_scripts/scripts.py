"""The command-line scripts of data_scripts/ as modules, for tests."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parents[2] / "data_scripts"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))


def load_script(name: str) -> ModuleType:
    """Import ``data_scripts/<name>.py``, which is no package."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
