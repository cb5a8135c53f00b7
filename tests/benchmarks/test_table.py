"""Tables of benchmarks say the same in a terminal, in Markdown and in JSON."""

from __future__ import annotations

import json

from lift_core.benchmarks.table import Row, Table, machine_line

TABLE = Table(
    "Reading",
    (
        Row("PNG", 12.345, "samples/s", "naive", 1.5, 1.4),
        Row("raw | mapped", 12345.6, "samples/s", "naive", 11.9, 12, note="warm", beside_value=1037),
        Row("naive", 8.23, "samples/s"),
    ),
    "In turn.",
)


def test_columns_line_up_and_a_missed_aim_stands_out():
    title, headings, *rows, note = TABLE.text().splitlines()
    assert (title, note) == ("Reading", "In turn.")
    column = headings.index("measured")
    assert [row[column:].split()[0] for row in rows] == ["12.3", "12,346", "8.23"]
    assert [row.split()[-1] for row in rows] == ["yes", "NO", "samples/s"]


def test_markdown_has_as_many_cells_in_every_line():
    lines = [line for line in TABLE.markdown().splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(TABLE.rows)
    assert {line.replace("\\|", "").count("|") for line in lines} == {7}
    assert "raw \\| mapped (warm)" in TABLE.markdown()


def test_json_holds_the_figures_as_they_were_measured():
    rows = json.loads(TABLE.to_json())["rows"]
    assert [row["value"] for row in rows] == [12.345, 12345.6, 8.23]
    assert rows[1]["reached"] is False
    assert rows[1]["wanted"] == "≥ 12"


def test_the_machine_is_named_with_its_cores_and_the_date():
    assert "cores" in machine_line()
    assert machine_line().startswith("20")
