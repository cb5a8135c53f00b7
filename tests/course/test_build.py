"""Labs built from solutions: nothing leaks, the bytes are the same each time, and nobody's work is overwritten."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from lift_core.course import build
from lift_core.course.leaks import ANSWER_TEXT
from lift_core.course.notebooks import LabError, is_generated, to_bytes
from lift_core.errors import OutputError

REGION = "def f(x):\n    ### BEGIN SOLUTION 3.1 double it\n    return 2 * x\n    ### END SOLUTION\n"
ORIGIN = "solutions/03_x.ipynb"


def code(cell_id: str, source: str, *tags: str, outputs: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": cell_id,
        "metadata": {"tags": list(tags), "collapsed": True, "execution": {"iopub.execute_input": "2020"}},
        "execution_count": 7,
        "source": source.splitlines(keepends=True),
        "outputs": outputs or [{"output_type": "stream", "name": "stdout", "text": ["leak\n"]}],
    }


def text(cell_id: str, source: str, *tags: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": cell_id, "metadata": {"tags": list(tags)}, "source": source}


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    metadata = {
        "kernelspec": {"display_name": "my venv", "language": "python", "name": "venv"},
        "language_info": {"name": "python", "version": "3.11.7"},
        "widgets": {"state": {"model": 1}},
    }
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "solutions").mkdir()
    (tmp_path / "labs").mkdir()
    (tmp_path / "solutions" / "03_x.ipynb").write_text(json.dumps(notebook(code("03-1-double", REGION, "exercise"))))
    return tmp_path


def test_lab_drops_solutions_outputs_counts_and_volatile_metadata():
    lab = build.build_lab(notebook(code("03-1-double", REGION, "exercise"), text("03-2-text", "words")), ORIGIN)
    everything = json.dumps(lab)
    assert all(
        word not in everything for word in ("2 * x", "leak", "collapsed", "widgets", "3.11.7", "my venv", "2020")
    )
    assert "lift-stub:3.1 double it" in everything
    assert lab["cells"][0]["execution_count"] is None
    assert lab["cells"][0]["outputs"] == []
    assert lab["cells"][0]["metadata"] == {"tags": ["exercise"]}


def test_lab_is_a_valid_notebook_with_the_authored_ids():
    lab = build.build_lab(notebook(code("03-1-double", REGION, "exercise"), text("03-2-text", "a\nb")), ORIGIN)
    nbformat.validate(nbformat.from_dict(lab))
    assert [cell["id"] for cell in lab["cells"]] == ["03-1-double", "03-2-text"]


def test_instructor_cells_are_dropped_and_answers_replaced_whole():
    lab = build.build_lab(
        notebook(text("03-1-note", "for me", "instructor"), text("03-2-answer", "because secret", "answer")), ORIGIN
    )
    assert [(cell["id"], "".join(cell["source"])) for cell in lab["cells"]] == [("03-2-answer", ANSWER_TEXT)]


def test_kept_output_survives_without_its_count():
    output = {"output_type": "execute_result", "data": {"text/plain": "42"}, "metadata": {}, "execution_count": 9}
    lab = build.build_lab(notebook(code("03-1-kept", "42", "keep-output", outputs=[output])), ORIGIN)
    assert lab["cells"][0]["outputs"] == [{**output, "execution_count": None}]


def test_building_leaves_the_solution_as_it_is():
    solution = notebook(code("03-1-double", REGION, "exercise"))
    before = copy.deepcopy(solution)
    build.build_lab(solution, ORIGIN)
    assert solution == before


def test_bytes_do_not_depend_on_the_order_of_keys_or_on_the_source_being_a_list():
    one = notebook(code("03-1-double", REGION, "check", "exercise"))
    other = json.loads(json.dumps(one, sort_keys=True))
    other["cells"][0]["source"] = REGION
    other["cells"][0]["metadata"]["tags"].reverse()
    assert to_bytes(build.build_lab(one, ORIGIN)) == to_bytes(build.build_lab(other, ORIGIN))


@pytest.mark.parametrize(
    ("solution", "complaint"),
    [
        (notebook(text("03-1-note", "", "homework")), "unknown tags"),
        (notebook(text("03-1-note", ""), text("03-1-note", "")), "same id: 03-1-note"),
        (notebook(text("03-1-note", "x", "instructor"), text("03-1-note", "")), "same id"),
        (notebook(text("3-1-note", "")), "not authored: 3-1-note"),
        (notebook(text("04-1-note", "")), "not authored"),
        (notebook(text("03-1", "")), "not authored"),
        (notebook(text("03-1-Note", "")), "not authored"),
        (notebook(text("03-1-2d", "")), "not authored"),
        (notebook(text("03-a-note", "")), "not authored"),
        (notebook(code("03-1-note", "1", "answer")), "in a code cell"),
        ({**notebook(), "nbformat_minor": 4}, "older than 4.5"),
    ],
)
def test_unsound_solutions_are_refused(solution: dict[str, Any], complaint: str):
    with pytest.raises(LabError, match=complaint):
        build.build_lab(solution, ORIGIN)


def test_a_file_without_a_number_has_no_ids_to_author():
    with pytest.raises(LabError, match="not authored"):
        build.build_lab(notebook(text("fl-1-note", "")), "solutions/flow.ipynb")


def test_answers_to_questions_are_taken_out():
    lab = build.build_lab(notebook(code("03-1-guess", '%time 1\npredict("how many?", 3.5)\n')), ORIGIN)
    assert "".join(lab["cells"][0]["source"]) == '%time 1\npredict("how many?", ...)\n'


def test_a_lab_that_gives_its_solution_away_is_not_written(repository: Path):
    solution = notebook(code("03-1-triple", REGION.replace("2 * x", "3 * x + 1")), code("03-2-leak", "y = 3 * x + 1"))
    (repository / "solutions" / "03_x.ipynb").write_text(json.dumps(solution))
    with pytest.raises(LabError, match=r"cell 03-2-leak: the solution of 3\.1"):
        build.build_all(repository)
    assert list((repository / "labs").iterdir()) == []


def test_second_build_writes_nothing(repository: Path):
    lab = repository / "labs" / "03_x.ipynb"
    assert build.build_all(repository) == [lab]
    assert is_generated(lab)
    assert build.build_all(repository) == []


def test_check_reports_drift_and_writes_nothing(repository: Path):
    build.build_all(repository)
    lab = repository / "labs" / "03_x.ipynb"
    before = lab.read_bytes()
    (repository / "solutions" / "03_x.ipynb").write_text(json.dumps(notebook(text("03-2-text", "new"))))
    assert build.build_all(repository, check=True) == [lab]
    assert lab.read_bytes() == before


def test_lab_whose_solution_is_gone_is_removed_but_a_foreign_notebook_is_kept(repository: Path):
    build.build_all(repository)
    (repository / "solutions" / "03_x.ipynb").unlink()
    foreign = repository / "labs" / "mine.ipynb"
    foreign.write_text(json.dumps(notebook(text("03-1-mine", "my own"))))
    assert build.build_all(repository) == [repository / "labs" / "03_x.ipynb"]
    assert list((repository / "labs").iterdir()) == [foreign]


def test_foreign_file_is_never_overwritten(repository: Path):
    lab = repository / "labs" / "03_x.ipynb"
    lab.write_text("my work")
    with pytest.raises(OutputError, match="not as the builder wrote it"):
        build.build_all(repository)
    assert lab.read_text() == "my work"


def test_edited_lab_is_never_overwritten(repository: Path):
    build.build_all(repository)
    lab = repository / "labs" / "03_x.ipynb"
    edited = json.loads(lab.read_text())
    edited["cells"][0]["source"] = ["my solution"]
    lab.write_text(json.dumps(edited))
    (repository / "solutions" / "03_x.ipynb").write_text(json.dumps(notebook(text("03-2-text", "new"))))
    with pytest.raises(OutputError, match=r"03_x\.ipynb"):
        build.build_all(repository)
    assert "my solution" in lab.read_text()


def test_command_exits_1_on_drift_only(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setattr(build, "repository_root", lambda: repository)
    assert build.main(["--check"]) == 1
    assert "out of date: labs/03_x.ipynb" in capsys.readouterr().out
    assert build.main([]) == 0
    assert build.main(["--check"]) == 0


def test_command_reports_a_damaged_solution_in_one_line(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    (repository / "solutions" / "04_bad.ipynb").write_text("{")
    monkeypatch.setattr(build, "repository_root", lambda: repository)
    assert build.main([]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("build: the file is not a notebook")


def test_committed_labs_equal_their_solutions():
    root = Path(__file__).resolve().parents[2]
    assert build.build_all(root, check=True) == []
