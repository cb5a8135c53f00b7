"""Cuts the solutions out of a code cell: each region becomes a statement that raises and says what to do."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass

from lift_core.checks.exercise import STUB_PREFIX
from lift_core.course.cells import parse_cell, split_lines
from lift_core.course.notebooks import LabError

_BEGIN = re.compile(r"^(?P<indent>\s*)### BEGIN SOLUTION(?: +(?P<task>\d+\.\d+ +\S.*?)\s*$)?")
_END = re.compile(r"^\s*### END SOLUTION\s*$")


@dataclass(frozen=True)
class Region:
    """One solution inside a code cell.

    Attributes:
        task: the exercise's number and what to do: "10.2 warp the frame".
        indent: white space in front of its first marker.
        first, last: lines of the two markers, counted from 1.
    """

    task: str
    indent: str
    first: int
    last: int

    @property
    def stub(self) -> str:
        """The line that stands in the lab in its place."""
        message = json.dumps(f"{STUB_PREFIX}{self.task}", ensure_ascii=False)
        return f"{self.indent}raise NotImplementedError({message})\n"


def find_regions(source: str, where: str) -> list[Region]:
    """Find the solution regions of a code cell, from top to bottom.

    Args:
        source: the cell's text; IPython magic is allowed.
        where: the cell's name for error messages.

    Raises:
        LabError: a region is unbalanced, has no exercise number and task, or is not made of whole statements of a
            function's body.
    """
    regions: list[Region] = []
    open_match: re.Match[str] | None = None
    first = 0
    for number, line in enumerate(split_lines(source), start=1):
        place = f"{where}, line {number}"
        if (begin := _BEGIN.match(line)) is not None:
            _check_begin(begin, first if open_match else None, place)
            open_match, first = begin, number
        elif _END.match(line):
            if open_match is None:
                fix = "Add ### BEGIN SOLUTION 10.2 what to do."
                raise LabError("a solution ends that never began.", where=place, fix=fix)
            _check_body(source, first, number, place)
            regions.append(Region(open_match["task"], open_match["indent"], first, number))
            open_match = None
    if open_match is not None:
        raise LabError("a solution begins and never ends.", where=f"{where}, line {first}", fix="Add ### END SOLUTION.")
    return regions


def stub_solutions(source: str, where: str) -> str:
    """Replace each solution region of a code cell by a statement that raises, naming the exercise and the task.

    The region ``### BEGIN SOLUTION 10.2 warp the frame`` … ``### END SOLUTION`` becomes
    ``raise NotImplementedError("lift-stub:10.2 warp the frame")`` at the indentation of its first line.

    Raises:
        LabError: see `find_regions`.
    """
    lines = split_lines(source)
    regions = find_regions(source, where)
    for region in reversed(regions):
        lines[region.first - 1 : region.last] = [region.stub]
    stubbed = "".join(lines)
    if regions:
        parse_cell(stubbed, where)
    return stubbed


def _check_begin(begin: re.Match[str], begun: int | None, place: str) -> None:
    if begun is not None:
        raise LabError(f"a solution begins inside the one of line {begun}.", where=place, fix="Add ### END SOLUTION.")
    if begin["task"] is None:
        raise LabError(
            "a solution begins without a number and a task.",
            where=place,
            fix="Write: ### BEGIN SOLUTION 10.2 what to do in one line",
        )


def _check_body(source: str, first: int, last: int, place: str) -> None:
    if not _inside_function(parse_cell(source, place), first, last):
        raise LabError(
            "the solution is not made of whole statements of a function's body.",
            where=place,
            fix="Put both markers inside one function body, on lines of their own.",
        )


def _inside_function(cell: ast.Module, first: int, last: int) -> bool:
    """Tell whether the markers on the lines ``first`` and ``last`` enclose whole statements of one function's body."""
    for node in ast.walk(cell):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.lineno < first:
            inside = [child for child in ast.walk(node) if isinstance(child, ast.stmt) and first < child.lineno < last]
            if inside:
                return all((child.end_lineno or child.lineno) < last for child in inside)
    return False
