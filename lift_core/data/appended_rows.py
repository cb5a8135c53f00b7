"""A CSV file that grows by one row at a time and survives being cut off in the middle of one."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from lift_core.atomic import atomic_file
from lift_core.errors import OutputError

Row = list[str]


def read_rows(path: Path, columns: Sequence[str]) -> tuple[list[Row], int]:
    """The complete rows of a file, and how many lines are none: cut off by a kill, or damaged.

    A row counts where it ends with a line break and has a field for each column. No file has no rows.

    Raises:
        OutputError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return _parse(file, columns)
    except FileNotFoundError:
        return [], 0
    except OSError as error:
        raise OutputError(f"cannot read: {error.strerror}", where=path, fix="Check its rights.") from error


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write a whole file; it takes the place of an old one when it is complete.

    Raises:
        OutputError: the place cannot be written to.
    """
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        file.write(_line(columns))
        file.writelines(_line(row) for row in rows)


class RowWriter:
    """Appends rows to a file that `write_rows` began: each is on the disk when ``append`` returns.

    Args:
        path: the file. Only one writer at a time may have it open.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise self._failed(error) from error

    def append(self, row: Sequence[object]) -> None:
        """Append a row.

        Raises:
            OutputError: the disk is full, say; the file is then as it was before.
        """
        end = os.fstat(self._file.fileno()).st_size
        try:
            line = _line([str(field) for field in row])
            while line:
                line = line[self._file.write(line) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            # What stays after all is a line that is cut off, which readers leave out.
            with suppress(OSError):
                self._file.truncate(end)
            raise self._failed(error) from error

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def _failed(self, error: OSError) -> OutputError:
        return OutputError(
            f"cannot write: {error.strerror or error}",
            where=self._path,
            fix="Check the place, its rights and free space.",
        )


def _line(row: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    # With its usual line end, csv quotes fields that hold either of the two characters.
    csv.writer(text, lineterminator="\r\n").writerow(row)
    return text.getvalue().encode("utf-8", "surrogateescape")


def _parse(file: Iterable[bytes], columns: Sequence[str]) -> tuple[list[Row], int]:
    rows: list[Row] = []
    cut: list[bytes] = []
    bad = 0
    reader = csv.reader(_whole_lines(file, cut), strict=True)
    while True:
        try:
            row = next(reader, None)
        except csv.Error:
            # Where a quote was never closed because the line was cut off, that line is counted already.
            bad += not cut
            continue
        if row is None:
            return rows, bad + len(cut)
        if len(row) != len(columns):
            bad += 1
        elif rows or row != list(columns):
            rows.append(row)


def _whole_lines(file: Iterable[bytes], cut: list[bytes]) -> Iterator[str]:
    for line in file:
        if line.endswith(b"\n"):
            yield line.decode("utf-8", "surrogateescape")
        else:
            cut.append(line)
