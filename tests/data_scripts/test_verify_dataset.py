"""verify_dataset: exit codes, a report in CSV, and what is printed."""

from __future__ import annotations

import csv
from pathlib import Path
from types import ModuleType

import pytest

from tests.data.clip_trees import write_clip
from tests.data_scripts.scripts import load_script


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_script("verify_dataset")


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    for number in range(3):
        write_clip(tmp_path / "clips" / f"{number}", 4)
    return tmp_path / "clips"


def test_a_sound_data_set_passes(script: ModuleType, clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main([str(clips), "--workers", "2"]) == 0
    printed = capsys.readouterr()
    assert printed.out == "3 clips, 12 frames\nno problems\n"
    assert "3/3" in printed.err


def test_problems_are_printed_and_reported(
    script: ModuleType, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (clips / "1" / "im02.png").write_bytes(b"")
    (clips / "2" / "im03.png").unlink()
    report = tmp_path / "report.csv"
    arguments = [str(clips), "--report", str(report)]
    assert script.main(arguments) == 1
    printed = capsys.readouterr().out
    assert "1, frame im02.png: damaged: empty file" in printed
    assert "damaged: 1, missing: 1" in printed
    with report.open(newline="", encoding="utf-8") as file:
        assert [(row["clip"], row["frame"], row["problem"]) for row in csv.DictReader(file)] == [
            ("1", "im02.png", "damaged"),
            ("2", "im03.png", "missing"),
        ]
    before = report.read_bytes()
    (clips / "1" / "im02.png").unlink()
    assert script.main(arguments) == 2
    assert capsys.readouterr().err.startswith("verify_dataset: the report exists")
    assert report.read_bytes() == before
    assert script.main([*arguments, "--force"]) == 1
    assert report.read_bytes() != before


def test_many_problems_are_shortened_on_the_screen(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for frame in write_clip(tmp_path / "clip", 25).iterdir():
        frame.write_bytes(b"")
    assert script.main([str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert printed.count("empty file") == 3
    assert "and 22 more; --report FILE writes all of them" in printed
    assert "damaged: 25" in printed


@pytest.mark.parametrize("options", [["--workers", "0"], ["--min-frames", "0"]])
def test_what_cannot_be_verified_is_one_line(
    options: list[str], script: ModuleType, clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main([str(clips), *options]) == 2
    assert script.main([str(clips / "absent")]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in errors] == ["verify_dataset", "verify_dataset"]
