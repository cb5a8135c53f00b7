"""Files of an evaluation: rows that reach the disk as they come, and places found unfit before the work begins."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from lift_core.atomic import atomic_file
from lift_core.data.image_folder import IMAGE_SUFFIXES
from lift_core.errors import ConfigError, OutputError, os_errors_as
from lift_core.inference.evaluation_rows import Evaluation, FrameRow, Row

SUFFIXES = {"--json": ".json", "--csv": ".csv", "--frames": ".csv", "--figure": ".png"}
"""What the file of each option ends in."""

_JSON_END = b"\n]}\n"


class CsvRows:
    """A CSV file of rows of one kind, whole after every row.

    A file that was there is replaced when the first row comes, not before.

    Args:
        path: the file.
        kind: the dataclass of the rows; its fields are the columns.
    """

    def __init__(self, path: Path, kind: type[Row] | type[FrameRow]) -> None:
        self._path = path
        self._columns = [column.name for column in fields(kind)]
        self._begun = False

    def add(self, row: Row | FrameRow) -> None:
        """Write one row.

        Raises:
            OutputError: the place cannot be written to.
        """
        text = io.StringIO()
        writer = csv.DictWriter(text, self._columns, lineterminator="\n")
        if not self._begun:
            writer.writeheader()
        writer.writerow(asdict(row))
        # A clip's name may hold bytes that are no UTF-8.
        line = text.getvalue().encode(errors="surrogateescape")
        if self._begun:
            _append(self._path, line)
        else:
            _begin(self._path, line)
            self._begun = True


class JsonRows:
    """A JSON file ``{"config": {…}, "rows": [{…}, …]}``, complete and valid after every row.

    A file that was there is replaced when the first row comes, not before.

    Args:
        path: the file.
        config: what the evaluation was asked, in plain values.
    """

    def __init__(self, path: Path, config: Mapping[str, Any]) -> None:
        self._path = path
        self._config = config
        self._begun = False

    def add(self, row: Row) -> None:
        """Write one row.

        Raises:
            OutputError: the place cannot be written to.
        """
        line = json.dumps(asdict(row)).encode()
        if self._begun:
            _append(self._path, b",\n" + line + _JSON_END, instead_of=len(_JSON_END))
        else:
            head = json.dumps(self._config).encode()
            _begin(self._path, b'{"config": ' + head + b', "rows": [\n' + line + _JSON_END)
            self._begun = True

    def add_missing(self, missing: Mapping[str, str]) -> None:
        """End the file with ``"missing"``: by clip, why it counts in no mean.

        Raises:
            OutputError: the place cannot be written to.
        """
        line = json.dumps(missing).encode()
        if self._begun:
            _append(self._path, b'\n], "missing": ' + line + b"}\n", instead_of=len(_JSON_END))
        else:
            head = json.dumps(self._config).encode()
            _begin(self._path, b'{"config": ' + head + b', "rows": [], "missing": ' + line + b"}\n")
            self._begun = True


class EvaluationFiles:
    """The files that an evaluation writes as it goes; each is optional.

    Args:
        json_file: the rows, with what was asked and what is missing.
        csv_file: the rows.
        frames_file: the rows of hidden frames, as CSV.
        config: see JsonRows.
    """

    def __init__(
        self,
        json_file: Path | None = None,
        csv_file: Path | None = None,
        frames_file: Path | None = None,
        *,
        config: Mapping[str, Any],
    ) -> None:
        self._json = None if json_file is None else JsonRows(json_file, config)
        self._csv = None if csv_file is None else CsvRows(csv_file, Row)
        self._frames = None if frames_file is None else CsvRows(frames_file, FrameRow)

    def add(self, row: Row) -> None:
        """Write one row of a clip, of the mean, or of a motion magnitude."""
        for file in (self._json, self._csv):
            if file is not None:
                file.add(row)

    def add_frame(self, row: FrameRow) -> None:
        """Write what was found of one hidden frame."""
        if self._frames is not None:
            self._frames.add(row)

    def finish(self, evaluation: Evaluation) -> None:
        """Write the means, and say what is missing."""
        for row in (*evaluation.means, *evaluation.by_motion):
            self.add(row)
        if self._json is not None:
            self._json.add_missing({failure.clip: str(failure.error) for failure in evaluation.failures})


def check_outputs(outputs: Mapping[str, Path], inputs: Iterable[Path], *, force: bool = False) -> None:
    """Find out before hours of work whether each file can be written where it is asked for.

    Args:
        outputs: the files by the option that names them, a key of `SUFFIXES`.
        inputs: clips, and folders of clips; they must stay as they are, and so must every file in the folders.
        force: files that exist already may be replaced, other than those of the inputs.

    Raises:
        ConfigError: a name that does not say what the file will hold: it may be a clip that the option swallowed; or
            two options with one file.
        OutputError: a folder, an input or a file of it, a place among the images of a clip, a file that exists and is
            not to be replaced, or a place that cannot be written to.
    """
    clips = {path.resolve() for path in inputs}
    taken: dict[Path, str] = {}
    for option, path in outputs.items():
        place = path.resolve()
        if place in clips:
            raise OutputError(f"the file of {option} is one of the clips", where=path, fix="Choose another name.")
        with os_errors_as(OutputError, "cannot write", where=path):
            for folder in (clip for clip in clips if place.is_relative_to(clip)):
                _check_apart(option, place, folder)
        if path.suffix.lower() != SUFFIXES[option]:
            raise ConfigError(
                f"{option} writes a {SUFFIXES[option]} file.", where=path, fix="Give it a name that says so."
            )
        if place in taken:
            raise ConfigError(f"{taken[place]} and {option} name one file.", where=path, fix="Give each its own.")
        taken[place] = option
        with os_errors_as(OutputError, "cannot write", where=path):
            _check_place(path)
            if path.exists() and not force:
                raise OutputError("the file exists already", where=path, fix="Name another, or use --force.")


def _check_apart(option: str, place: Path, folder: Path) -> None:
    """Refuse a place in a folder of clips where an image of a clip would be lost, or one more be taken for its own."""
    if place.is_file():
        raise OutputError(
            f"the file of {option} exists already, in a folder that is evaluated",
            where=place,
            fix="Name a file outside of it.",
        )
    between = [parent for parent in place.parents if parent.is_relative_to(folder)]
    if any(_holds_images(parent) for parent in between):
        raise OutputError(
            f"the file of {option} would lie among the images of a clip", where=place, fix="Name a file outside of it."
        )


def _holds_images(folder: Path) -> bool:
    return folder.is_dir() and any(path.suffix.lower() in IMAGE_SUFFIXES for path in folder.iterdir())


def _check_place(path: Path) -> None:
    if path.is_dir():
        raise OutputError("a folder stands where a file is to be written", where=path, fix="Name a file.")
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    with tempfile.TemporaryFile(dir=folder):
        pass


def _begin(path: Path, content: bytes) -> None:
    with atomic_file(path) as partial:
        partial.write_bytes(content)


def _append(path: Path, content: bytes, *, instead_of: int = 0) -> None:
    """Write at a file's end, over its last ``instead_of`` bytes: all of ``content``, or nothing."""
    with os_errors_as(OutputError, "cannot write", where=path), path.open("r+b", buffering=0) as file:
        start = file.seek(-instead_of, io.SEEK_END)
        end = file.read()
        file.seek(start)
        try:
            # A disk that is nearly full takes a part without complaint.
            if file.write(content) < len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            file.seek(start)
            file.write(end)
            file.truncate()
            raise
