"""Few videos keep a decoder in a process: those read last, whoever holds the sources, on both sides of a fork."""

from __future__ import annotations

import gc
import multiprocessing
from pathlib import Path

import pytest

from lift_core.data.open_videos import OpenVideos
from lift_core.data.video_file import VideoFileSource
from tests.data.numbered_video import read_number, write_numbered

LIMIT = 8


class Tape:
    """A video that says whether it is open."""

    def __init__(self) -> None:
        self.open = False

    def close(self) -> None:
        self.open = False


def read(videos: OpenVideos, tape: Tape) -> None:
    with videos.reading(tape):
        tape.open = True


def test_only_the_videos_read_last_stay_open() -> None:
    videos, tapes = OpenVideos(2), [Tape() for _ in range(3)]
    for number in (0, 1, 0, 2):
        read(videos, tapes[number])
    assert [tape.open for tape in tapes] == [True, False, True]


def test_a_video_that_is_being_read_is_not_closed() -> None:
    videos, tapes = OpenVideos(1), [Tape() for _ in range(3)]
    with videos.reading(tapes[0]):
        tapes[0].open = True
        read(videos, tapes[1])
        read(videos, tapes[2])
        assert [tape.open for tape in tapes] == [True, False, False]
    assert tapes[0].open
    read(videos, tapes[1])
    assert [tape.open for tape in tapes] == [False, True, False]


def test_a_failed_reading_counts_like_another() -> None:
    videos, tapes = OpenVideos(1), [Tape(), Tape()]
    read(videos, tapes[0])
    with pytest.raises(RuntimeError), videos.reading(tapes[1]):
        raise RuntimeError
    assert not tapes[0].open


def test_videos_are_not_kept_alive() -> None:
    videos = OpenVideos(1)
    read(videos, Tape())
    gc.collect()
    last = Tape()
    read(videos, last)
    assert last.open


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("tapes")
    return [write_numbered(folder / f"{number}.mp4", count=4) for number in range(LIMIT + 3)]


def open_decoders(sources: list[VideoFileSource]) -> list[int]:
    return [number for number, source in enumerate(sources) if source._decoder is not None]


def test_the_decoders_of_a_process_are_bounded(paths: list[Path]) -> None:
    sources = [VideoFileSource(path) for path in paths]
    for source in sources:
        assert read_number(source.frame(2)) == 2
    assert open_decoders(sources) == list(range(3, LIMIT + 3))
    assert read_number(sources[0].frame(3)) == 3
    assert open_decoders(sources) == [0, *range(4, LIMIT + 3)]


def _read_all(sources: list[VideoFileSource], answers: multiprocessing.SimpleQueue[object]) -> None:
    shown = [read_number(source.frame(1)) for source in sources]
    answers.put((shown, len(open_decoders(sources))))


@pytest.mark.parametrize("threads", [1, 2])
def test_a_forked_process_has_decoders_of_its_own(paths: list[Path], threads: int) -> None:
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("needs fork")
    sources = [VideoFileSource(path, threads=threads) for path in paths]
    for source in sources:
        source.frame(0)
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    child = context.Process(target=_read_all, args=(sources, answers))
    child.start()
    child.join(timeout=30)
    try:
        assert child.exitcode == 0
    finally:
        child.kill()
    assert answers.get() == ([1] * len(sources), LIMIT)
    assert [read_number(source.frame(3)) for source in sources] == [3] * len(sources)
    assert len(open_decoders(sources)) == LIMIT
