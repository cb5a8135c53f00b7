"""`lift check`: runs saved notebooks in fresh kernels and prints the verdict on every exercise."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lift_core.course.labs import find_lab, short_name
from lift_core.course.notebooks import read_notebook
from lift_core.errors import ConfigError
from lift_core.workspace import repository_root, work_folder

if TYPE_CHECKING:
    from lift_core.course.rerun import Rerun

HELP = "run saved notebooks from top to bottom and print what their checks say"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "notebooks", nargs="+", metavar="NOTEBOOK", help="a file, or a lab's number or name for your copy of it"
    )
    parser.add_argument("--timeout", type=int, default=120, metavar="S", help="seconds for each cell (default: 120)")


def run(args: argparse.Namespace) -> int:
    if args.timeout <= 0:
        raise ConfigError("a cell needs some time.", where="--timeout", fix="Give a number of seconds above 0.")
    paths = [_notebook(name) for name in args.notebooks]
    for path in paths:
        read_notebook(path)  # A wrong name is told before anything runs for minutes.
    results = []
    for path in paths:
        print(path, flush=True)
        results.append(_rerun(path.resolve(), args.timeout))
        print(report(results[-1]), flush=True)
    return int(not all(result.is_clean for result in results))


def report(result: Rerun) -> str:
    """The verdicts in a table, the cells that failed, and a summary."""
    width = max((len(verdict.name) for verdict in result.verdicts), default=0)
    lines = [f"  {verdict.exercise:6} {verdict.name:{width}}  {verdict.verdict}" for verdict in result.verdicts]
    lines += [f"  cell {failure.cell}: {failure.why}" for failure in result.failures]
    latest = result.latest.values()
    passed = sum(verdict.passed for verdict in latest)
    lines.append(f"  {passed} of {len(latest)} exercises passed" if latest else "  no check was run")
    return "\n".join(lines)


def _rerun(path: Path, timeout_s: int) -> Rerun:
    from lift_core.course.rerun import rerun

    if _is_students_own(path):
        return rerun(path, timeout_s=timeout_s, progress=_progress())
    print("  not in your work folder: what its checks say is not noted in your journal", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        return rerun(path, work=Path(folder), timeout_s=timeout_s, progress=_progress())


def _is_students_own(path: Path) -> bool:
    try:
        return path.is_relative_to(work_folder().resolve())
    except ConfigError:
        return False


def _notebook(name: str) -> Path:
    """Find the notebook that an argument means: a file, or the student's copy of a lab."""
    path = Path(name).expanduser()
    if path.is_file() or path.name != name:
        return path
    lab = find_lab(repository_root() / "labs", name)
    assert lab is not None
    copy = work_folder() / lab.name
    if not copy.is_file():
        raise ConfigError("you have no copy of this lab.", where=copy, fix=f"Make one: lift start {short_name(lab)}")
    return copy


def _progress() -> _Line | None:
    return _Line() if sys.stderr.isatty() else None


class _Line:
    """One line on the terminal that says which cell runs, and is gone after the last one has begun."""

    def __call__(self, cell: int, cells: int) -> None:
        end = f"cell {cell} of {cells}" if cell < cells else ""
        print(f"\r{'':24}\r{end}", end="", file=sys.stderr, flush=True)
