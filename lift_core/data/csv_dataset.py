"""CSVDataset: the rows of a CSV file as samples, with every value checked once, when the file is read."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from lift_core.data.packed_strings import PackedStrings
from lift_core.errors import ConfigError, DatasetError

MISSING_TEXTS = frozenset({"", "na", "n/a", "nan", "null", "none"})

Value = int | float | str
ColumnType = type[int] | type[float] | type[str]


class CSVDataset(Dataset[dict[str, Tensor | str]]):
    """Rows of a CSV file with a header line; sample ``i`` is row ``i`` as a dict from column to value.

    A column of ``int`` gives int64 tensors ``[]``, one of ``float`` float32 tensors ``[]``, one of ``str`` texts.
    Columns are held as arrays, so a million rows are a handful of objects.

    Args:
        path: the file, UTF-8.
        columns: the columns to keep, each with its type.
        missing: for a column, the value that stands in where a row has none (an empty field, NA, NaN, null or None).
            Without one, a missing value is an error.

    Raises:
        DatasetError: a file that cannot be read, a column that it lacks, a row of another length, or a value that is
            missing or of another type; the message names the line and the column.
        ConfigError: a type other than these three, or a stand-in for a column that is not kept.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        columns: Mapping[str, ColumnType],
        *,
        missing: Mapping[str, Value] | None = None,
    ) -> None:
        self.path = Path(path)
        self._missing = dict(missing or {})
        _check_columns(columns, self._missing)
        values = self._read(columns)
        self._columns = {name: _pack(values[name], kind) for name, kind in columns.items()}
        self._length = len(next(iter(values.values())))

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> dict[str, Tensor | str]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        return {name: _as_sample(column[index]) for name, column in self._columns.items()}

    def _read(self, columns: Mapping[str, ColumnType]) -> dict[str, list[Value]]:
        values: dict[str, list[Value]] = {name: [] for name in columns}
        try:
            # Spreadsheets begin a file with a byte order mark, and a quoted field may hold a line break.
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.reader(file, strict=True)
                header = next(reader, [])
                places = self._places(header, columns)
                for row in reader:
                    if row:
                        self._append(values, row, len(header), places, columns, reader.line_num)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise DatasetError(f"the file cannot be read: {error}", where=self.path, fix="Give a UTF-8 CSV.") from error
        return values

    def _places(self, header: Sequence[str], columns: Mapping[str, ColumnType]) -> dict[str, int]:
        for name in columns:
            if header.count(name) != 1:
                raise DatasetError(
                    f"{header.count(name)} columns are called {name!r}",
                    where=self.path,
                    fix=f"The first line names these: {', '.join(header) or 'none'}.",
                )
        return {name: header.index(name) for name in columns}

    def _append(
        self,
        values: dict[str, list[Value]],
        row: Sequence[str],
        length: int,
        places: Mapping[str, int],
        columns: Mapping[str, ColumnType],
        line: int,
    ) -> None:
        if len(row) != length:
            raise DatasetError(
                f"line {line} has {len(row)} fields, not {length}", where=self.path, fix="Mend the line."
            )
        for name, place in places.items():
            values[name].append(self._value(row[place], columns[name], name, line))

    def _value(self, text: str, kind: ColumnType, name: str, line: int) -> Value:
        if text.strip().lower() in MISSING_TEXTS:
            if name in self._missing:
                return self._missing[name]
            fix = f"Fill it in, or give missing={{{name!r}: …}}."
            raise DatasetError(f"line {line}, column {name!r}: no value", where=self.path, fix=fix)
        try:
            return _parsed(text, kind)
        except ValueError:
            what = f"line {line}, column {name!r}: {text!r} is no {kind.__name__}"
            raise DatasetError(what, where=self.path, fix="Mend the value, or choose another type.") from None


def _check_columns(columns: Mapping[str, ColumnType], missing: Mapping[str, Value]) -> None:
    if not columns or any(kind not in (int, float, str) for kind in columns.values()):
        raise ConfigError(f"columns are of type int, float or str, not {dict(columns)}", fix="Name at least one.")
    unknown = sorted(missing.keys() - columns.keys())
    if unknown:
        raise ConfigError(f"values stand in for columns that are not kept: {unknown}", fix="Name them in columns.")


def _parsed(text: str, kind: ColumnType) -> Value:
    # Python's own numbers may hold underscores; a CSV file's may not.
    if kind is not str and "_" in text:
        raise ValueError(text)
    value = kind(text)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError(text)
    return value


def _pack(values: Sequence[Value], kind: ColumnType) -> NDArray[np.int64] | NDArray[np.float32] | PackedStrings:
    if kind is str:
        return PackedStrings(map(str, values))
    return np.array(values, np.int64) if kind is int else np.array(values, np.float32)


def _as_sample(value: np.int64 | np.float32 | str) -> Tensor | str:
    return value if isinstance(value, str) else torch.tensor(value)
