"""`lift lab` and `lift start` find the right notebook and never write over a student's work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from lift_core import cli, workspace
from lift_core.commands import lab as lab_command
from lift_core.commands import start as start_command
from lift_core.course.labs import all_labs, copy_lab, find_lab, set_aside, short_name
from lift_core.course.notebooks import mark, to_bytes
from lift_core.errors import ConfigError, MissingDependencyError, OutputError


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "clone"
    (root / "labs").mkdir(parents=True)
    for module in (lab_command, start_command):
        monkeypatch.setattr(module, "repository_root", lambda: root)
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
    monkeypatch.setattr(lab_command, "hand_over", lambda command, folder, env: calls.append((command, folder)) or 0)
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
    assert cli.main(["lab"]) == 0
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


@pytest.mark.skipif(os.name != "posix", reason="only POSIX can put one program in another one's place")
def test_ending_the_command_ends_jupyterlab(tmp_path: Path):
    stand_in = tmp_path / "jupyterlab"
    stand_in.mkdir()
    (stand_in / "__init__.py").touch()
    (stand_in / "__main__.py").write_text(
        "import os, time\nprint(os.getpid(), os.getcwd(), flush=True)\ntime.sleep(30)"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "LIFT_WORK": str(tmp_path / "work")}
    command = [sys.executable, "-m", "lift_core.cli", "lab"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Copied to ")
        pid, folder = process.stdout.readline().split(maxsplit=1)
        assert Path(folder.strip()) == (tmp_path / "work").resolve()
        process.terminate()
        assert process.wait(20) == -signal.SIGTERM
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


def test_where_it_must_wait_ctrl_c_is_left_to_jupyterlab():
    process = Mock()
    process.wait.side_effect = [KeyboardInterrupt, KeyboardInterrupt, 3]
    assert lab_command.wait_for(process) == 3


def test_missing_jupyterlab_is_a_named_dependency(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "jupyterlab", None)
    with pytest.raises(MissingDependencyError, match="JupyterLab"):
        lab_command.jupyter_command(None, None, [])


def test_labs_have_short_names():
    assert [short_name(Path(f"{stem}.ipynb")) for stem in ("04_lazy_frames", "extra", "04")] == ["04", "extra", "04"]


def test_start_copies_and_opens_nothing(labs: Path, opened: list, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["start"]) == 0
    target = labs.parent / "my_labs" / "00_start_here.ipynb"
    assert target.read_text() == "00_start_here"
    assert capsys.readouterr().out == f"Copied to {target}\n"
    assert opened == []


def test_start_copies_the_named_labs_or_all(labs: Path, capsys: pytest.CaptureFixture[str]):
    work = labs.parent / "my_labs"
    assert cli.main(["start", "1", "10_flow", "01"]) == 0
    assert [path.stem for path in all_labs(work)] == ["01_datasets", "10_flow"]
    assert cli.main(["start", "--all"]) == 0
    assert [path.name for path in all_labs(work)] == [path.name for path in all_labs(labs)]
    assert capsys.readouterr().out.count("Your copy, kept as it is:") == 2


def test_start_again_keeps_every_earlier_copy(labs: Path, capsys: pytest.CaptureFixture[str]):
    work = labs.parent / "my_labs"
    for answer in ("first", "second"):
        assert cli.main(["start", "1", "--again"]) == 0
        (work / "01_datasets.ipynb").write_text(answer)
    assert cli.main(["start", "1", "--again"]) == 0
    assert {path.name: path.read_text() for path in work.iterdir()} == {
        "01_datasets.ipynb": "01_datasets",
        "01_datasets.before-1.ipynb": "first",
        "01_datasets.before-2.ipynb": "second",
    }
    assert f"kept: {work / '01_datasets.before-2.ipynb'}" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["7"], ["--all", "1"]])
def test_start_refuses_what_it_cannot_mean(labs: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]):
    assert cli.main(["start", *arguments]) == 2
    assert capsys.readouterr().err.startswith("lift: ")
    assert not (labs.parent / "my_labs").exists()


def test_start_without_any_lab_says_so(repository: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["start"]) == 2
    assert "no labs yet" in capsys.readouterr().err


def test_a_copy_that_cannot_be_renamed_is_named(tmp_path: Path):
    with pytest.raises(OutputError, match="cannot be renamed"):
        set_aside(tmp_path / "none.ipynb")


def generated(text: str) -> bytes:
    cell = {"cell_type": "markdown", "id": "01-1-text", "metadata": {}, "source": [text]}
    return to_bytes(mark({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, "solutions/01_x.ipynb"))


def test_a_copy_of_an_earlier_lab_is_told_and_kept(labs: Path, capsys: pytest.CaptureFixture[str]):
    lab, copy = labs / "01_datasets.ipynb", labs.parent / "my_labs" / "01_datasets.ipynb"
    lab.write_bytes(generated("old"))
    assert cli.main(["start", "1"]) == 0
    edited = json.loads(copy.read_text())
    edited["cells"][0]["source"] = ["my answer"]
    edited["metadata"]["language_info"] = {"version": "3.14"}
    copy.write_text(json.dumps(edited))
    assert cli.main(["start", "1"]) == 0
    assert "has changed" not in capsys.readouterr().out
    lab.write_bytes(generated("new"))
    assert cli.main(["start", "1"]) == 0
    kept, changed = capsys.readouterr().out.splitlines()
    assert kept == f"Your copy, kept as it is: {copy}"
    assert changed.endswith("lift start --again 01")
    assert "my answer" in copy.read_text()
    assert cli.main(["start", "--again", "01"]) == 0
    assert copy.read_bytes() == lab.read_bytes()


def test_a_copy_that_is_no_notebook_any_more_is_kept(labs: Path):
    (labs / "01_datasets.ipynb").write_bytes(generated("new"))
    for content in (b"{", b"[]", b'{"cells": [], "metadata": []}', b'{"cells": []}'):
        copy = labs.parent / "my_labs" / "01_datasets.ipynb"
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(content)
        assert not copy_lab(labs / "01_datasets.ipynb", copy.parent).is_behind


def test_jupyterlab_reads_the_defaults_that_stop_its_questions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Its own reader finds the file; that the settings exist and take these values stands in its schema."""
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(tmp_path))
    environment = lab_command.jupyter_environment()
    assert environment["JUPYTER_CONFIG_PATH"].split(os.pathsep)[1] == str(tmp_path)
    code = """
import json, sys
from pathlib import Path
from jupyter_server.services.config import ConfigManager
import jupyterlab
defaults = ConfigManager(config_dir_name="labconfig").get("default_setting_overrides")
schema = Path(jupyterlab.__file__).parent / "schemas" / "@jupyterlab" / "apputils-extension" / "notification.json"
json.dump([defaults, json.loads(schema.read_text())["properties"]], sys.stdout)
"""
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    defaults, properties = json.loads(result.stdout)
    chosen = defaults["@jupyterlab/apputils-extension:notification"]
    assert chosen == {"checkForUpdates": False, "fetchNews": "false"}
    assert properties["checkForUpdates"]["type"] == "boolean"
    assert "false" in [value["const"] for value in properties["fetchNews"]["oneOf"]]
    assert properties["fetchNews"]["default"] == "none"


def test_a_relative_work_folder_is_spelled_out_for_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIFT_WORK", "mine")
    assert lab_command.jupyter_environment()["LIFT_WORK"] == str((tmp_path / "mine").resolve())
    monkeypatch.delenv("LIFT_WORK")
    assert "LIFT_WORK" not in lab_command.jupyter_environment()
