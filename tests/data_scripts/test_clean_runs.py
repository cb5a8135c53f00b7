"""clean_runs: a dry run unless told, the clone's own folders only, and exit codes."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from tests.data_scripts.scripts import load_script


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("runs/lift", "models", "sample_data"):
        (tmp_path / "clone" / name).mkdir(parents=True)
        (tmp_path / "clone" / name / "file.bin").write_bytes(bytes(2_500_000))
    return tmp_path / "clone"


@pytest.fixture
def script(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = load_script("clean_runs")
    monkeypatch.setattr(module, "repository_root", lambda: root)
    return module


def test_nothing_goes_unless_told(script: ModuleType, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main([]) == 0
    printed = capsys.readouterr().out
    assert f"would be deleted: {root / 'runs'}: 1 files, 2.5 MB (2500000 bytes)" in printed
    assert "Nothing was deleted" in printed
    assert (root / "runs" / "lift" / "file.bin").exists()


def test_told_it_deletes_and_says_what(script: ModuleType, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main(["--delete"]) == 0
    printed = capsys.readouterr().out
    assert f"deleted: {root / 'models'}: 1 files" in printed
    assert sorted(path.name for path in root.iterdir()) == ["sample_data"]
    assert script.main(["--delete"]) == 0
    assert "nothing to delete" in capsys.readouterr().out


def test_what_is_refused_does_not_keep_the_rest(
    script: ModuleType, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "mine").touch()
    (root / "logs").symlink_to(tmp_path / "elsewhere")
    assert script.main(["--delete"]) == 1
    assert f"left alone: {root / 'logs'}: it is a link" in capsys.readouterr().out
    assert (tmp_path / "elsewhere" / "mine").exists()
    assert sorted(path.name for path in root.iterdir()) == ["logs", "sample_data"]


def test_other_names_are_one_line(script: ModuleType, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main(["sample_data", "--delete"]) == 2
    assert capsys.readouterr().err.startswith("clean_runs: 'sample_data' is no folder of runs")
    assert (root / "sample_data" / "file.bin").exists()
