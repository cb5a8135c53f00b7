"""Lists of videos: what is found, what is left out and why, and lines that read back as the same files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lift_core.data.discovery import read_list, video_clips
from lift_core.data.video_list import find_video_files, judge, write_video_list
from lift_core.errors import OutputError, SourceError
from tests.data.numbered_video import write_numbered


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_videos_are_found_at_any_depth_once_and_sorted(tmp_path: Path) -> None:
    touch(tmp_path / "b" / "2.MP4", tmp_path / "b" / "deep" / "1.mkv", tmp_path / "a.webm", tmp_path / "b" / "note.txt")
    touch(tmp_path / "b" / ".hidden.mp4")
    (tmp_path / "b" / "again.mp4").symlink_to(tmp_path / "a.webm")
    (tmp_path / "b" / "video_list.txt").write_text("2.MP4\n")
    found = find_video_files([tmp_path / "b", tmp_path])
    assert [path.relative_to(tmp_path).as_posix() for path in found] == ["b/2.MP4", "b/again.mp4", "b/deep/1.mkv"]


def test_inputs_that_hold_no_video_by_name_are_refused(tmp_path: Path) -> None:
    touch(tmp_path / "a.txt")
    with pytest.raises(SourceError, match="nothing is there"):
        find_video_files([tmp_path / "absent"])
    with pytest.raises(SourceError, match="no video by its name"):
        find_video_files([tmp_path / "a.txt"])


def test_a_list_serves_the_loaders_wherever_it_lies(tmp_path: Path) -> None:
    names = ["videos/b.mp4", "videos/x/a.mp4", "c.mp4"]
    touch(*(tmp_path / name for name in names))
    (tmp_path / "lists").mkdir()
    for place in (tmp_path / "video_list.txt", tmp_path / "lists" / "some.txt"):
        videos = find_video_files([tmp_path / "videos", tmp_path / "c.mp4"])
        assert write_video_list(place, videos) == []
        listed = [os.path.realpath(clip.path) for clip in video_clips(place)]
        assert listed == [str(path) for path in videos]
    assert (tmp_path / "video_list.txt").read_text() == "c.mp4\nvideos/b.mp4\nvideos/x/a.mp4\n"
    assert (tmp_path / "lists" / "some.txt").read_text().startswith("../c.mp4\n")


def test_a_list_that_exists_stays_unless_forced(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp4")
    path = tmp_path / "video_list.txt"
    path.write_text("mine\n")
    with pytest.raises(OutputError, match="the list exists"):
        write_video_list(path, [tmp_path / "a.mp4"])
    assert path.read_text() == "mine\n"
    write_video_list(path, [tmp_path / "a.mp4"], force=True)
    assert path.read_text() == "a.mp4\n"


def test_names_that_no_line_can_hold_are_left_out_with_the_reason(tmp_path: Path) -> None:
    good = [tmp_path / name for name in ("#1.mp4", " a.mp4", "b c.mp4", "ü.mp4")]
    bad = [tmp_path / name for name in ("a\nb.mp4", "\x85.mp4", "c.mp4 ", "d\udcff.mp4")]
    refused = write_video_list(tmp_path / "list.txt", good + bad)
    assert [judged.path for judged in refused] == bad
    assert {judged.problem for judged in refused} == {"a line cannot hold its name"}
    assert [(tmp_path / line).resolve() for line in read_list(tmp_path / "list.txt")] == good


@given(
    names=st.lists(
        st.text(st.characters(blacklist_characters="/\0"), min_size=1, max_size=6).filter(
            lambda n: n not in (".", "..")
        ),
        min_size=1,
        max_size=4,
        unique=True,
    )
)
@settings(max_examples=200, deadline=None)
def test_every_line_reads_back_as_the_file_it_names(names: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp()
    videos = [folder / name for name in names]
    refused = {judged.path for judged in write_video_list(folder / "list.txt", videos, force=True)}
    lines = read_list(folder / "list.txt")
    assert [folder / line for line in lines] == [video for video in videos if video not in refused]


def test_videos_that_cannot_be_read_are_judged_by_their_reason(tmp_path: Path) -> None:
    fine = write_numbered(tmp_path / "fine.mp4", count=5)
    (tmp_path / "text.mp4").write_text("no video at all " * 100)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "cut.mp4").write_bytes(fine.read_bytes()[:300])
    assert judge(fine, decode=True, min_frames=5).problem is None
    assert judge(fine, decode=True, min_frames=6).problem == "5 frames, fewer than 6"
    assert judge(tmp_path / "empty.mp4", decode=False).problem == "empty file"
    assert judge(tmp_path / "text.mp4", decode=False).problem is None
    assert judge(tmp_path / "absent.mp4", decode=False).problem == "No such file or directory"
    for name in ("text.mp4", "cut.mp4"):
        assert "cannot open the video" in str(judge(tmp_path / name, decode=True).problem)
