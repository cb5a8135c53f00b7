"""Video files for the tests of reading: each kind is written once per module that asks for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.data.numbered_video import write_numbered
from tests.data.video_corpus import B_FRAMES, FILES


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("videos")


@pytest.fixture(scope="module")
def build(folder: Path) -> Callable[[str], Path]:
    """Write a file of FILES when it is first asked for."""
    return cache(lambda kind: FILES[kind](folder))


@pytest.fixture(scope="module")
def video(folder: Path) -> Path:
    """B-frames in groups of 12."""
    return write_numbered(folder / "plain.mp4", options=B_FRAMES)
