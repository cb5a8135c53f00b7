"""`lift lab` finds the right notebook and never writes over a student's work."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lift_core import cli
from lift_core.commands import lab as lab_command
from lift_core.course.labs import copy_lab, find_lab
from lift_core import workspace
from lift_core.errors import ConfigError, MissingDependencyError, OutputError


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "clone"
    (root / "labs").mkdir(parents=True)
    monkeypatch.setattr(lab_command, "repository_root", lambda: root)
    monkeypatch.setattr(workspace, "repository_root", lambda: root)
    monkeypatch.delenv("LIFT_WORK", raising=False)
    return root


@pytest.fixture
def labs(repository: Path) -> Path:
    for name in ("00_start_here", "01_datasets", "10_flow", "10_flow_extra"):
        (repository / "labs" / f"{name}.ipynb").write_text(name)
    return repository / "labs"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], Path]]:
    """The commands that would open JupyterLab, with their folders."""
    calls: list[tuple[list[str], Path]] = []
    monkeypatch.setattr(lab_command.subprocess, "call", lambda command, cwd: calls.append((command, cwd)) or 0)
    return calls


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        (None, "00_start_here"),
        ("1", "01_datasets"),
        ("01", "01_datasets"),
        ("01_data", "01_datasets"),
        ("10_flow", "10_flow"),
        ("10_flow.ipynb", "10_flow"),
    ],
)
def test_lab_is_found_by_number_beginning_or_name(labs: Path, name: str | None, stem: str):
    assert find_lab(labs, name) == labs / f"{stem}.ipynb"


@pytest.mark.parametrize(("name", "complaint"), [("7", "no lab is"), ("x", "no lab is"), ("10", "more than one lab")])
def test_unclear_name_lists_the_labs(labs: Path, name: str, complaint: str):
    with pytest.raises(ConfigError, match=complaint) as caught:
        find_lab(labs, name)
    assert "01_datasets" in str(caught.value)


def test_missing_folder_has_no_first_lab(tmp_path: Path):
    assert find_lab(tmp_path / "none", None) is None
    with pytest.raises(ConfigError, match="none yet"):
        find_lab(tmp_path / "none", "1")


def test_copy_is_made_once_and_then_kept(labs: Path, tmp_path: Path):
    work = tmp_path / "work" / "deep"
    first = copy_lab(labs / "01_datasets.ipynb", work)
    assert first.is_new
    first.path.write_text("my answer")
    second = copy_lab(labs / "01_datasets.ipynb", work)
    assert not second.is_new
    assert second.path.read_text() == "my answer"
    assert list(work.iterdir()) == [second.path]


def test_folder_that_cannot_be_written_is_named(labs: Path, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        copy_lab(labs / "01_datasets.ipynb", tmp_path / "file" / "work")


def test_no_open_only_copies_and_prints_the_path(labs: Path, opened: list, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["lab", "1", "--no-open"]) == 0
    target = labs.parent / "my_labs" / "01_datasets.ipynb"
    assert target.read_text() == "01_datasets"
    assert capsys.readouterr().out == f"Copied to {target}\n"
    assert opened == []


def test_jupyter_opens_the_copy_with_port_and_extra_arguments(labs: Path, opened: list):
    assert cli.main(["lab", "--port", "9000", "--jupyter=--no-browser", "--jupyter=--ip=127.0.0.1"]) == 0
    ((command, folder),) = opened
    assert command == [
        *(sys.executable, "-m", "jupyterlab", "--port", "9000", "--no-browser", "--ip=127.0.0.1"),
        "00_start_here.ipynb",
    ]
    assert folder == labs.parent / "my_labs"


def test_lift_work_names_the_folder(
    labs: Path, opened: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("LIFT_WORK", str(tmp_path / "elsewhere"))
    assert cli.main(["lab", "--no-open"]) == 0
    assert (tmp_path / "elsewhere" / "00_start_here.ipynb").is_file()
    assert not (labs.parent / "my_labs").exists()


def test_without_any_lab_jupyter_opens_on_the_repository(
    repository: Path, opened: list, capsys: pytest.CaptureFixture[str]
):
    assert cli.main(["lab"]) == 0
    ((command, folder),) = opened
    assert command == [sys.executable, "-m", "jupyterlab"]
    assert folder == repository
    assert "no labs" in capsys.readouterr().out


def test_missing_jupyterlab_is_a_named_dependency(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "jupyterlab", None)
    with pytest.raises(MissingDependencyError, match="JupyterLab"):
        lab_command.jupyter_command(None, None, [])
