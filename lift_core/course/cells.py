"""The text of code cells: parsed as Python although IPython magic stands in it, and split into lines as Python does."""

from __future__ import annotations

import ast
import re

from lift_core.course.notebooks import LabError

# A whole line for IPython: %magic, !command, ?help, help?, name = %magic, name = !command.
_MAGIC = re.compile(
    r"^(?P<indent>[ \t]*)(?:[%!?].*|[\w.]+\?{1,2}[ \t]*|[\w.,\[\] \t]+=[ \t]*[%!].*)$",
    re.MULTILINE,
)


def parse_cell(source: str, where: str) -> ast.Module:
    """Parse a cell as Python; where that fails, once more with the lines of IPython magic taken for ``pass``.

    Line numbers and columns of the tree are those of ``source``, but for the lines of magic.

    Raises:
        LabError: the cell is no Python even so.
    """
    try:
        return ast.parse(source)
    except SyntaxError:
        pass
    try:
        return ast.parse(_MAGIC.sub(r"\g<indent>pass", source))
    except SyntaxError as error:
        raise LabError(f"the cell is not valid Python: {error.msg}.", where=f"{where}, line {error.lineno}") from error


def magic_lines(source: str) -> list[str]:
    """The lines of a cell that are for IPython; none where the cell is plain Python."""
    try:
        ast.parse(source)
    except SyntaxError:
        return [match[0] for match in _MAGIC.finditer(source)]
    return []


def split_lines(source: str) -> list[str]:
    """Split at the line ends that Python's parser knows, and keep them; `str.splitlines` knows more."""
    return [line.decode() for line in source.encode().splitlines(keepends=True)]
