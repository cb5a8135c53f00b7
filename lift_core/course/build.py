"""Builds the student notebooks in labs/ from the executed ones in solutions/: python -m lift_core.course.build."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

from lift_core.atomic import atomic_file
from lift_core.course.answers import blank_answers
from lift_core.course.execute import execute_solution
from lift_core.course.labs import find_lab
from lift_core.course.leaks import ANSWER_TEXT, find_leaks
from lift_core.course.notebooks import (
    Cell,
    LabError,
    Notebook,
    cell_source,
    cell_tags,
    is_generated,
    mark,
    read_notebook,
    to_bytes,
)
from lift_core.course.stubs import stub_solutions
from lift_core.errors import LiftError, OutputError
from lift_core.workspace import repository_root

LAB_TAGS = frozenset(
    {"worked", "faded", "exercise", "check", "answer", "measure", "optional", "instructor", "keep-output"}
)


def build_lab(solution: Notebook, origin: str) -> Notebook:
    """Turn a solution notebook into the student's.

    Args:
        solution: the parsed notebook, format 4.5 or newer (cells have ids).
        origin: the solution's path relative to the repository, with forward slashes; noted in the lab.

    Returns:
        A new notebook without solutions, answers, instructor cells, outputs (``keep-output`` cells apart), execution
        counts, widget state and version metadata, marked as generated.

    Raises:
        LabError: an unknown tag, an id that is not authored or not unique, a solution region that cannot be cut out, or
            something left in the lab that gives a solution away.
    """
    if solution.get("nbformat") != 4 or solution.get("nbformat_minor", 0) < 5:
        raise LabError("the notebook's format is older than 4.5.", where=origin, fix="Save it in a current JupyterLab.")
    _check_ids(solution, origin)
    cells = [
        _student_cell(cell, f"{origin}, cell {cell['id']}")
        for cell in solution["cells"]
        if "instructor" not in cell_tags(cell)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    lab = mark({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, origin)
    if leaks := find_leaks(solution, lab):
        raise LabError(
            f"the lab would show what it must not: {'; '.join(leaks)}.",
            where=origin,
            fix="Reword it, or tag a cell that may show similar code as 'worked'.",
        )
    return lab


def _check_ids(solution: Notebook, origin: str) -> None:
    """Refuse ids that are not made of the lab's number, a section's number and lower-case words, or not unique."""
    number = Path(origin).name[:2]
    ids = [str(cell.get("id")) for cell in solution["cells"]]
    foreign = [name for name in ids if not re.fullmatch(rf"{re.escape(number)}-\d+-[a-z][a-z0-9-]*", name)]
    if not number.isdecimal() or foreign:
        raise LabError(
            f"cell ids are not authored: {', '.join(foreign) or 'none could be'}.",
            where=origin,
            fix="A file 10_flow.ipynb has ids such as 10-2-check: lab, section, words in lower case.",
        )
    if repeated := sorted({name for name in ids if ids.count(name) > 1}):
        raise LabError(f"two cells have the same id: {', '.join(repeated)}.", where=origin)


def _student_cell(cell: Cell, where: str) -> Cell:
    tags = cell_tags(cell)
    unknown = {tag for tag in tags - LAB_TAGS if not tag.startswith("nbval-")}
    if unknown:
        raise LabError(f"unknown tags {sorted(unknown)}.", where=where, fix=f"Known ones: {sorted(LAB_TAGS)}.")
    is_code = cell["cell_type"] == "code"
    source = cell_source(cell)
    if "answer" in tags and is_code:
        raise LabError("an answer in words stands in a code cell.", where=where, fix="Make it a Markdown cell.")
    if "answer" in tags:
        source = ANSWER_TEXT
    elif is_code:
        source = blank_answers(stub_solutions(source, where), where)
    student = {
        "cell_type": cell["cell_type"],
        "id": cell["id"],
        "metadata": {"tags": sorted(tags)} if tags else {},
        "source": source.splitlines(keepends=True),
    }
    if is_code:
        student["execution_count"] = None
        student["outputs"] = [_uncounted(output) for output in cell["outputs"]] if "keep-output" in tags else []
    return student


def _uncounted(output: dict[str, Any]) -> dict[str, Any]:
    return {**output, "execution_count": None} if "execution_count" in output else output


def build_all(root: Path, *, check: bool = False) -> list[Path]:
    """Bring every lab of the repository ``root`` up to date; with ``check`` only find those that are not.

    A generated lab whose solution is gone is out of date too, and is removed.

    Returns:
        The labs that were written or removed, or would be.

    Raises:
        LabError: a solution cannot be turned into a lab.
        OutputError: a file in the way is not what this builder wrote; nothing is changed then.
    """
    wanted = {
        root / "labs" / solution.name: to_bytes(build_lab(read_notebook(solution), f"solutions/{solution.name}"))
        for solution in sorted((root / "solutions").glob("*.ipynb"))
    }
    changed = [lab for lab, content in wanted.items() if not lab.exists() or lab.read_bytes() != content]
    stale = [lab for lab in sorted((root / "labs").glob("*.ipynb")) if lab not in wanted and is_generated(lab)]
    if check:
        return changed + stale
    for lab in changed:
        _refuse_foreign(lab)
    for lab in changed:
        with atomic_file(lab) as temporary:
            temporary.write_bytes(wanted[lab])
    for lab in stale:
        lab.unlink()
    return changed + stale


def execute_solutions(root: Path, names: list[str]) -> None:
    """Run the named solutions of the repository ``root``, or all, and store their outputs.

    Raises:
        ConfigError: no solution, or more than one, has a name.
        LabError: a solution does not run to its end.
    """
    folder = root / "solutions"
    found = [find_lab(folder, name) for name in names] if names else sorted(folder.glob("*.ipynb"))
    for solution in found:
        if solution is not None:
            execute_solution(solution)
            print(f"executed: {solution.relative_to(root)}")


def _refuse_foreign(lab: Path) -> None:
    if lab.exists() and not is_generated(lab):
        raise OutputError(
            "this file is not as the builder wrote it, and is not overwritten.",
            where=lab,
            fix="Move what is worth keeping elsewhere (students' copies live in my_labs/), then delete it.",
        )


def main(argv: list[str] | None = None) -> int:
    """Build all labs; with ``--check`` write nothing and return 1 where one differs from its solution."""
    parser = argparse.ArgumentParser(prog="python -m lift_core.course.build", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 where a lab is out of date")
    parser.add_argument(
        "--execute", nargs="*", metavar="LAB", help="first run these solutions (all where none is named) and store them"
    )
    args = parser.parse_args(argv)
    if args.check and args.execute is not None:
        parser.error("--check writes nothing, --execute does: choose one")
    try:
        root = repository_root()
        if args.execute is not None:
            execute_solutions(root, args.execute)
        changed = build_all(root, check=args.check)
    except LiftError as error:
        print(f"build: {error}", file=sys.stderr)
        return 2
    for lab in changed:
        print(f"{'out of date' if args.check else 'brought up to date'}: {lab.relative_to(root)}")
    if not changed:
        print("The labs are up to date.")
    return int(args.check and bool(changed))


if __name__ == "__main__":
    sys.exit(main())
