"""make_video_list: a list that the data set reads, and a word on each video that is not in it."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import ModuleType

import pytest

from lift_core.data.video_sequences import VideoSequenceDataset
from lift_core.data.window import FrameWindow
from tests.data.numbered_video import write_numbered
from tests.data_scripts.scripts import load_script


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_script("make_video_list")


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Two videos that can be read, and one that cannot."""
    (tmp_path / "videos" / "deep").mkdir(parents=True)
    write_numbered(tmp_path / "videos" / "a.mp4", count=6)
    shutil.copy(tmp_path / "videos" / "a.mp4", tmp_path / "videos" / "deep" / "b.mp4")
    (tmp_path / "videos" / "broken.mp4").write_bytes(b"no video")
    return tmp_path / "videos"


def test_the_data_set_reads_the_list(script: ModuleType, videos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main([str(videos), "--out", str(videos / "video_list.txt"), "--check"]) == 0
    assert (videos / "video_list.txt").read_text() == "a.mp4\ndeep/b.mp4\n"
    printed = capsys.readouterr()
    assert "2 videos in" in printed.out
    assert "1 left out" in printed.out
    assert "broken.mp4: cannot open the video" in printed.err
    data = VideoSequenceDataset(videos, FrameWindow.consecutive(3), split_config=None, split="train")
    assert len(data) > 0


def test_without_a_check_nothing_is_opened(script: ModuleType, videos: Path) -> None:
    assert script.main([str(videos), "--out", str(videos / "list.txt")]) == 0
    assert (videos / "list.txt").read_text() == "a.mp4\nbroken.mp4\ndeep/b.mp4\n"


def test_a_list_that_exists_is_refused_before_any_work(
    script: ModuleType, videos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(videos), "--out", str(videos / "list.txt"), "--check"]
    (videos / "list.txt").write_text("mine\n")
    assert script.main(arguments) == 2
    assert capsys.readouterr().err.startswith("make_video_list: the list exists")
    assert (videos / "list.txt").read_text() == "mine\n"
    assert script.main([*arguments, "--force"]) == 0


def test_no_list_is_written_where_nothing_can_be_listed(
    script: ModuleType, videos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(videos), "--out", str(videos / "list.txt"), "--check", "--min-frames", "7"]
    assert script.main(arguments) == 2
    assert "there is nothing to list" in capsys.readouterr().err
    assert script.main([*arguments[:-1], "0"]) == 2
    assert "--min-frames is at least 1" in capsys.readouterr().err
    assert not (videos / "list.txt").exists()
