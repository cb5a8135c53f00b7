"""CSVDataset: types, stand-ins for missing values, and errors that name the line and the column."""

from __future__ import annotations

import csv
import pickle
import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lift_core.data.csv_dataset import CSVDataset
from lift_core.errors import ConfigError, DatasetError

COLUMNS = {"name": str, "age": int, "score": float}
TEXT = 'name,age,other,score\n"Ng, Ann",3,x,0.5\nBo,-4,y,1e3\n'


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "table.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_rows_are_samples_with_the_types_asked_for(tmp_path: Path, encoding: str, ending: str) -> None:
    dataset = CSVDataset(written(tmp_path, TEXT.replace("\n", ending), encoding), COLUMNS)
    assert len(dataset) == 2
    assert dataset[0] == {"name": "Ng, Ann", "age": torch.tensor(3), "score": torch.tensor(0.5)}
    assert dataset[-1]["age"].dtype == torch.int64  # type: ignore[union-attr]
    assert dataset[1]["score"].dtype == torch.float32  # type: ignore[union-attr]
    with pytest.raises(IndexError):
        dataset[2]


rows = st.tuples(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.integers(-(2**63), 2**63 - 1))


@given(st.lists(rows.filter(lambda row: row[0].strip().lower() not in ("", "na", "n/a", "nan", "null", "none"))))
def test_what_the_csv_module_writes_is_read(table: list[tuple[str, int]]) -> None:
    table = [(name.replace("\0", ""), number) for name, number in table if name.replace("\0", "").strip()]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("name", "number"), *table])
        dataset = CSVDataset(path, {"number": int, "name": str})
    assert [(s["name"], int(s["number"])) for s in (dataset[i] for i in range(len(dataset)))] == table


@pytest.mark.parametrize("text", ["", " ", "NA", "n/a", "NaN", "null", "None"])
def test_a_missing_value_is_an_error_or_replaced(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, f"name,age,score\na,1,0.5\nb,{text},2\n")
    with pytest.raises(DatasetError, match=r"line 3, column 'age': no value.*table\.csv"):
        CSVDataset(path, COLUMNS)
    dataset = CSVDataset(path, COLUMNS, missing={"age": -1, "score": 0.0})
    assert [int(dataset[i]["age"]) for i in range(2)] == [1, -1]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("b,two,3", r"line 3, column 'age': 'two' is no int"),
        ("b,1.5,3", r"line 3, column 'age': '1\.5' is no int"),
        ("b,1_0,3", r"line 3, column 'age': '1_0' is no int"),
        (f"b,{2**63},3", r"line 3, column 'age'"),
        ("b,2,high", r"line 3, column 'score': 'high' is no float"),
        ("b,2", r"line 3 has 2 fields, not 3"),
        ("b,2,3,4", r"line 3 has 4 fields, not 3"),
        ('"b,2,3', r"cannot be read"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(DatasetError, match=rf"{message}.*table\.csv"):
        CSVDataset(written(tmp_path, f"name,age,score\na,1,2\n{line}\n"), COLUMNS)


def test_blank_lines_and_line_breaks_in_quotes_keep_the_count_of_lines(tmp_path: Path) -> None:
    path = written(tmp_path, 'name,age,score\n"a\nb",1,2\n\nc,x,2\n')
    with pytest.raises(DatasetError, match="line 5, column 'age'"):
        CSVDataset(path, COLUMNS)


@pytest.mark.parametrize("text", ["", "name,age\n", "name,age,age,score\n"])
def test_a_column_that_is_not_there_once_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(DatasetError, match=r"[02] columns are called '(name|score|age)'"):
        CSVDataset(written(tmp_path, text), COLUMNS)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"cannot be read.*absent\.csv"):
        CSVDataset(tmp_path / "absent.csv", COLUMNS)
    with pytest.raises(DatasetError, match=r"cannot be read.*table\.csv"):
        CSVDataset(written(tmp_path, "name\ncafé\n", "latin-1"), {"name": str})


def test_options_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, TEXT)
    for columns, missing in (({}, {}), ({"age": bytes}, {}), ({"age": int}, {"name": "x"})):
        with pytest.raises(ConfigError):
            CSVDataset(path, columns, missing=missing)  # type: ignore[arg-type]


def test_a_header_without_rows_is_an_empty_data_set(tmp_path: Path) -> None:
    assert len(CSVDataset(written(tmp_path, "name,age,score\n"), COLUMNS)) == 0


def test_a_pickled_data_set_is_the_same(tmp_path: Path) -> None:
    dataset = CSVDataset(written(tmp_path, TEXT), COLUMNS)
    assert pickle.loads(pickle.dumps(dataset))[0] == dataset[0]
