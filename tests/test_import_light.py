"""`import lift_core` loads nothing heavy, and every public name arrives when it is first used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import lift_core

HEAVY = ("torch", "numpy", "cv2", "av", "torchvision", "matplotlib", "ipywidgets", "lightning_fabric", "torchmetrics")
SOURCE = Path(lift_core.__file__)


def fresh_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_import_loads_no_heavy_package():
    loaded = fresh_python(f"import lift_core, sys; print([name for name in {HEAVY} if name in sys.modules])")
    assert loaded == "[]"


def test_import_leaves_only_errors_and_the_hook_of_our_own_modules_loaded():
    loaded = fresh_python("import lift_core, sys; print(sorted(m for m in sys.modules if m.startswith('lift_core')))")
    assert ast.literal_eval(loaded) == ["lift_core", "lift_core._torchvision"]


@pytest.mark.parametrize("name", lift_core.__all__)
def test_public_name_arrives_on_first_use(name: str):
    assert getattr(lift_core, name) is not None


def test_dir_lists_the_public_names_before_they_are_loaded():
    assert fresh_python("import lift_core; print(set(lift_core.__all__) <= set(dir(lift_core)))") == "True"


def test_submodule_is_reachable_as_an_attribute():
    assert fresh_python("import lift_core; print(lift_core.errors.LiftError is lift_core.LiftError)") == "True"


def test_star_import_brings_every_public_name():
    assert fresh_python(
        "from lift_core import *; import lift_core; print(set(lift_core.__all__) - set(globals()))"
    ) == ("set()")


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Lift'"):
        _ = lift_core.Lift  # type: ignore[attr-defined]


def test_names_for_type_checkers_are_the_names_at_run_time():
    """What stands under TYPE_CHECKING is what `__getattr__` serves, from the same modules."""
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: (node.module or "").removeprefix("lift_core").removeprefix(".")
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    served = {**dict.fromkeys(lift_core._SUBMODULES, ""), **lift_core._HOMES}
    assert seen == served
    assert sorted(served) == sorted(lift_core.__all__)
