"""Indices of videos are made once per file, by whatever process, and again when file or entry is not what it was."""

from __future__ import annotations

import io
import multiprocessing
import os
import pickle
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from lift_core.data import video_index_cache
from lift_core.data.video_file import VideoFileSource
from lift_core.data.video_index import VideoIndex, build_index
from lift_core.data.video_index_cache import cached_index
from lift_core.data.video_sequences import VideoSequenceDataset
from lift_core.data.window import FrameWindow
from lift_core.errors import SourceError
from tests.data.numbered_video import read_number, write_numbered
from tests.data.video_corpus import B_FRAMES, FILES


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, and nothing remembered in this process."""
    video_index_cache._indexed.cache_clear()
    monkeypatch.setenv("LIFT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "videos"


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that are indexed from now on."""
    paths: list[Path] = []
    monkeypatch.setattr(video_index_cache, "build_index", lambda path: paths.append(path) or build_index(path))
    return paths


def forget() -> None:
    """What a new process does not know."""
    video_index_cache._indexed.cache_clear()


def as_lists(index: VideoIndex) -> list[object]:
    table = [getattr(index.table, name).tolist() for name in video_index_cache._ARRAYS]
    rest = (index.count, index.time_base, index.frame_rate, index.aspect_ratio, index.pictures, index.mark)
    return [*table, None if index.times is None else index.times.tolist(), *rest, index.warning]


@pytest.mark.parametrize("kind", ["variable_rate_offset_mkv", "bare_h264", "mpeg_ts_open_groups", "odd_size_420"])
def test_a_remembered_index_is_the_one_that_was_made(kind: str, tmp_path: Path, built: list[Path]) -> None:
    path = FILES[kind](tmp_path)
    made = cached_index(path)
    assert cached_index(path) is made
    forget()
    read = cached_index(path)
    assert built == [path]
    assert as_lists(read) == as_lists(made)
    assert read.table.times.dtype == np.int64


def test_rotation_and_rates_survive(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "turned.mp4", count=4, rotation=90)
    fresh = VideoFileSource(path)
    facts = (fresh.size, fresh.orientation, fresh.frame_rate, fresh.sample_aspect_ratio, fresh.colour)
    forget()
    again = VideoFileSource(path)
    assert (again.size, again.orientation, again.frame_rate, again.sample_aspect_ratio, again.colour) == facts
    assert again.frame_rate == Fraction(25)
    assert np.array_equal(again.frames(range(4)), fresh.frames(range(4)))


def test_a_data_set_of_videos_opened_again_reads_no_packet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: list[Path]
) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    for number in range(3):
        write_numbered(folder / f"{number}.mp4", count=20)
    first = VideoSequenceDataset(folder, FrameWindow.consecutive(5), split="all")
    assert len(built) == 3
    forget()
    opened: list[object] = []
    monkeypatch.setattr("lift_core.data.video_container.av.open", lambda *args, **_: opened.append(args))
    second = VideoSequenceDataset(folder, FrameWindow.consecutive(5), split="all")
    assert len(second) == len(first)
    assert opened == []
    assert len(built) == 3


def test_a_file_written_anew_is_indexed_anew_in_the_same_place(tmp_path: Path, cache: Path) -> None:
    path = write_numbered(tmp_path / "a.mp4", count=10)
    assert cached_index(path).count == 10
    write_numbered(path, count=15)
    assert cached_index(path).count == 15
    assert len(list(cache.iterdir())) == 1
    forget()
    os.utime(path, ns=(1, 1))
    assert cached_index(path).count == 15
    assert cached_index(path).mark.changed_ns == 1


def test_another_file_of_the_same_size_and_date_is_indexed_anew(tmp_path: Path, built: list[Path]) -> None:
    path = write_numbered(tmp_path / "a.mp4", count=10)
    status = path.stat()
    first = cached_index(path)
    other = tmp_path / "b.mp4"
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)
    second = cached_index(path)
    assert built == [path, path]
    assert second.mark != first.mark
    assert second.mark.is_of_same_content(first.mark)


