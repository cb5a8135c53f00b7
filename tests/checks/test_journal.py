"""A student's journal keeps every entry, in order, whatever happens to a line of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lift_core.checks import journal
from lift_core.checks.journal import entries, record
from lift_core.errors import ConfigError

values = st.text() | st.integers() | st.floats(allow_nan=False) | st.none() | st.booleans()
anything = st.dictionaries(st.text(), values | st.lists(values))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The journal "verdicts" of a work folder that does not exist yet."""
    monkeypatch.setenv("LIFT_WORK", str(tmp_path / "new" / "work"))
    return tmp_path / "new" / "work" / ".lift" / "verdicts.jsonl"


def test_without_a_journal_there_are_no_entries(file: Path) -> None:
    assert entries("verdicts") == []
    assert not file.exists()


@given(st.lists(anything, max_size=4))
def test_entries_come_back_in_order_whatever_they_hold(wanted: list[dict[str, Any]]) -> None:
    already = len(entries("anything"))
    for entry in wanted:
        record("anything", entry)
    assert entries("anything")[already:] == wanted


@pytest.mark.parametrize("text", ["a\u2028b", "a\x85b", "a\nb", "\ud800", "ü✓"])
def test_a_text_with_line_breaks_of_any_kind_is_one_entry(file: Path, text: str) -> None:
    record("verdicts", {"said": text})
    assert entries("verdicts") == [{"said": text}]


def test_each_entry_is_a_line_of_json(file: Path) -> None:
    record("verdicts", {"n": 1})
    record("verdicts", {"n": 2})
    assert [json.loads(line) for line in file.read_text().splitlines() if line] == [{"n": 1}, {"n": 2}]


def test_a_line_that_was_cut_off_costs_only_itself(file: Path) -> None:
    record("verdicts", {"n": 1})
    with file.open("a") as opened:
        opened.write('{"n": 2, "verd')
    record("verdicts", {"n": 3})
    assert entries("verdicts") == [{"n": 1}, {"n": 3}]


@pytest.mark.parametrize("line", [b"[1, 2]", b"3", b"no json", b"\xff\xfe\x00", b"null"])
def test_a_line_that_is_no_entry_is_left_out(file: Path, line: bytes) -> None:
    record("verdicts", {"n": 1})
    file.write_bytes(line + b"\n" + file.read_bytes() + line)
    assert entries("verdicts") == [{"n": 1}]


def test_journals_of_other_names_are_kept_apart(file: Path) -> None:
    record("verdicts", {"n": 1})
    assert entries("predictions") == []


def test_a_folder_that_cannot_be_written_to_is_told_and_fails_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LIFT_WORK", str(tmp_path / "file"))
    record("verdicts", {"n": 1})
    said = capsys.readouterr().err
    assert said.startswith("(not noted for `lift progress`: ")
    assert said.count("\n") == 1


def test_outside_the_course_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise ConfigError("there is no course here.")

    monkeypatch.setattr(journal, "work_folder", nowhere)
    record("verdicts", {"n": 1})
    assert entries("verdicts") == []
