"""Imports run one way through the package's layers and never in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import lift_core

PACKAGE = Path(lift_core.__file__).parent

# Which parts of the package a part may import, besides itself. A part is a subpackage or a single module.
GROUND = {"errors", "metrics", "classical", "_torchvision", "atomic", "workspace", "__init__"}
MAY_IMPORT = {
    "errors": set(),
    "atomic": {"errors"},
    "program": {"errors"},
    "workspace": {"errors", "__init__"},
    "cleaning": {"errors", "workspace"},
    "_torchvision": set(),
    "metrics": {"errors"},
    "classical": {"errors"},
    "__init__": {"_torchvision"},
    "viz": GROUND,
    "profiling": GROUND,
    "weights": set(),
    "data": GROUND | {"viz", "profiling"},
    "model": GROUND | {"viz", "profiling", "weights"},
    "training": GROUND | {"viz", "profiling", "data", "model"},
    "inference": GROUND | {"viz", "profiling", "data", "model"},
    "checks": GROUND | {"viz", "profiling", "data", "model", "training", "inference"},
    "course": GROUND | {"viz", "profiling", "data", "model", "training", "inference", "checks"},
    "benchmarks": GROUND | {"viz", "profiling", "data", "model", "training", "inference"},
    "commands": GROUND
    | {"viz", "profiling", "data", "model", "training", "inference", "checks", "course", "benchmarks"},
    "cli": {"program", "commands", "__init__"},
}


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def is_for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def import_nodes(node: ast.AST, *, lazy: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """Walk the imports that run; those inside functions only where ``lazy`` asks for them."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif is_for_type_checkers(child) or (not lazy and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)):
            continue
        else:
            yield from import_nodes(child, lazy=lazy)


def imported(path: Path, known: dict[str, Path], *, lazy: bool) -> set[str]:
    """Name the package's own modules that a file imports."""
    names = set()
    for node in import_nodes(ast.parse(path.read_text(encoding="utf-8")), lazy=lazy):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
            continue
        assert node.level == 0, f"{path}: relative import"
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            names.add(inner if inner in known else node.module or "")
    return {name for name in names if name in known}


def part_of(module: str) -> str:
    return [*module.split("."), "__init__"][1]


def test_every_part_has_its_place():
    assert {part_of(module) for module in modules()} <= set(MAY_IMPORT)


def test_parts_import_only_what_lies_below_them():
    known = modules()
    wrong = {
        f"{module} imports {target}"
        for module, path in known.items()
        for target in imported(path, known, lazy=True)
        if part_of(target) not in MAY_IMPORT[part_of(module)] | {part_of(module)}
    }
    assert not wrong


def test_layers_themselves_have_no_cycle():
    order = list(TopologicalSorter(MAY_IMPORT).static_order())
    assert order.index("data") < order.index("training") < order.index("course") < order.index("cli")


def test_modules_have_no_import_cycle():
    known = modules()
    graph = {module: imported(path, known, lazy=False) - {module} for module, path in known.items()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(known)


def test_every_folder_with_modules_is_a_package():
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert {folder for folder in folders if not (folder / "__init__.py").is_file()} == set()


def test_every_module_says_in_one_sentence_what_it_is_for():
    for path in modules().values():
        summary = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n")[0]
        assert summary.endswith("."), path
