"""The notebooks of the course: well-formed, run to the end, and of use to someone who has filled in nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lift_core.checks.card import Card
from lift_core.course.build import LAB_TAGS, build_lab
from lift_core.course.catalogue import choices, exercises
from lift_core.course.execute import execute_solution, stable
from lift_core.course.notebooks import Cell, Notebook, cell_source, cell_tags, read_notebook, to_bytes
from lift_core.course.rerun import verdicts_of
from tests.course.filling import filled_sources, sources_without_markers

ROOT = Path(__file__).resolve().parents[2]
SOLUTIONS = sorted((ROOT / "solutions").glob("*.ipynb"))
IGNORED = "nbval-ignore-output"
TASKS = {"faded", "exercise"}

each_solution = pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)


def code_cells(path: Path) -> list[Cell]:
    return [cell for cell in read_notebook(path)["cells"] if cell["cell_type"] == "code"]


def checks(path: Path) -> list[Cell]:
    return [cell for cell in code_cells(path) if "check" in cell_tags(cell)]


def plain(text: str) -> str:
    """Text as one reads it: without line breaks and the marks of Markdown."""
    return re.sub(r"\s+", " ", text.replace("`", "").replace("**", ""))


def printed(cell: Cell) -> str:
    return "".join("".join(output.get("text", "")) for output in cell["outputs"])


def misjudged(cells: list[Cell], expected: str) -> list[str]:
    """The check cells whose outputs hold no verdict, or another one than ``expected``."""
    return [cell["id"] for cell in cells if {found.verdict for found in verdicts_of(cell)} != {expected}]


def unchecked(cells: list[Cell]) -> list[str]:
    """The cells with a task that no check follows before the next task begins."""
    waiting: str | None = None
    found = []
    for cell in cells:
        tags = cell_tags(cell)
        if tags & TASKS:
            found += [waiting] if waiting else []
            waiting = cell["id"]
        if "check" in tags:
            waiting = None
    return found + ([waiting] if waiting else [])


def test_there_is_a_first_lab():
    assert [path.stem for path in SOLUTIONS][:1] == ["00_start_here"]


@each_solution
def test_ids_are_authored_and_unique(path: Path):
    ids = [cell["id"] for cell in read_notebook(path)["cells"]]
    authored = re.compile(rf"{path.stem[:2]}-\d+-[a-z][a-z0-9-]*")
    assert [name for name in ids if not authored.fullmatch(name)] == []
    assert len(set(ids)) == len(ids)


@each_solution
def test_tags_are_of_the_closed_list(path: Path):
    used = set().union(*(cell_tags(cell) for cell in read_notebook(path)["cells"]))
    assert used - LAB_TAGS - {IGNORED} == set()


@each_solution
def test_few_outputs_are_ignored_and_never_a_verdict(path: Path):
    cells = code_cells(path)
    ignored = [cell for cell in cells if IGNORED in cell_tags(cell)]
    assert len(ignored) <= 0.4 * len(cells)
    assert [cell["id"] for cell in ignored if "check" in cell_tags(cell)] == []


@each_solution
def test_every_cell_was_run_in_order_without_errors_or_warnings(path: Path):
    cells = code_cells(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= {"stream", "display_data", "execute_result"}
    assert {output["name"] for output in outputs if output["output_type"] == "stream"} <= {"stdout"}
    assert "Could not find file" not in "".join(map(printed, cells))


@each_solution
def test_the_file_is_as_the_builder_stores_it(path: Path):
    assert path.read_bytes() == to_bytes(stable(read_notebook(path)))


@each_solution
def test_no_line_of_code_ends_in_a_semicolon(path: Path):
    lines = [line.rstrip() for cell in code_cells(path) for line in cell_source(cell).splitlines()]
    assert [line for line in lines if line.endswith(";")] == []


@each_solution
def test_every_task_is_followed_by_its_check(path: Path):
    assert unchecked(code_cells(path)) == []


@each_solution
def test_every_exercise_of_the_lab_is_checked_with_its_contract_printed_and_three_hints(path: Path):
    number = int(path.stem[:2])
    cells = read_notebook(path)["cells"]
    text = plain("".join(cell_source(cell) for cell in cells if cell["cell_type"] == "markdown"))
    assert exercises(number)
    for exercise in exercises(number):
        assert [line for line in exercise.contract if f"- {plain(line)}" not in text] == [], exercise.id
        assert f"Exercise {exercise.id}: " in text
    judged = [found.exercise for cell in checks(path) for found in verdicts_of(cell)]
    assert judged == [exercise.id for exercise in exercises(number)]
    for place, cell in enumerate(cells):
        if "check" in cell_tags(cell):
            hints = re.findall(r"<details><summary>(.*?)</summary>", cell_source(cells[place + 1]))
            assert hints == ["Hint 1", "Hint 2", "Hint 3"], cell["id"]


@each_solution
def test_lab_has_at_most_four_core_exercises_and_asks_all_its_questions(path: Path):
    number = int(path.stem[:2])
    assert sum(exercise.kind == "core" for exercise in exercises(number)) <= 4
    code = "".join(map(cell_source, code_cells(path)))
    assert [choice.id for choice in choices(number) if f'choose("{choice.id}", ' not in code] == []


@each_solution
def test_lab_has_the_parts_of_a_lab(path: Path):
    first, *_, last = (cell_source(cell) for cell in read_notebook(path)["cells"])
    assert re.match(rf"# Lab {path.stem[:2]}: .*\n\n\*\*\d+ minutes\. (Easy|Medium|Hard)\.\*\*", first)
    goals = re.findall(r"^\d\. ", first, re.MULTILINE)
    assert 4 <= len(goals) <= 7
    assert [part for part in ("What you can now do", "Common misconceptions", "Homework") if part not in last] == []


@each_solution
def test_filled_in_checks_pass(path: Path):
    assert checks(path)
    assert misjudged(checks(path), "passed") == []


@each_solution
def test_unfilled_lab_runs_to_its_end_and_says_what_is_not_attempted(path: Path, tmp_path: Path):
    lab = tmp_path / path.name
    lab.write_bytes((ROOT / "labs" / path.name).read_bytes())
    execute_solution(lab)
    assert checks(lab)
    assert misjudged(checks(lab), "not attempted yet") == []
    assert list(tmp_path.iterdir()) == [lab]


@each_solution
def test_a_lab_filled_in_is_its_solution(path: Path):
    lab, solution = read_notebook(ROOT / "labs" / path.name), read_notebook(path)
    assert filled_sources(lab, solution) == sources_without_markers(solution)


def cell(name: str, source: str, *tags: str, kind: str = "code", verdicts: tuple[str, ...] = ()) -> Cell:
    records = [{"exercise": "04.1", "name": "line", "verdict": verdict} for verdict in verdicts]
    outputs = [
        {"output_type": "display_data", "metadata": {}, "data": {Card.RECORD_TYPE: record}} for record in records
    ]
    made: Cell = {"cell_type": kind, "id": f"04-1-{name}", "metadata": {"tags": list(tags)}, "source": source}
    return {**made, "outputs": outputs, "execution_count": 1} if kind == "code" else made


SOLVED: Notebook = {
    "cells": [
        cell("title", "# Lab", kind="markdown"),
        cell("guess", '%time x = 1\npredict("größer?", 3 * 4)\n'),
        cell("notes", "Ask them why.", "instructor", kind="markdown"),
        cell(
            "two",
            "class Line:\n    def at(self, x):\n        ### BEGIN SOLUTION 04.1 evaluate\n        y = 2 * x + 1\n\n"
            "        return y\n        ### END SOLUTION\n\n    def back(self, y):\n        a = 1\n"
            "        ### BEGIN SOLUTION 04.2 invert\n        return (y - a) / 2\n        ### END SOLUTION",
            "exercise",
        ),
        cell("check", "lab04.line(Line)", "check", verdicts=("passed",)),
        cell("why", "Because the slope is two.", "answer", kind="markdown"),
    ],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}


@pytest.fixture
def lab() -> Notebook:
    made: Notebook = json.loads(to_bytes(build_lab(SOLVED, "solutions/04_line.ipynb")))
    return made


def test_filling_puts_regions_answers_and_cells_back(lab: Notebook):
    assert filled_sources(lab, SOLVED) == sources_without_markers(SOLVED)


@pytest.mark.parametrize(
    ("index", "change"),
    [(0, "# The lab"), (1, 'predict("größer?", ...)\n'), (3, "lab04.other(Line)")],
)
def test_a_lab_that_says_something_else_is_not_its_solution(lab: Notebook, index: int, change: str):
    lab["cells"][index]["source"] = change
    assert filled_sources(lab, SOLVED) != sources_without_markers(SOLVED)


def test_a_lab_without_the_stub_of_a_task_cannot_be_filled(lab: Notebook):
    lab["cells"][2]["source"] = "class Line:\n    pass\n"
    with pytest.raises(AssertionError, match=r"no stub for 04\.1"):
        filled_sources(lab, SOLVED)


def test_a_lab_without_a_cell_or_in_another_order_is_not_its_solution(lab: Notebook):
    shortened = {**lab, "cells": lab["cells"][1:]}
    assert filled_sources(shortened, SOLVED) != sources_without_markers(SOLVED)
    with pytest.raises(AssertionError, match="order"):
        filled_sources({**lab, "cells": lab["cells"][::-1]}, SOLVED)


def test_a_check_without_its_verdict_is_found():
    cells = [
        cell("right", "", verdicts=("passed", "passed")),
        cell("silent", ""),
        cell("wrong", "", verdicts=("passed", "wrong")),
    ]
    assert misjudged(cells, "passed") == ["04-1-silent", "04-1-wrong"]


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        (["exercise", "check", "faded", "worked", "check"], []),
        (["exercise", "faded", "check"], ["04-1-0"]),
        (["exercise", "check", "exercise"], ["04-1-2"]),
        (["check", "faded"], ["04-1-1"]),
        (["worked"], []),
    ],
)
def test_a_task_without_a_check_is_found(tags: list[str], found: list[str]):
    assert unchecked([cell(str(number), "", tag) for number, tag in enumerate(tags)]) == found
