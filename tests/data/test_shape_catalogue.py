"""The catalogue of shapes: pictures and a table that fit together, with holes, the same at every writing."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import pytest

from lift_core.data.shape_catalogue import COLUMNS, KINDS, write_catalogue
from lift_core.errors import ConfigError


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_catalogue(tmp_path_factory.mktemp("catalogue"), 60, height=48, width=64)


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_names_a_picture_of_the_size(table: Path):
    rows = rows_of(table)
    assert len(rows) == 60
    assert {cv2.imread(str(table.parent / row["picture"])).shape for row in rows} == {(48, 64, 3)}


def test_columns_hold_what_they_say_and_have_holes(table: Path):
    rows = rows_of(table)
    assert tuple(rows[0]) == COLUMNS
    assert {row["kind"] for row in rows} == set(KINDS)
    assert {row["camera"] for row in rows} == {"A", "B", "C"}
    assert all(12 <= float(row["size"]) <= 34 for row in rows if row["size"] != "NA")
    assert {row["stars"] for row in rows} == {"", "1", "2", "3", "4", "5"}
    for column, hole in (("size", "NA"), ("stars", ""), ("caption", "")):
        assert 0 < sum(row[column] == hole for row in rows) < 30


def test_captions_say_the_kind(table: Path):
    rows = rows_of(table)
    assert all(row["kind"] in row["caption"].split() for row in rows if row["caption"])


def test_camera_c_is_darker(table: Path):
    means: dict[str, list[float]] = {}
    for row in rows_of(table):
        means.setdefault(row["camera"], []).append(float(cv2.imread(str(table.parent / row["picture"])).mean()))
    assert max(means["C"]) < min(means["A"])


def test_the_same_seed_writes_the_same_files_and_another_seed_others(table: Path, tmp_path: Path):
    again = write_catalogue(tmp_path / "again", 60, height=48, width=64)
    other = write_catalogue(tmp_path / "other", 60, height=48, width=64, seed=2)
    assert again.read_bytes() == table.read_bytes() != other.read_bytes()
    assert (again.parent / "0007.jpg").read_bytes() == (table.parent / "0007.jpg").read_bytes()


@pytest.mark.parametrize("options", [{"count": 0}, {"count": 10_000}, {"height": 31}, {"width": 8}])
def test_numbers_out_of_range_are_refused(tmp_path: Path, options: dict[str, int]):
    with pytest.raises(ConfigError, match="pictures of"):
        write_catalogue(tmp_path, **options)
