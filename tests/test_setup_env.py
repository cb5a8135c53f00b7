"""The set-up: each way in which a machine can be unfit gives one clear line, and OpenCV without libGL is mended."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import types
import zipfile
from pathlib import Path

import pytest

import setup_env
from setup_env import SetupError
from tests.conftest import needs_program

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 10, 13), (3, 15, 0)])
def test_untested_python_is_refused_by_name(version: tuple[int, ...]):
    with pytest.raises(SetupError, match=r"needs 3\.11 to 3\.14") as caught:
        setup_env.check_python(version)
    assert ".".join(map(str, version)) in str(caught.value)


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 14, 2)])
def test_tested_python_passes(version: tuple[int, ...]):
    setup_env.check_python(version)


def test_range_of_python_is_the_one_of_pyproject():
    assert f'requires-python = ">=3.{setup_env.OLDEST[1]},<3.{setup_env.NEWEST[1] + 1}"' in (
        ROOT / "pyproject.toml"
    ).read_text(encoding="utf-8")


def test_missing_ensurepip_names_the_package_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(setup_env.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else object())
    with pytest.raises(SetupError, match=rf"lacks the module ensurepip.*python3\.{sys.version_info[1]}-venv"):
        setup_env.check_venv_modules()


def test_small_disk_is_refused_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(setup_env.shutil, "disk_usage", lambda folder: types.SimpleNamespace(free=10**9))
    with pytest.raises(SetupError, match=r"has 1\.0 GB free; the packages need 3 GB"):
        setup_env.create_venv(tmp_path / ".venv")
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize(("free", "words"), [(10**6, "is full"), (10**12, "its last lines above")])
def test_full_disk_is_told_from_other_failures_of_pip(
    free: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(setup_env.shutil, "disk_usage", lambda folder: types.SimpleNamespace(free=free))
    assert words in setup_env.why_pip_failed([tmp_path])


def test_environment_whose_interpreter_is_gone_is_not_usable(tmp_path: Path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(tmp_path / "gone")
    assert not setup_env.is_usable(tmp_path)
    assert setup_env.is_usable(Path(sys.prefix))


def test_failure_is_one_line_and_exit_code_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def stop(root: Path, venv: Path) -> None:
        raise SetupError("The disk is full.")

    monkeypatch.setattr(setup_env, "set_up", stop)
    monkeypatch.setattr(sys, "argv", ["setup_env.py"])
    assert setup_env.main() == 1
    assert capsys.readouterr().err == "Set-up stopped. The disk is full.\n"


def write_wheel(folder: Path, name: str, cv2_source: str) -> None:
    """Write a wheel of ``name`` 5.0.0 whose only module is cv2."""
    info = f"{name}-5.0.0.dist-info"
    files = {
        "cv2/__init__.py": cv2_source,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 5.0.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-5.0.0-py3-none-any.whl", "w") as wheel:
        for path, content in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(path, content)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that is all pip can see: an opencv-python without libGL, and a headless one that works."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    failure = "libGL.so.1: cannot open shared object file: No such file or directory"
    write_wheel(folder, "opencv_python", f"raise ImportError({failure!r})\n")
    write_wheel(folder, "opencv_python_headless", "HEADLESS = True\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_opencv_without_libgl_is_replaced_by_the_headless_build(shop: Path, tmp_path: Path):
    """Both packages are there, as on a machine that was mended before: they own the same files."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = setup_env.venv_python(tmp_path / "venv")
    for package in ("opencv-python-headless", "opencv-python"):
        subprocess.run([python, "-m", "pip", "install", "--quiet", package], check=True)
    said = setup_env.mend_opencv(python)
    assert said is not None
    assert "libGL.so.1" in said
    assert "opencv-python-headless==5.0.0 replaces opencv-python 5.0.0" in said
    assert subprocess.run([python, "-c", "import cv2; assert cv2.HEADLESS"], check=False).returncode == 0
    assert setup_env.mend_opencv(python) is None


def test_opencv_that_fails_for_another_reason_is_not_replaced(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(setup_env, "opencv_failure", lambda python: "ImportError: numpy.core.multiarray failed")
    with pytest.raises(SetupError, match="multiarray failed"):
        setup_env.mend_opencv(Path(sys.executable))


def test_working_opencv_is_left_alone():
    assert setup_env.mend_opencv(Path(sys.executable)) is None


class FakeMachine:
    """A folder with the real Makefile, and a PATH of made-up Pythons that only write down how they were called."""

    def __init__(self, folder: Path) -> None:
        self.clone, self.bin, self.log = folder / "clone", folder / "bin", folder / "log"
        self.clone.mkdir()
        self.bin.mkdir()
        for name in ("Makefile", "setup_env.py", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, self.clone)
        for tool in ("sh", "touch", "mkdir", "ln", "echo"):
            (self.bin / tool).symlink_to(needs_program(tool))

    def add_python(self, name: str, *, fits: bool) -> None:
        script = self.bin / name
        script.write_text(
            f'#!/bin/sh\n[ "$1" = -c ] && exit {0 if fits else 1}\n'
            f"echo {name} >> {self.log}\nmkdir -p .venv/bin\ntouch .venv/bin/python\n"
        )
        script.chmod(0o755)

    def make_setup(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [needs_program("make"), "setup", *arguments]
        # Not the MAKEFLAGS of a make that runs these tests.
        environment = {"PATH": str(self.bin)}
        return subprocess.run(command, cwd=self.clone, env=environment, capture_output=True, text=True, check=False)

    def setups(self) -> list[str]:
        return self.log.read_text().split() if self.log.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    return FakeMachine(tmp_path)


def test_make_takes_the_first_python_that_fits(machine: FakeMachine):
    machine.add_python("python3", fits=False)
    machine.add_python("python3.12", fits=True)
    machine.add_python("python3.13", fits=True)
    assert machine.make_setup().returncode == 0
    assert machine.setups() == ["python3.12"]


def test_make_repeats_the_setup_only_when_its_inputs_changed(machine: FakeMachine):
    machine.add_python("python3", fits=True)
    machine.make_setup()
    machine.make_setup()
    assert len(machine.setups()) == 1
    stamp = (machine.clone / ".venv" / ".setup-stamp").stat().st_mtime
    os.utime(machine.clone / "constraints.txt", (stamp + 10, stamp + 10))
    machine.make_setup()
    assert len(machine.setups()) == 2


def test_make_repeats_the_setup_when_the_interpreter_is_gone(machine: FakeMachine):
    machine.add_python("python3", fits=True)
    machine.make_setup()
    python = machine.clone / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("gone")
    machine.make_setup()
    assert len(machine.setups()) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [([], "There is no Python 3.11 to 3.14."), (["PYTHON=python3"], "python3 is not Python 3.11 to 3.14.")],
)
def test_make_without_a_fitting_python_says_so_in_one_line(machine: FakeMachine, arguments: list[str], words: str):
    machine.add_python("python3", fits=False)
    result = machine.make_setup(*arguments)
    assert result.returncode != 0
    said = [line for line in result.stderr.splitlines() if not line.startswith("make")]
    assert len(said) == 1
    assert words in said[0]
    assert "PYTHON=" in said[0]
    assert not (machine.clone / ".venv").exists()
