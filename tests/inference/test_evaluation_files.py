"""Tests of the evaluation's files: whole after every row, refused before the work, nothing lost that was there."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from lift_core.errors import ConfigError, OutputError, SourceError
from lift_core.inference.evaluation_files import CsvRows, EvaluationFiles, JsonRows, check_outputs
from lift_core.inference.evaluation_rows import Evaluation, Failure, FrameRow, Row

ROW = Row("lift_tiny T=6", 6, 'a, "quoted" clip\n', 3, 31.4159265358979, 0.98765, 0.01, 1, 0)
FRAME = FrameRow("blend", 2, "a.mp4", 1, 0.5, 3.25, "small", 30.0, 0.9, 0.001)


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def as_texts(row: Row | FrameRow) -> dict[str, str]:
    return {name: str(value) for name, value in asdict(row).items()}


def test_both_files_are_whole_after_every_row(tmp_path):
    rows = [replace(ROW, frames=number) for number in range(4)]
    files = EvaluationFiles(tmp_path / "r.json", tmp_path / "r.csv", config={"clips": ["é.mp4"]})
    for count, row in enumerate(rows, start=1):
        files.add(row)
        loaded = json.loads((tmp_path / "r.json").read_text())
        assert loaded == {"config": {"clips": ["é.mp4"]}, "rows": [asdict(row) for row in rows[:count]]}
        assert read_csv(tmp_path / "r.csv") == [as_texts(row) for row in rows[:count]]


def test_the_end_adds_the_means_and_says_what_is_missing(tmp_path):
    files = EvaluationFiles(tmp_path / "r.json", tmp_path / "r.csv", config={})
    files.add(ROW)
    motion = replace(ROW, motion="large")
    files.finish(Evaluation([ROW], [ROW], [motion], [Failure("b.mp4", "dis", SourceError("gone", where="b.mp4"))]))
    loaded = json.loads((tmp_path / "r.json").read_text())
    assert loaded == {
        "config": {},
        "rows": [asdict(ROW), asdict(ROW), asdict(motion)],
        "missing": {"b.mp4": "gone [b.mp4]"},
    }
    assert read_csv(tmp_path / "r.csv") == [as_texts(ROW), as_texts(ROW), as_texts(motion)]


def test_without_a_single_row_json_says_what_is_missing_and_csv_stays_as_it_was(tmp_path):
    (tmp_path / "r.csv").write_text("of yesterday")
    files = EvaluationFiles(tmp_path / "r.json", tmp_path / "r.csv", config={})
    files.finish(Evaluation([], [], [], [Failure("b.mp4", "dis", SourceError("gone"))]))
    assert json.loads((tmp_path / "r.json").read_text()) == {"config": {}, "rows": [], "missing": {"b.mp4": "gone"}}
    assert (tmp_path / "r.csv").read_text() == "of yesterday"


def test_a_file_that_was_there_stays_until_the_first_row(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("of yesterday")
    rows = CsvRows(path, FrameRow)
    assert path.read_text() == "of yesterday"
    rows.add(FRAME)
    assert read_csv(path) == [as_texts(FRAME)]


def test_frames_have_a_file_of_their_own(tmp_path):
    files = EvaluationFiles(frames_file=tmp_path / "frames.csv", config={})
    files.add(ROW)
    files.add_frame(FRAME)
    files.add_frame(FRAME)
    files.finish(Evaluation([ROW], [], [], []))
    assert read_csv(tmp_path / "frames.csv") == [as_texts(FRAME)] * 2
    assert [path.name for path in tmp_path.iterdir()] == ["frames.csv"]


def test_a_clip_whose_name_is_no_utf8_is_written(tmp_path):
    row = replace(ROW, clip="caf\udce9.mp4")
    files = EvaluationFiles(tmp_path / "r.json", tmp_path / "r.csv", config={})
    files.add(row)
    assert json.loads((tmp_path / "r.json").read_text())["rows"][0]["clip"] == row.clip
    assert b"caf\xe9.mp4" in (tmp_path / "r.csv").read_bytes()


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    resource = pytest.importorskip("resource", reason="needs limits of files' sizes")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_where_space_ends_the_rows_so_far_stay_whole(tmp_path, kind):
    path = tmp_path / f"r.{kind}"
    rows = JsonRows(path, {}) if kind == "json" else CsvRows(path, Row)
    rows.add(ROW)
    before = path.read_bytes()
    with files_no_larger_than(len(before) + 20), pytest.raises(OutputError, match="cannot write"):
        rows.add(ROW)
    assert path.read_bytes() == before
    rows.add(ROW)
    loaded = json.loads(path.read_text())["rows"] if kind == "json" else read_csv(path)
    assert len(loaded) == 2


def test_good_places_are_accepted_and_left_as_they_are(tmp_path):
    (tmp_path / "old.csv").write_text("of yesterday")
    outputs = {
        "--csv": tmp_path / "old.csv",
        "--json": tmp_path / "new" / "folder" / "r.json",
        "--figure": tmp_path / "F.PNG",
    }
    check_outputs(outputs, [tmp_path / "a.mp4"], force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["old.csv"]
    assert (tmp_path / "old.csv").read_text() == "of yesterday"


@pytest.mark.parametrize(
    ("outputs", "error", "message"),
    [
        ({"--csv": "r.csv", "--frames": "../{here}/r.csv"}, ConfigError, "--csv and --frames name one file"),
        ({"--csv": "r.csv", "--frames": "link.csv"}, ConfigError, "name one file"),
        ({"--csv": "a.mp4"}, OutputError, "is one of the clips"),
        ({"--csv": "other.mp4"}, ConfigError, "--csv writes a .csv file"),
        ({"--figure": "f.jpg"}, ConfigError, "--figure writes a .png file"),
        ({"--json": "folder.json"}, OutputError, "a folder stands"),
        ({"--json": "a.mp4/r.json"}, OutputError, "cannot write"),
        ({"--json": "/proc/r.json"}, OutputError, "cannot write"),
        ({"--json": 300 * "r" + ".json"}, OutputError, "cannot write"),
        ({"--csv": "old.csv"}, OutputError, r"exists already .*old\.csv.* or use --force"),
    ],
)
def test_a_place_that_will_not_do_is_refused(tmp_path, outputs, error, message):
    (tmp_path / "a.mp4").write_bytes(b"video")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "link.csv").symlink_to("r.csv")
    (tmp_path / "old.csv").write_text("of yesterday")
    named = {option: tmp_path / path.format(here=tmp_path.name) for option, path in outputs.items()}
    with pytest.raises(error, match=message):
        check_outputs(named, [tmp_path / "a.mp4"])
    assert (tmp_path / "a.mp4").read_bytes() == b"video"


@pytest.mark.parametrize("root", [".", "clip"])
@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("clip/000003.png", "exists already, in a folder"),
        ("link.png", "exists already, in a folder"),
        ("clip/sub/old.png", "exists already, in a folder"),
        ("clip/figure.png", "among the images of a clip"),
        ("clip/sub/figure.png", "among the images of a clip"),
    ],
)
def test_images_of_a_clip_are_never_replaced_and_none_is_added(tmp_path, root, output, message):
    images = [tmp_path / "clips" / "clip" / name for name in ("000003.png", "sub/old.png")]
    for image in images:
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(b"image")
    (tmp_path / "clips" / "link.png").symlink_to(images[0])
    with pytest.raises(OutputError, match=message):
        check_outputs({"--figure": tmp_path / "clips" / output}, [tmp_path / "clips" / root], force=True)


def test_a_new_file_may_lie_beside_the_clips_of_a_folder(tmp_path):
    (tmp_path / "clip").mkdir()
    (tmp_path / "clip" / "000003.png").write_bytes(b"image")
    check_outputs({"--csv": tmp_path / "r.csv", "--json": tmp_path / "results" / "r.json"}, [tmp_path])
