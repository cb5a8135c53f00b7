"""Tests of what data sets keep per process: opened clips, and the count of skipped samples."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from pathlib import Path

import pytest

from lift_core.data.image_folder import ImageFolderSource
from lift_core.data.skips import SkipCounter
from lift_core.data.source_cache import SourceCache
from lift_core.errors import SourceError
from tests.data.clip_trees import write_clip


def test_clips_used_last_stay_open_and_the_oldest_go(tmp_path: Path) -> None:
    paths = [str(write_clip(tmp_path / name, 2)) for name in "abc"]
    cache = SourceCache(ImageFolderSource, capacity=2)
    first, second = cache.get(paths[0]), cache.get(paths[1])
    assert cache.get(paths[0]) is first
    cache.get(paths[2])
    assert cache.get(paths[0]) is first
    assert cache.get(paths[1]) is not second


def test_a_clip_that_cannot_be_opened_leaves_nothing_behind(tmp_path: Path) -> None:
    cache = SourceCache(ImageFolderSource)
    with pytest.raises(SourceError):
        cache.get(str(tmp_path / "clip"))
    write_clip(tmp_path / "clip", 2)
    assert len(cache.get(str(tmp_path / "clip"))) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_neither_a_fork_nor_a_pickle_carries_open_clips(tmp_path: Path) -> None:
    path = str(write_clip(tmp_path / "clip", 2))
    cache = SourceCache(ImageFolderSource)
    here = cache.get(path)
    assert pickle.loads(pickle.dumps(cache)).get(path) is not here
    context = multiprocessing.get_context("fork")
    answers = context.Queue()

    def child() -> None:
        answers.put(cache.get(path) is here)

    process = context.Process(target=child)
    process.start()
    assert answers.get(timeout=20) is False
    process.join()
    assert cache.get(path) is here


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_skips_counted_in_another_process_are_seen_here() -> None:
    counter = SkipCounter()
    counter.add()
    process = multiprocessing.get_context("fork").Process(target=counter.add)
    process.start()
    process.join()
    assert counter.total == 2
