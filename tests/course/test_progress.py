"""`lift progress` folds the journals into true words, and names what comes next."""

from __future__ import annotations

from pathlib import Path

import pytest

from lift_core import cli, workspace
from lift_core.checks.journal import record
from lift_core.course import choose, predict, reveal
from lift_core.course.predictions import Prediction
from lift_core.course.progress import Standing, prediction_table, progress_of, standings, table

pytestmark = pytest.mark.usefixtures("lab97")


@pytest.fixture
def labs(tmp_path: Path, work: Path) -> list[Path]:
    work.mkdir()
    return [tmp_path / "labs" / f"{stem}.ipynb" for stem in ("96_nothing_to_check", "97_tasks")]


def note(exercise: str, *verdicts: str) -> None:
    for verdict in verdicts:
        record("verdicts", {"exercise": exercise, "name": "x", "verdict": verdict, "time": "2030"})


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        ((), "-"),
        (("not attempted yet",), "-"),
        (("wrong",), "tried, 1 time"),
        (("wrong", "not attempted yet", "crashed or out of time"), "tried, 2 times"),
        (("known mistake", "passed"), "passed"),
        (("passed", "not attempted yet"), "passed"),
        (("passed", "wrong"), "passed once, now wrong"),
        (("passed", "wrong", "passed"), "passed"),
    ],
)
def test_an_exercise_stands_as_its_latest_try(work: Path, verdicts: tuple[str, ...], words: str):
    note("97.1", *verdicts)
    assert str(standings().get("97.1", Standing())) == words


def test_damaged_entries_are_left_out(work: Path):
    record("verdicts", {"exercise": 3, "verdict": "passed"})
    record("verdicts", {"exercise": "97.1"})
    assert standings() == {}


def test_table_shows_every_exercise_with_totals_and_what_is_next(labs: list[Path], work: Path):
    note("97.1", "passed")
    note("97.2", "wrong")
    note("97.3", "passed")
    predict("a", 3)
    predict("b", ...)
    reveal(2, "c")
    choose("97.A", "a")
    choose("97.A", "b")
    for lab in labs:
        (work / lab.name).write_text("")
    assert table(progress_of(labs, work)).splitlines() == [
        "96 nothing to check: no core exercises",
        "",
        "97 tasks: 1 of 2 core exercises passed",
        "  97.1   one    faded     passed",
        "  97.2   two    core      tried, 1 time",
        "  97.3   three  core      passed",
        "  97.10  ten    optional  -",
        "",
        "Core exercises passed: 1 of 2",
        "Predictions made: 1. Questions answered: 1.",
        "Next: exercise 97.2 two, in lab 97 (lift lab 97)",
    ]


def test_next_is_the_first_lab_not_begun_then_nothing(labs: list[Path], work: Path):
    for exercise in ("97.1", "97.2", "97.3"):
        note(exercise, "passed")
    fresh = table(progress_of(labs, work))
    assert "97 tasks: 2 of 2 core exercises passed, not begun" in fresh
    assert fresh.endswith("Next: lab 96 (lift lab 96)")
    (work / labs[0].name).write_text("")
    assert "Next: nothing; all that is not optional" in table(progress_of(labs, work))
    assert table([]).endswith("Next: there are no labs yet.")


def test_predictions_stand_in_columns():
    rows = [Prediction("How large?", 6.0, "MB", 2.0), Prediction("How many?", None, "", 1234.0), Prediction("No", 1.0)]
    assert prediction_table(rows).splitlines() == [
        "guess  measured  question",
        " 6 MB      2 MB  How large?",
        "    -     1,234  How many?",
        "    1         -  No",
    ]
    assert prediction_table([]) == "No predictions yet."


def test_the_command_prints_either_table(
    labs: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    labs[0].parent.mkdir()
    for lab in labs:
        lab.write_text("")
    monkeypatch.setattr(workspace, "repository_root", lambda: labs[0].parents[1])
    predict("How many?", 3)
    capsys.readouterr()
    assert cli.main(["progress"]) == 0
    assert "97.10  ten" in capsys.readouterr().out
    assert cli.main(["progress", "--predictions"]) == 0
    assert "    3         -  How many?" in capsys.readouterr().out
