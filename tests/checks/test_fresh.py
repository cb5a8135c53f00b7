"""fresh() runs what the student's file says now, in this process and in workers."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from lift_core.checks import fresh
from lift_core.errors import ConfigError


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The student's folder; modules imported from it are forgotten afterwards."""
    monkeypatch.setenv("LIFT_WORK", str(tmp_path))
    monkeypatch.setattr(sys, "path", list(sys.path))
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        del sys.modules[name]


def test_a_module_is_imported_from_the_students_folder(work: Path) -> None:
    (work / "my_frames.py").write_text("ANSWER = 42\n")
    module = fresh("my_frames")
    assert module.ANSWER == 42
    assert sys.modules["my_frames"] is module
    assert importlib.import_module("my_frames") is module


def test_quick_edits_of_the_same_size_are_all_seen(work: Path) -> None:
    file = work / "my_frames.py"
    for number in range(5):
        file.write_text(f"ANSWER = {number}\n")
        os.utime(file, (1_000_000_000, 1_000_000_000))
        assert number == fresh("my_frames").ANSWER


def test_a_module_of_a_folder_is_read_again_too(work: Path) -> None:
    (work / "my_lift").mkdir()
    file = work / "my_lift" / "encoder.py"
    for number in range(3):
        file.write_text(f"STAGE = {number}\n")
        os.utime(file, (1_000_000_000, 1_000_000_000))
        assert number == fresh("my_lift.encoder").STAGE


def test_the_lines_of_errors_are_those_of_the_edited_file(work: Path) -> None:
    for text in ("first", "later"):
        (work / "my_frames.py").write_text(f"def f():\n    raise ValueError('{text}')\n")
        with pytest.raises(ValueError, match=text) as caught:
            fresh("my_frames").f()
        assert text in (traceback.extract_tb(caught.value.__traceback__)[-1].line or "")


def test_the_students_folder_wins_over_others_of_the_same_name(
    work: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "my_frames.py").write_text("ANSWER = 0\n")
    (work / "my_frames.py").write_text("ANSWER = 1\n")
    sys.path[:0] = [str(other), str(work)]
    assert fresh("my_frames").ANSWER == 1


def test_a_file_that_is_broken_says_so_itself(work: Path) -> None:
    (work / "my_frames.py").write_text("def f(:\n")
    with pytest.raises(SyntaxError):
        fresh("my_frames")
    (work / "my_frames.py").write_text("ANSWER = 1\n")
    assert fresh("my_frames").ANSWER == 1


@pytest.mark.parametrize(
    "name",
    ["torch", "lift_core", "random", "frames", "os.my_path", "my_a/../os", "my_.", "my_a..b", "", "my frames", ".my_a"],
)
def test_names_that_could_hide_other_modules_are_refused(work: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="is no name for a module of yours"):
        fresh(name)


def test_a_module_that_was_not_written_yet_is_refused(work: Path) -> None:
    with pytest.raises(ConfigError, match="%%writefile"):
        fresh("my_frames")


def test_a_spawned_process_finds_the_module(work: Path) -> None:
    (work / "my_frames.py").write_text("def answer(queue):\n    queue.put(__name__)\n")
    module = fresh("my_frames")
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    process = context.Process(target=module.answer, args=(queue,))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert queue.get() == "my_frames"
