"""Finds what a lab would give away: solutions, answers, instructors' texts, outputs and what machines leave behind."""

from __future__ import annotations

import ast
import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lift_core.course.answers import find_answers
from lift_core.course.cells import parse_cell
from lift_core.course.markdown import code_pieces, parsed_pieces, plain_text
from lift_core.course.notebooks import MARKER, Cell, LabError, Notebook, cell_source, cell_tags
from lift_core.course.stubs import find_regions
from lift_core.course.telling import form, squeezed, statements, telling_parts, text_forms, values

KEPT_OUTPUT_CHARACTERS = 80_000
ANSWER_TEXT = "*Your answer:*"

_NOTEBOOK_METADATA = {"kernelspec", "language_info", MARKER}
_MARKERS = ("### BEGIN SOLUTION", "### END SOLUTION")
# Shorter sentences of an answer are everyone's; shorter answers as a whole are a word or a number.
_TELLING_SENTENCE = 25
_TELLING_ANSWER = 10


@dataclass
class _Secrets:
    """What must not be in a lab: by the form in which it is looked for, the words that name it."""

    code: dict[str, str] = field(default_factory=dict)
    lines: dict[str, str] = field(default_factory=dict)
    answers: dict[tuple[str, str], str] = field(default_factory=dict)
    sentences: dict[str, str] = field(default_factory=dict)


def find_leaks(solution: Notebook, lab: Notebook) -> list[str]:
    """Find what of a solution notebook is still in the lab made from it.

    Args:
        solution: the notebook with the solution regions, answers and instructor cells.
        lab: the student's notebook.

    Returns:
        One line for each leak, with the cell's id; empty where there is none. Leaks are: a telling statement or value
        of a solution region in a code cell that is not ``worked``, in Markdown, or in a kept output; an answer to a
        question, the text of an answer cell or of an instructor cell; outputs of cells without ``keep-output``, or
        longer than ``KEPT_OUTPUT_CHARACTERS``; metadata beyond tags and the kernel.

    Raises:
        LabError: a cell of the solution cannot be understood.
    """
    secrets = _secrets(solution)
    unknown = sorted(set(lab["metadata"]) - _NOTEBOOK_METADATA)
    found = [f"the notebook's metadata: {name}" for name in unknown]
    for cell in lab["cells"]:
        leaks = dict.fromkeys([*_of_text(cell, secrets), *_of_outputs(cell, secrets), *_of_metadata(cell)])
        found += [f"cell {cell['id']}: {leak}" for leak in leaks]
    return found


def _secrets(solution: Notebook) -> _Secrets:
    secrets = _Secrets()
    for cell in solution["cells"]:
        source, tags, where = cell_source(cell), cell_tags(cell), f"cell {cell['id']}"
        is_code = cell["cell_type"] == "code"
        if is_code:
            _add_code(secrets, source, where, everything="instructor" in tags)
            for answer in find_answers(source, where):
                secrets.answers[squeezed(answer.question), squeezed(answer.text)] = f"the answer to {answer.question}"
        elif "answer" in tags or "instructor" in tags:
            name = f"the text of {where}"
            secrets.sentences.update(dict.fromkeys(_sentences(source), name))
    return secrets


def _add_code(secrets: _Secrets, source: str, where: str, *, everything: bool) -> None:
    """Note the telling parts of a cell's solution regions, or of the whole cell."""
    regions = find_regions(source, where)
    if not (regions or everything):
        return
    for statement in statements(parse_cell(source, where)):
        inside = [region for region in regions if region.first < statement.lineno < region.last]
        if not (inside or everything):
            continue
        origin = f"the solution of {inside[0].task.split()[0]}" if inside else f"code of {where}"
        name = f"{origin}: {ast.unparse(statement).splitlines()[0]}"
        for part in telling_parts(statement):
            secrets.code.setdefault(form(part), name)
            secrets.lines.update(dict.fromkeys(text_forms(part, source), name))


def _of_text(cell: Cell, secrets: _Secrets) -> Iterator[str]:
    source = cell_source(cell)
    if any(marker in source for marker in _MARKERS):
        yield "the marker of a solution"
    prose = _normal(source)
    yield from (name for sentence, name in secrets.sentences.items() if sentence in prose)
    if cell["cell_type"] == "code":
        yield from _of_code(cell, source, secrets)
    else:
        yield from _of_markdown(source, secrets)


def _of_code(cell: Cell, source: str, secrets: _Secrets) -> Iterator[str]:
    where = f"cell {cell['id']}"
    yield from (f"an answer to {answer.question}" for answer in find_answers(source, where) if not answer.is_blank)
    if "worked" in cell_tags(cell):
        return
    try:
        tree = parse_cell(source, where)
    except LabError:
        # The cell of another language, such as %%bash.
        yield from _of_lines(source, secrets)
        return
    for statement in statements(tree):
        parts = [statement, *values(statement)]
        yield from (secrets.code[found] for found in map(form, parts) if found in secrets.code)


def _of_markdown(source: str, secrets: _Secrets) -> Iterator[str]:
    yield from _of_lines(plain_text(source), secrets)
    for tree in parsed_pieces(code_pieces(source)):
        for node in ast.walk(tree):
            if isinstance(node, ast.stmt | ast.expr) and (found := form(node)) in secrets.code:
                yield secrets.code[found]
            if isinstance(node, ast.Call) and len(node.args) >= 2:
                question, answer = (squeezed(ast.unparse(argument)) for argument in node.args[:2])
                if (question, answer) in secrets.answers:
                    yield secrets.answers[question, answer]


def _of_lines(text: str, secrets: _Secrets) -> Iterator[str]:
    shown = squeezed(text)
    yield from (name for line, name in secrets.lines.items() if line in shown)


def _of_outputs(cell: Cell, secrets: _Secrets) -> Iterator[str]:
    for output in cell.get("outputs", []):
        if "keep-output" not in cell_tags(cell):
            yield "an output"
        length = len(json.dumps(output))
        if length > KEPT_OUTPUT_CHARACTERS:
            yield f"an output of {length} characters, of {KEPT_OUTPUT_CHARACTERS} at most"
        yield from _of_lines(plain_text("\n".join(_texts(output))), secrets)


def _texts(output: dict[str, Any]) -> Iterator[str]:
    """The texts of an output, pictures apart."""
    data = {kind: value for kind, value in output.get("data", {}).items() if not kind.startswith("image/png")}
    for value in (output.get("text", ""), output.get("traceback", ""), *data.values()):
        yield value if isinstance(value, str) else "".join(map(str, value)) if isinstance(value, list) else str(value)


def _of_metadata(cell: Cell) -> Iterator[str]:
    yield from (f"metadata: {name}" for name in sorted(set(cell["metadata"]) - {"tags"}))


def _sentences(text: str) -> Iterator[str]:
    """The text as a whole and its sentences, as far as they are telling."""
    whole = _normal(text.replace(ANSWER_TEXT, ""))
    if len(whole) >= _TELLING_ANSWER:
        yield whole
    for paragraph in re.split(r"\n\s*\n", text.replace(ANSWER_TEXT, "")):
        for sentence in re.split(r"(?<=[.!?])\s+", paragraph):
            if len(_normal(sentence)) >= _TELLING_SENTENCE:
                yield _normal(sentence)


def _normal(text: str) -> str:
    return " ".join(html.unescape(text).split())
