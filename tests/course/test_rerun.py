"""`lift check` runs the saved file, goes on after failures, prints every verdict, and writes nothing."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from lift_core import cli
from lift_core.checks.card import Card
from lift_core.checks.journal import entries
from lift_core.commands import check
from lift_core.course import rerun as rerun_module
from lift_core.course.rerun import Failure, FoundVerdict, Rerun, rerun
from lift_core.errors import ConfigError


def says(exercise: str, verdict: str) -> str:
    record = {"exercise": exercise, "name": f"task_{exercise[-1]}", "verdict": verdict}
    data = {Card.RECORD_TYPE: record, "text/plain": "x"}
    return f"from IPython.display import display\ndisplay({data!r}, raw=True)"


def write(path: Path, **cells: str) -> Path:
    made = [
        {
            "cell_type": "code",
            "id": f"97-1-{name}",
            "metadata": {},
            "source": source,
            "outputs": [{"output_type": "stream", "name": "stdout", "text": "stale"}],
            "execution_count": 3,
        }
        for name, source in cells.items()
    ]
    text = {"cell_type": "markdown", "id": "97-0-title", "metadata": {}, "source": "# Lab"}
    path.write_text(json.dumps({"cells": [text, *made], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def test_run_goes_on_after_failures_and_prints_verdicts(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    path = write(
        tmp_path / "97_x.ipynb",
        right=says("97.1", "passed"),
        undone=says("97.2", "not attempted yet"),
        error="import os\nassert os.path.samefile(os.getcwd(), os.environ['HERE'])\nraise KeyError('one\\ntwo')",
        hang="import time\ntime.sleep(60)",
        after=says("97.1", "passed") + "\nprint('HERE' in os.environ)",
    )
    before = path.read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HERE", str(tmp_path))
        patch.setenv("LIFT_WORK", str(tmp_path))
        patch.chdir(tmp_path)
        assert cli.main(["check", "97_x.ipynb", "--timeout", "3"]) == 1
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    printed = capfd.readouterr()
    assert printed.err == ""
    assert printed.out.splitlines() == [
        "97_x.ipynb",
        "  97.1   task_1  passed",
        "  97.2   task_2  not attempted yet",
        "  97.1   task_1  passed",
        "  cell 97-1-error: KeyError: 'one\\ntwo'",
        "  cell 97-1-hang: it ran for more than 3 s and was interrupted",
        "  1 of 2 exercises passed",
    ]


def test_a_dead_kernel_ends_the_run_and_keeps_what_was_found(tmp_path: Path):
    path = write(tmp_path / "x.ipynb", right=says("97.1", "passed"), dies="import os\nos._exit(1)", after="1")
    result = rerun(path)
    assert result.verdicts == (FoundVerdict("97.1", "task_1", "passed"),)
    (failure,) = result.failures
    assert failure.cell == "97-1-dies"
    assert "kernel died" in failure.why
    assert not result.is_clean


def test_a_cell_that_cannot_be_interrupted_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rerun_module, "_INTERRUPT_S", 1)
    stubborn = "import time\nwhile True:\n    try:\n        time.sleep(9)\n    except KeyboardInterrupt:\n        pass"
    result = rerun(write(tmp_path / "x.ipynb", stubborn=stubborn, after="1 / 0"), timeout_s=2)
    (failure,) = result.failures
    assert failure.cell == "97-1-stubborn"
    assert failure.why.startswith("it ran for more than 2 s and could not be interrupted")


def test_a_cell_that_ended_and_whose_outputs_stay_away_is_not_taken_for_a_slow_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rerun_module, "_INTERRUPT_S", 1)
    silenced = "get_ipython().kernel.iopub_thread.stop()"
    result = rerun(write(tmp_path / "x.ipynb", right=says("97.1", "passed"), silent=silenced, after="1 / 0"))
    (failure,) = result.failures
    assert failure.cell == "97-1-silent"
    assert failure.why.startswith("it ended, but the rest of its outputs did not come within 1 s")
    assert result.verdicts == (FoundVerdict("97.1", "task_1", "passed"),)


NOTES = "from lift_core.checks.journal import record\nrecord('verdicts', {'verdict': 'passed'})"


def test_only_what_lies_in_the_work_folder_is_noted_in_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    work = tmp_path / "work"
    (work / "deep").mkdir(parents=True)
    monkeypatch.setenv("LIFT_WORK", str(work))
    outside, inside = write(tmp_path / "x.ipynb", note=NOTES), write(work / "deep" / "x.ipynb", note=NOTES)
    told = "not in your work folder"
    assert cli.main(["check", str(outside)]) == 0
    assert told in capsys.readouterr().out.splitlines()[1]
    assert entries("verdicts") == []
    assert cli.main(["check", str(inside)]) == 0
    assert told not in capsys.readouterr().out
    assert entries("verdicts") == [{"verdict": "passed"}]


def test_a_notebook_without_a_course_is_noted_nowhere(
    tmp_path: Path, ran: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def nowhere() -> Path:
        raise ConfigError("there is no course here")

    monkeypatch.setattr(check, "work_folder", nowhere)
    assert cli.main(["check", str(write(tmp_path / "x.ipynb"))]) == 0
    assert "not in your work folder" in capsys.readouterr().out


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The notebooks that would be run; each passes its one exercise."""
    paths: list[Path] = []

    def run(path: Path, **options: object) -> Rerun:
        paths.append(path)
        return Rerun((FoundVerdict("97.1", "one", "passed"),), ())

    monkeypatch.setattr(rerun_module, "rerun", run)
    return paths


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "labs").mkdir()
    (tmp_path / "labs" / "97_x.ipynb").write_text("{}")
    monkeypatch.setattr(check, "repository_root", lambda: tmp_path)
    monkeypatch.setenv("LIFT_WORK", str(tmp_path / "work"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_number_or_name_means_the_copy_in_the_work_folder(clone: Path, ran: list[Path]):
    (clone / "work").mkdir()
    copy = write(clone / "work" / "97_x.ipynb")
    write(clone / "work" / "97_x.before-1.ipynb")
    assert cli.main(["check", "97", "97_x", "work/97_x.ipynb"]) == 0
    assert ran == [copy] * 3


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("97", "no copy of this lab.*lift start 97"),
        ("98", "no lab is called '98'"),
        ("work/none.ipynb", "cannot be read"),
        ("labs/97_x.ipynb", "not a notebook"),
        ("./labs", "cannot be read"),
        ("good.ipynb --timeout=0", "--timeout"),
    ],
)
def test_what_is_no_notebook_is_told_before_anything_runs(
    clone: Path, ran: list[Path], argument: str, complaint: str, capsys: pytest.CaptureFixture[str]
):
    write(clone / "good.ipynb")
    assert cli.main(["check", "good.ipynb", *argument.split()]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(complaint, line)
    assert ran == []


PASSED, WRONG = FoundVerdict("97.1", "one", "passed"), FoundVerdict("97.1", "one", "wrong")


@pytest.mark.parametrize(
    ("result", "clean", "summary"),
    [
        (Rerun((), ()), True, "  no check was run"),
        (Rerun((WRONG, PASSED), ()), True, "  1 of 1 exercises passed"),
        (Rerun((PASSED, WRONG), ()), False, "  0 of 1 exercises passed"),
        (Rerun((PASSED,), (Failure("a", "b"),)), False, "  1 of 1 exercises passed"),
    ],
)
def test_the_last_verdict_on_an_exercise_counts(result: Rerun, clean: bool, summary: str):
    assert result.is_clean == clean
    assert check.report(result).splitlines()[-1] == summary


def test_progress_is_told_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert check._progress() is None
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    line = check._progress()
    assert line is not None
    line(1, 2)
    line(2, 2)
    assert "cell 1 of 2" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r")
