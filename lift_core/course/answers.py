"""The answers in a solution's predict("…", 3) and choose("04.A", "b"): found, and taken out for the lab."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from lift_core.course.cells import magic_lines, parse_cell
from lift_core.course.notebooks import LabError

ASKING = frozenset({"predict", "choose"})
BLANK = "..."

_ASKS = re.compile(rf"\b(?:{'|'.join(sorted(ASKING))})\s*\(")


@dataclass(frozen=True)
class Answer:
    """The second argument of one question.

    Attributes:
        question: the first argument as it is written.
        text: the answer as it is written; "..." where none is given.
        start, end: offsets in the cell's text, in bytes of UTF-8.
    """

    question: str
    text: str
    start: int
    end: int

    @property
    def is_blank(self) -> bool:
        return self.text == BLANK


def find_answers(source: str, where: str) -> list[Answer]:
    """Find the answers in a code cell, in the order in which they are written.

    Args:
        source: the cell's text; IPython magic is allowed.
        where: the cell's name for error messages.

    Raises:
        LabError: a call of ``predict`` or ``choose`` does not have the question and the answer as its first two
            arguments, without their names, or stands in a line of magic.
    """
    if not _ASKS.search(source):
        return []
    tree = parse_cell(source, where)
    if any(_ASKS.search(line) for line in magic_lines(source)):
        raise LabError("a question stands in a line of IPython magic.", where=where, fix="Give it a line of its own.")
    starts = _line_starts(source)
    answers = [_answer(node, source.encode(), starts, where) for node in ast.walk(tree) if _is_question(node)]
    return sorted(answers, key=lambda answer: answer.start)


def blank_answers(source: str, where: str) -> str:
    """Put ``...`` in place of every answer of a code cell, and change nothing else.

    Raises:
        LabError: see `find_answers`.
    """
    return put_answers(source, [BLANK] * len(find_answers(source, where)), where)


def put_answers(source: str, texts: Sequence[str], where: str) -> str:
    """Put each of ``texts`` in place of the answers of a code cell, in their order.

    Raises:
        LabError: there are more or fewer answers than texts; see also `find_answers`.
    """
    answers = find_answers(source, where)
    if len(answers) != len(texts):
        raise LabError(f"the cell asks {len(answers)} questions, not {len(texts)}.", where=where)
    content = source.encode()
    for answer, text in reversed(list(zip(answers, texts, strict=True))):
        content = content[: answer.start] + text.encode() + content[answer.end :]
    return content.decode()


def _is_question(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ASKING


def _answer(call: ast.AST, content: bytes, starts: list[int], where: str) -> Answer:
    assert isinstance(call, ast.Call)
    given = call.args[:2]
    if len(given) < 2 or any(isinstance(argument, ast.Starred) for argument in given):
        raise LabError(
            f"{ast.unparse(call)} does not have the question and the answer as its first two arguments.",
            where=where,
            fix='Write predict("question", 3) or choose("04.A", "b"); in labs the two names mean nothing else.',
        )
    (question_start, question_end), (start, end) = (_span(argument, starts) for argument in given)
    question = content[question_start:question_end].decode()
    return Answer(question, content[start:end].decode(), start, end)


def _span(node: ast.expr, starts: list[int]) -> tuple[int, int]:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset


def _line_starts(source: str) -> list[int]:
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts
