"""Rows come back as they were appended, and a file cut off anywhere still gives every row that is whole."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lift_core.data.appended_rows import RowWriter, read_rows, write_rows
from lift_core.errors import OutputError

COLUMNS = ("number", "name", "note")
# Names of clips may hold anything that names of files may, bytes that are no UTF-8 among them.
FIELDS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=6) | st.sampled_from(
    ["", '"', 'a"b', "a,b", "a\nb", "a\r\nb", "\r", "\0", "\udcff", "µ"]
)


def written(path: Path, rows: list[list[str]]) -> None:
    write_rows(path, COLUMNS, rows[:1])
    with RowWriter(path) as writer:
        for row in rows[1:]:
            writer.append(row)


@settings(deadline=None, max_examples=150)
@given(rows=st.lists(st.lists(FIELDS, min_size=3, max_size=3), max_size=5), data=st.data())
def test_a_file_cut_off_anywhere_gives_the_rows_before_the_cut(rows: list[list[str]], data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        ends = [0]
        for count in range(len(rows) + 1):
            written(path, rows[:count])
            ends.append(path.stat().st_size)
        assert read_rows(path, COLUMNS) == (rows, 0)
        cut = data.draw(st.integers(0, ends[-1]))
        path.write_bytes(path.read_bytes()[:cut])
        whole = max(place for place, end in enumerate(ends) if end <= cut)
        assert read_rows(path, COLUMNS) == (rows[: max(whole - 1, 0)], int(cut not in ends))


def test_lines_that_are_no_rows_are_counted_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b'number,name,note\n1,a,b\n\0\0\0\n2,a\n5,"a"b,c\n3,c,d\n4,e')
    assert read_rows(path, COLUMNS) == ([["1", "a", "b"], ["3", "c", "d"]], 4)
    assert read_rows(tmp_path / "none.csv", COLUMNS) == ([], 0)
    with pytest.raises(OutputError, match="cannot read"):
        read_rows(tmp_path, COLUMNS)
    with pytest.raises(OutputError, match="cannot write"):
        RowWriter(tmp_path)
