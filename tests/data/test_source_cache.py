"""Tests of what data sets keep of the clips they opened."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from lift_core.data.image_folder import ImageFolderSource
from lift_core.data.source_cache import SourceCache
from lift_core.errors import SourceError
from tests.data.clip_trees import ArraySource, coordinate_clip, write_clip


class Handle(ArraySource):
    """A source that says whether it is open."""

    def __init__(self, path: str) -> None:
        super().__init__(coordinate_clip(2, 8, 8))
        self.path = path
        self.open = False

    def read(self) -> None:
        self.open = True

    def close(self) -> None:
        self.open = False


def opened(cache: SourceCache, path: str) -> Handle:
    source = cache.get(path)
    assert isinstance(source, Handle)
    source.read()
    return source


def test_closing_leaves_clips_known() -> None:
    cache = SourceCache(Handle)
    sources = [opened(cache, path) for path in "ab"]
    cache.close()
    assert not any(source.open for source in sources)
    assert [cache.get(path) for path in "ab"] == sources


def test_only_the_clips_used_last_are_remembered() -> None:
    cache = SourceCache(Handle, known=2)
    first, second = opened(cache, "a"), opened(cache, "b")
    opened(cache, "a")
    opened(cache, "c")
    assert not second.open
    assert cache.get("a") is first
    assert cache.get("b") is not second


class Heavy(Handle):
    """A source that holds a hundred bytes once it has been read."""

    @property
    def held_bytes(self) -> int:
        return 100 * self.was_read

    def read(self) -> None:
        super().read()
        self.was_read = True

    was_read = False


def test_of_clips_that_know_much_fewer_are_remembered() -> None:
    cache = SourceCache(Heavy, known_bytes=250)
    sources = [opened(cache, path) for path in "abc"]
    assert [cache.get(path) for path in "abc"] == sources
    opened(cache, "d")
    assert not sources[0].open
    assert [cache.get(path) for path in "bc"] == sources[1:]
    assert cache.get("a") is not sources[0]


def test_one_clip_that_knows_too_much_is_remembered() -> None:
    cache = SourceCache(Heavy, known_bytes=50)
    only = opened(cache, "a")
    assert cache.get("a") is only
    assert opened(cache, "b") is cache.get("b")
    assert cache.get("a") is not only


def test_what_sources_have_learnt_survives_pickling(tmp_path: Path) -> None:
    cache = SourceCache(ImageFolderSource)
    folder = write_clip(tmp_path / "clip", 2)
    assert cache.get(str(folder)).size == (24, 32)
    copy = pickle.loads(pickle.dumps(cache)).get(str(folder))
    for picture in folder.iterdir():
        picture.unlink()
    assert copy.size == (24, 32)


def test_a_clip_that_cannot_be_opened_leaves_nothing_behind(tmp_path: Path) -> None:
    cache = SourceCache(ImageFolderSource)
    with pytest.raises(SourceError):
        cache.get(str(tmp_path / "clip"))
    write_clip(tmp_path / "clip", 2)
    assert len(cache.get(str(tmp_path / "clip"))) == 2
