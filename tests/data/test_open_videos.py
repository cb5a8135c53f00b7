"""Few videos keep a decoder in a process: those read last, whoever holds the sources, on both sides of a fork."""

from __future__ import annotations

import gc
import multiprocessing
import pickle
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import pytest

from lift_core.data.open_videos import OpenVideos
from lift_core.data.video_file import VideoFileSource
from tests.data.numbered_video import read_number, write_numbered

LIMIT = 8


class Tape:
    """A video that says whether it is open."""

    def __init__(self) -> None:
        self.open = self.busy = False

    def close_if_idle(self) -> bool:
        self.open = self.open and self.busy
        return not self.busy


@contextmanager
def being_read(videos: OpenVideos, tape: Tape) -> Iterator[None]:
    with videos.reading(tape):
        tape.open = tape.busy = True
        try:
            yield
        finally:
            tape.busy = False


def read(videos: OpenVideos, tape: Tape) -> None:
    with being_read(videos, tape):
        pass


def test_only_the_videos_read_last_stay_open() -> None:
    videos, tapes = OpenVideos(2), [Tape() for _ in range(3)]
    for number in (0, 1, 0, 2):
        read(videos, tapes[number])
    assert [tape.open for tape in tapes] == [True, False, True]


def test_a_video_that_is_being_read_is_not_closed() -> None:
    videos, tapes = OpenVideos(1), [Tape() for _ in range(3)]
    with being_read(videos, tapes[0]):
        read(videos, tapes[1])
        read(videos, tapes[2])
        assert [tape.open for tape in tapes] == [True, False, False]
    assert tapes[0].open
    read(videos, tapes[1])
    assert [tape.open for tape in tapes] == [False, True, False]


def test_a_failed_reading_counts_like_another() -> None:
    videos, tapes = OpenVideos(1), [Tape(), Tape()]
    read(videos, tapes[0])
    with pytest.raises(RuntimeError), being_read(videos, tapes[1]):
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


def test_a_video_closed_by_another_thread_before_its_reading_began_is_listed_again() -> None:
    videos, tapes = OpenVideos(1), [Tape() for _ in range(3)]
    with videos.reading(tapes[0]):
        read(videos, tapes[1])
        tapes[0].open = True
    read(videos, tapes[2])
    assert [tape.open for tape in tapes] == [False, False, True]


def read_in_two_threads(path: str) -> None:
    """Ends with 0 if both threads read what they asked for; broken decoders end the interpreter."""
    source = VideoFileSource(path)
    answers: list[bool] = []

    def read_at_random(seed: int) -> None:
        chance = random.Random(seed)
        wanted = [chance.randrange(40) for _ in range(100)]
        answers.append([read_number(source.frame(number)) for number in wanted] == wanted)

    threads = [threading.Thread(target=read_at_random, args=(seed,)) for seed in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.exit(answers != [True, True])


def test_two_threads_read_one_video(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "shared.mp4", count=40)
    call = f"from tests.data.test_open_videos import read_in_two_threads as read; read({str(path)!r})"
    root = Path(__file__).parents[2]
    ended = subprocess.run([sys.executable, "-c", call], cwd=root, timeout=60, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def test_a_source_that_is_being_read_is_not_closed_by_another_thread(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    sources: list[VideoFileSource] = [VideoFileSource(path) for path in paths]
    shown: list[int] = []
    begun, go_on = threading.Event(), threading.Event()
    check_size = VideoFileSource._check_size

    def pause(source: VideoFileSource, index: int, picture: av.VideoFrame) -> None:
        if source is sources[0]:
            begun.set()
            assert go_on.wait(30)
        check_size(source, index, picture)

    monkeypatch.setattr(VideoFileSource, "_check_size", pause)
    reader = threading.Thread(target=lambda: shown.append(read_number(sources[0].frame(3))))
    reader.start()
    assert begun.wait(30)
    for source in sources[1:]:
        source.frame(0)
    assert not sources[0].close_if_idle()
    assert open_decoders(sources) == [0, *range(4, LIMIT + 3)]
    go_on.set()
    reader.join()
    assert shown == [3]
    assert sources[0].close_if_idle()
    assert 0 not in open_decoders(sources)


def _read_one(source: VideoFileSource, answers: multiprocessing.SimpleQueue[object]) -> None:
    answers.put(read_number(source.frame(2)))


def test_a_process_forked_while_a_thread_reads_does_not_wait_for_it(paths: list[Path]) -> None:
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("needs fork")
    context = multiprocessing.get_context("fork")
    source, answers = VideoFileSource(paths[0]), context.SimpleQueue()
    source.frame(0)
    child = context.Process(target=_read_one, args=(source, answers))
    with source._lock:
        child.start()
        child.join(timeout=20)
    child.kill()
    assert answers.get() == 2
    assert read_number(pickle.loads(pickle.dumps(source)).frame(1)) == 1


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
