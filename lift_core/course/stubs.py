"""Cuts the solutions out of a code cell: each region becomes a statement that raises and says what to do."""

from __future__ import annotations

import ast
import json
import re

from lift_core.course.notebooks import LabError

STUB_PREFIX = "lift-stub:"

_BEGIN = re.compile(r"^(?P<indent>\s*)### BEGIN SOLUTION(?: +(?P<task>\d+\.\d+ +\S.*?)\s*$)?")
_END = re.compile(r"^\s*### END SOLUTION\s*$")
_MAGIC = re.compile(r"^(?P<indent>\s*)[%!].*$", re.MULTILINE)


def stub_solutions(source: str, where: str) -> str:
    """Replace each solution region of a code cell by a statement that raises, naming the exercise and the task.

    The region ``### BEGIN SOLUTION 10.2 warp the frame`` … ``### END SOLUTION`` becomes
    ``raise NotImplementedError("lift-stub:10.2 warp the frame")`` at the indentation of its first line.

    Args:
        source: the cell's text; IPython magic is allowed.
        where: the cell's name for error messages.

    Raises:
        LabError: a region is unbalanced, has no exercise number and task, or is not made of whole statements of a
            function's body.
    """
    lines: list[str] = []
    begun: int | None = None
    for number, line in enumerate(source.splitlines(keepends=True), start=1):
        place = f"{where}, line {number}"
        if (begin := _BEGIN.match(line)) is not None:
            _check_begin(begin, begun, place)
            begun = number
            lines.append(_stub(begin))
        elif _END.match(line):
            _check_end(source, begun, number, place)
            begun = None
        elif begun is None:
            lines.append(line)
    if begun is not None:
        raise LabError("a solution begins and never ends.", where=f"{where}, line {begun}", fix="Add ### END SOLUTION.")
    stubbed = "".join(lines)
    if stubbed != source:
        _parse(stubbed, where)
    return stubbed


def _stub(begin: re.Match[str]) -> str:
    message = json.dumps(f"{STUB_PREFIX}{begin['task']}", ensure_ascii=False)
    return f"{begin['indent']}raise NotImplementedError({message})\n"


def _check_begin(begin: re.Match[str], begun: int | None, place: str) -> None:
    if begun is not None:
        raise LabError(f"a solution begins inside the one of line {begun}.", where=place, fix="Add ### END SOLUTION.")
    if begin["task"] is None:
        raise LabError(
            "a solution begins without a number and a task.",
            where=place,
            fix="Write: ### BEGIN SOLUTION 10.2 what to do in one line",
        )


def _check_end(source: str, begun: int | None, number: int, place: str) -> None:
    if begun is None:
        raise LabError("a solution ends that never began.", where=place, fix="Add ### BEGIN SOLUTION 10.2 what to do.")
    if not _inside_function(_parse(source, place), begun, number):
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


def _parse(source: str, where: str) -> ast.Module:
    """Parse a cell as Python; where that fails, once more with the lines of IPython magic taken for ``pass``."""
    try:
        return ast.parse(source)
    except SyntaxError:
        pass
    try:
        return ast.parse(_MAGIC.sub(r"\g<indent>pass", source))
    except SyntaxError as error:
        raise LabError(f"the cell is not valid Python: {error.msg}.", where=f"{where}, line {error.lineno}") from error
