"""The clone and the student's folder are found, or their absence is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from lift_core import workspace
from lift_core.errors import ConfigError


def test_repository_is_found_from_a_folder_inside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A package installed from a wheel serves a clone that the user stands in."""
    monkeypatch.setattr(workspace.lift_core, "__file__", str(tmp_path / "site-packages" / "lift_core" / "__init__.py"))
    clone = tmp_path / "clone"
    (clone / "lift_core").mkdir(parents=True)
    (clone / "labs").mkdir()
    (clone / "pyproject.toml").touch()
    (clone / "Makefile").touch()
    monkeypatch.chdir(clone / "labs")
    assert workspace.repository_root() == clone
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="Clone the repository"):
        workspace.repository_root()


def test_student_folder_is_named_by_the_environment_or_lies_in_the_clone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(workspace, "repository_root", lambda: tmp_path / "clone")
    monkeypatch.delenv("LIFT_WORK", raising=False)
    assert workspace.work_folder() == tmp_path / "clone" / "my_labs"
    monkeypatch.setenv("LIFT_WORK", str(tmp_path / "elsewhere"))
    assert workspace.work_folder() == (tmp_path / "elsewhere").resolve()