def test_a_pickled_source_leaves_its_index_to_the_cache_folder(
    tmp_path: Path, built: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_numbered(tmp_path / "a.mp4", count=200)
    source = VideoFileSource(path)
    assert source.held_bytes == 0
    assert len(source) == 200
    assert source.held_bytes > 200 * 5 * 8
    light = pickle.dumps(source)
    forget()
    assert read_number(pickle.loads(light).frame(7)) == 7
    assert built == [path]
    monkeypatch.setenv("LIFT_CACHE", str(tmp_path / "another"))
    heavy = pickle.dumps(source)
    assert len(light) < 2000
    assert len(heavy) > source.held_bytes
    forget()
    assert read_number(pickle.loads(heavy).frame(7)) == 7
    assert built == [path]


def test_a_file_changed_while_its_source_was_pickled_is_named(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "a.mp4", count=10)
    source = VideoFileSource(path)
    assert len(source) == 10
    travelling = pickle.dumps(source)
    write_numbered(path, count=15)
    with pytest.raises(SourceError, match="changed since it was opened"):
        len(pickle.loads(travelling))


def stored_facts(facts: str) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, facts=np.array(facts))
    return stream.getvalue()


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut off": lambda data: data[: len(data) // 2],
    "text": lambda _: b"no index",
    "one byte": lambda data: data[:200] + bytes([data[200] ^ 255]) + data[201:],
    "lists within lists": lambda _: stored_facts("[" * 100_000),
    "pickle": lambda _: __import__("pickle").dumps({"facts": 1}),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_entry_is_replaced(damage: str, tmp_path: Path, cache: Path, built: list[Path]) -> None:
    path = write_numbered(tmp_path / "a.mp4", count=10)
    made = as_lists(cached_index(path))
    (entry,) = cache.iterdir()
    entry.write_bytes(DAMAGE[damage](entry.read_bytes()))
    forget()
    assert as_lists(cached_index(path)) == made
    forget()
    assert as_lists(cached_index(path)) == made
    assert len(built) == 2


def test_an_entry_of_another_format_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: list[Path]
) -> None:
    path = write_numbered(tmp_path / "a.mp4", count=10)
    cached_index(path)
    forget()
    monkeypatch.setattr(video_index_cache, "_FORMAT", "another")
    cached_index(path)
    forget()
    cached_index(path)
    assert len(built) == 2


def test_a_folder_that_cannot_be_written_costs_an_index_per_process_and_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: list[Path]
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LIFT_CACHE", str(tmp_path / "file"))
    path = write_numbered(tmp_path / "a.mp4", count=10)
    assert [VideoFileSource(path).frame(9).shape for _ in range(2)] == [(48, 80, 3)] * 2
    assert len(built) == 1
    forget()
    assert len(VideoFileSource(path)) == 10
    assert len(built) == 2


def _index_often(path: Path, count: int, failures: multiprocessing.SimpleQueue[int]) -> None:
    wrong = 0
    for _ in range(15):
        video_index_cache._indexed.cache_clear()
        wrong += cached_index(path).count != count
        for entry in (Path(os.environ["LIFT_CACHE"]) / "videos").glob("[!.]*.npz"):
            entry.unlink(missing_ok=True)
    failures.put(wrong)


def test_processes_may_write_one_entry_at_once(tmp_path: Path, cache: Path) -> None:
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("needs fork")
    path = write_numbered(tmp_path / "a.mp4", count=6)
    cached_index(path)
    context = multiprocessing.get_context("fork")
    failures = context.SimpleQueue()
    children = [context.Process(target=_index_often, args=(path, 6, failures)) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join(timeout=60)
    assert [child.exitcode for child in children] == [0, 0, 0]
    assert [failures.get() for _ in children] == [0, 0, 0]
    assert not list(cache.glob(".*"))


def test_a_file_that_changes_under_a_source_is_an_error_not_another_frame(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "a.mp4", count=20, options=B_FRAMES)
    source = VideoFileSource(path)
    assert read_number(source.frame(3)) == 3
    source.close()
    write_numbered(path, count=25, options=B_FRAMES, gop=5)
    with pytest.raises(SourceError, match=r"changed since it was opened.*a\.mp4"):
        source.frame(3)
    assert len(VideoFileSource(path)) == 25


def test_the_warning_about_a_file_comes_with_a_remembered_index_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = FILES["bare_h264"](tmp_path)
    for _ in range(2):
        forget()
        caplog.clear()
        source = VideoFileSource(path)
        assert [read_number(frame) for frame in source.frames([7, 2])] == [7, 2]
        assert [record.message for record in caplog.records] == [cached_index(path).warning]
    assert "no usable timestamps" in cached_index(path).warning
