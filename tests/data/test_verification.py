"""Verification: every kind of damage is found in every layout, and sound clips pass."""

from __future__ import annotations

import csv
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lift_core.data.discovery import find_clips
from lift_core.data.open_dataset import all_clips
from lift_core.data.packed_shards import pack_clips
from lift_core.data.raw_clip import write_raw_clip
from lift_core.data.verification import Problem, Verified, uncommon_lengths, verify, verify_clip, write_report
from lift_core.data.verification_layouts import ClipToVerify, clips_to_verify
from lift_core.errors import DatasetError
from tests.data.clip_trees import coordinate_clip, write_clip, write_vimeo
from tests.data.damage import flip_bit
from tests.data.numbered_video import write_numbered
from tests.data.video_corpus import B_FRAMES, COUNT, FILES


def problems_of(root: Path, **options: int) -> list[tuple[str, str, str]]:
    """(clip, frame, kind) of everything that is wrong below ``root``."""
    found = [problem for clip in verify(clips_to_verify(root), **options) for problem in clip.problems]
    assert all(problem.detail and problem.advice for problem in found)
    return [(problem.clip, problem.frame, problem.problem) for problem in found]


def image(height: int = 24, width: int = 32) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def write_images(folder: Path, *names: str, size: tuple[int, int] = (24, 32)) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        assert cv2.imwrite(str(folder / name), image(*size))


def test_sound_clips_of_every_kind_pass(tmp_path: Path) -> None:
    write_vimeo(tmp_path / "data", 2, 2, 5)
    write_raw_clip(tmp_path / "data" / "sequences" / "raw.npy", iter(coordinate_clip(4, 8, 8)), 4)
    write_numbered(tmp_path / "data" / "video.mp4", count=6)
    verified = list(verify(clips_to_verify(tmp_path / "data"), workers=3, min_frames=4))
    assert len(verified) == 6
    assert [clip.problems for clip in verified] == [()] * 6
    assert sum(clip.frames for clip in verified) == 4 * 5 + 4 + 6


def test_missing_damaged_and_odd_sized_frames_are_found(tmp_path: Path) -> None:
    folder = write_clip(tmp_path / "clip", 9)
    (folder / "im02.png").unlink()
    (folder / "im03.png").write_bytes((folder / "im03.png").read_bytes()[:-40])
    (folder / "im04.png").write_bytes(b"")
    (folder / "im05.png").write_text("no picture")
    write_images(folder, "im06.png", size=(24, 31))
    data = bytearray((folder / "im07.png").read_bytes())
    data[len(data) // 2] ^= 255
    (folder / "im07.png").write_bytes(data)
    assert problems_of(tmp_path) == [
        ("clip", "im02.png", "missing"),
        ("clip", "im03.png", "damaged"),
        ("clip", "im04.png", "damaged"),
        ("clip", "im05.png", "damaged"),
        ("clip", "im07.png", "damaged"),
        ("clip", "im06.png", "odd size"),
    ]


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95])
def test_a_truncated_jpeg_is_found_where_opencv_returns_grey(tmp_path: Path, keep: float) -> None:
    write_images(tmp_path / "clip", "1.jpg", "2.jpg", "3.jpg", size=(64, 64))
    data = (tmp_path / "clip" / "2.jpg").read_bytes()
    (tmp_path / "clip" / "2.jpg").write_bytes(data[: int(keep * len(data))])
    assert cv2.imread(str(tmp_path / "clip" / "2.jpg")) is not None
    assert problems_of(tmp_path) == [("clip", "2.jpg", "damaged")]


def test_the_size_of_most_frames_counts_not_that_of_the_first(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip", 4)
    write_images(tmp_path / "clip", "im01.png", size=(8, 8))
    (verified,) = verify(clips_to_verify(tmp_path))
    (problem,) = verified.problems
    assert (problem.frame, problem.detail) == ("im01.png", "8x8, most frames are 24x32")


def test_frames_that_the_system_refuses_to_read_are_unreadable(tmp_path: Path) -> None:
    folder = write_clip(tmp_path / "clip", 3)
    (folder / "im02.png").unlink()
    (folder / "im02.png").mkdir()
    assert problems_of(tmp_path) == [("clip", "im02.png", "unreadable")]


def test_short_clips_and_clips_shorter_than_most_are_told(tmp_path: Path) -> None:
    for number in range(6):
        write_clip(tmp_path / f"{number}", 4 if number else 3)
    verified = list(verify(clips_to_verify(tmp_path)))
    assert all(clip.problems == () for clip in verified)
    (problem,) = uncommon_lengths(verified)
    assert (problem.clip, problem.problem, problem.detail) == ("0", "short", "3 frames, most clips have 4")
    assert uncommon_lengths(verified[:5]) == []
    assert uncommon_lengths([]) == []
    assert problems_of(tmp_path, min_frames=4) == [("0", "", "short")]


def test_clips_of_any_lengths_are_no_problem() -> None:
    assert uncommon_lengths([Verified(str(n), n, True, ()) for n in range(10, 30)]) == []
    videos = [Verified(str(n), 50 if n else 3, False, ()) for n in range(10)]
    assert uncommon_lengths(videos) == []


def test_raw_clips_that_are_cut_off_are_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "clip.npy"
    write_raw_clip(path, iter(coordinate_clip(4, 8, 8)), 4)
    path.write_bytes(path.read_bytes()[:-10])
    assert problems_of(tmp_path) == [("clip.npy", "", "unreadable")]


def test_packed_clips_are_compared_with_their_checksums(tmp_path: Path) -> None:
    for name in "abcd":
        write_clip(tmp_path / "clips" / name, 3)
    folder, frame = tmp_path / "packed", 24 * 32 * 3
    pack_clips(find_clips(tmp_path / "clips", all_clips), folder, shard_bytes=6 * frame)
    assert problems_of(folder) == []
    flip_bit(folder / "shard-00000.pack", 4 * frame)
    cut = folder / "shard-00001.pack"
    cut.write_bytes(cut.read_bytes()[:-1])
    assert problems_of(folder) == [("b", "", "damaged"), ("c", "", "unreadable"), ("d", "", "unreadable")]
    (packed,) = (clip for clip in clips_to_verify(folder) if clip.name == "b")
    (damaged,) = verify_clip(packed).problems
    assert "shard-00000.pack#1" in damaged.detail
    assert "Delete that shard" in damaged.advice


def test_videos_that_cannot_be_opened_are_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video")
    (tmp_path / "b.mp4").touch()
    assert problems_of(tmp_path) == [("a.mp4", "", "unreadable"), ("b.mp4", "", "unreadable")]


@pytest.mark.parametrize("kind", ["a.mp4", "a.mkv"])
def test_a_video_that_is_cut_off_is_told(tmp_path: Path, kind: str) -> None:
    whole = write_numbered(tmp_path / kind, options=B_FRAMES, container_options=faststart(kind))
    whole.write_bytes(whole.read_bytes()[: int(0.7 * whole.stat().st_size)])
    (verified,) = verify(clips_to_verify(tmp_path))
    (problem,) = verified.problems
    assert problem.problem == "truncated"
    assert f"{verified.frames} can be decoded" in problem.detail
    assert 0 < verified.frames < COUNT


def faststart(kind: str) -> dict[str, str]:
    return {"movflags": "faststart"} if kind.endswith("mp4") else {}


@pytest.mark.parametrize("kind", ["short_groups", "open_groups", "mpeg_ts", "avi_without_times", "mpeg4_avi", "vp8"])
def test_sound_videos_pass(kind: str, tmp_path: Path) -> None:
    FILES[kind](tmp_path)
    (verified,) = verify(clips_to_verify(tmp_path))
    assert [problem for problem in verified.problems if not problem.is_note] == []
    assert verified.frames == COUNT


def test_a_header_that_lies_is_noted_and_no_problem(tmp_path: Path) -> None:
    """An edit list that hides frames: the header counts them, no player shows them."""
    path = write_numbered(tmp_path / "a.mp4", options=B_FRAMES, count=30)
    data = bytearray(path.read_bytes())
    place = data.index(b"elst") + 4
    data[place + 8 : place + 12] = (600).to_bytes(4, "big")  # duration
    data[place + 12 : place + 16] = (int.from_bytes(data[place + 12 : place + 16], "big") + 5120).to_bytes(4, "big")
    path.write_bytes(data)
    (verified,) = verify(clips_to_verify(tmp_path))
    (problem,) = verified.problems
    assert problem.is_note
    assert problem.detail == f"its header announces 30 frames, {verified.frames} can be decoded"
    assert verified.frames < 30


def test_damage_in_the_middle_of_a_video_names_the_frames(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "a.mp4", options=B_FRAMES)
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][25]
        assert packet.pos is not None
        position, size = packet.pos, packet.size
    data = bytearray(path.read_bytes())
    data[position + 4 : position + size] = bytes(size - 4)
    path.write_bytes(data)
    (verified,) = verify(clips_to_verify(tmp_path))
    frames = [int(problem.frame) for problem in verified.problems if problem.problem == "damaged"]
    assert frames
    assert min(frames) > 20
    assert max(frames) < 37


def test_a_video_of_damage_is_given_up_with_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lift_core.data.verification._MOST_DAMAGED", 2)
    path = write_numbered(tmp_path / "a.mp4", gop=1, count=30, options={"x264-params": "bframes=0"})
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        for packet in [packet for packet in container.demux(video=0) if packet.size][3:]:
            assert packet.pos is not None
            data[packet.pos + 4 : packet.pos + packet.size] = bytes(packet.size - 4)
    path.write_bytes(data)
    (verified,) = verify(clips_to_verify(tmp_path))
    assert [problem.frame for problem in verified.problems] == ["3", "4", ""]
    assert verified.problems[-1].detail == "after 2 damaged frames the rest is not read"


def vimeo_root(root: Path, part: str, frames: int) -> Path:
    for clip in ("0001", "0002"):
        write_images(root / "sequences" / "00001" / clip, *(f"im{n}.png" for n in range(1, frames + 1)))
    (root / f"{part}_trainlist.txt").write_text("00001/0001\n")
    (root / f"{part}_testlist.txt").write_text("00001/0002\n00001/0003\n")
    return root


@pytest.mark.parametrize(("part", "frames"), [("tri", 3), ("sep", 7)])
def test_vimeo_lists_say_what_should_be_there(tmp_path: Path, part: str, frames: int) -> None:
    root = vimeo_root(tmp_path, part, frames)
    (root / "sequences" / "00001" / "0001" / f"im{frames}.png").unlink()
    assert problems_of(root) == [("00001/0001", f"im{frames}.png", "missing"), ("00001/0003", "", "missing")]


@pytest.mark.parametrize("lists", ["eval_modes", "."])
def test_snu_film_lists_are_followed(tmp_path: Path, lists: str) -> None:
    names = [f"test/GOPRO_test/a/{n:06d}.png" for n in range(1, 6)]
    write_images(tmp_path / "test" / "GOPRO_test" / "a", *(name.rpartition("/")[2] for name in names))
    (tmp_path / lists).mkdir(exist_ok=True)
    lines = [" ".join(f"data/SNU-FILM/{name}" for name in names[n : n + 3]) for n in range(3)]
    (tmp_path / lists / "test-easy.txt").write_text("\n".join(lines))
    assert problems_of(tmp_path) == []
    (tmp_path / names[0]).unlink()
    assert problems_of(tmp_path) == [("easy/test/GOPRO_test/a/000002.png", names[0], "missing")]


@pytest.mark.parametrize(("part", "group", "frames"), [("test", "Type1", 33), ("train", "002", 65)])
def test_x4k_clips_have_their_number_of_frames(tmp_path: Path, part: str, group: str, frames: int) -> None:
    for clip in ("a", "b"):
        write_images(tmp_path / part / group / clip, *(f"{n:04d}.png" for n in range(frames)), size=(8, 8))
    assert problems_of(tmp_path) == []
    (tmp_path / part / group / "b" / f"{frames - 1:04d}.png").unlink()
    assert problems_of(tmp_path) == [(f"{part}/{group}/b", f"{frames - 1:04d}.png", "missing")]


def test_ucf101_triplets_have_three_frames(tmp_path: Path) -> None:
    for number in ("1", "11"):
        write_images(tmp_path / number, "frame_00.png", "frame_01_gt.png", "frame_02.png", "frame_01_ours.png")
    assert problems_of(tmp_path) == []
    (tmp_path / "11" / "frame_02.png").unlink()
    assert problems_of(tmp_path) == [("11", "frame_02.png", "missing")]


def test_folders_called_train_are_not_taken_for_x4k(tmp_path: Path) -> None:
    write_images(tmp_path / "train" / "a" / "b", *(f"{n:04d}.png" for n in range(70)), size=(8, 8))
    assert [clip.files for clip in clips_to_verify(tmp_path)] == [None]


def test_lists_of_videos_and_several_roots_are_followed(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    write_numbered(tmp_path / "videos" / "a.mp4", count=4)
    (tmp_path / "list.txt").write_text("videos/a.mp4\n")
    write_clip(tmp_path / "clip", 3)
    assert [clip.name for clip in clips_to_verify(tmp_path / "list.txt")] == ["videos/a.mp4"]
    assert len(clips_to_verify([tmp_path / "videos", tmp_path / "clip"])) == 2
    with pytest.raises(DatasetError):
        clips_to_verify(tmp_path / "absent")


def test_the_order_is_that_of_the_clips_whatever_the_workers(tmp_path: Path) -> None:
    clips = [ClipToVerify(f"{n}", write_clip(tmp_path / f"{n}", 1 + n % 3)) for n in range(20)]
    names = [[clip.name for clip in verify(clips, workers=workers)] for workers in (1, 4)]
    assert names[0] == names[1] == [f"{n}" for n in range(20)]


def test_the_report_reads_back_as_csv(tmp_path: Path) -> None:
    odd = Problem('a,"b"\n', "im\udcff.png", "odd size", "1x2, most frames are 3x4", "ü")
    write_report(tmp_path / "report.csv", [odd])
    with (tmp_path / "report.csv").open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        (row,) = csv.DictReader(file)
    assert list(row) == ["clip", "frame", "problem", "detail", "advice"]
    assert Problem(**row) == odd  # type: ignore[arg-type]


def test_a_clip_that_vanishes_is_a_problem_not_a_crash(tmp_path: Path) -> None:
    (problem,) = verify_clip(ClipToVerify("a", tmp_path / "absent")).problems
    assert problem.problem == "unreadable"


def test_lists_that_name_what_no_system_takes_are_problems_not_crashes(tmp_path: Path) -> None:
    write_images(tmp_path / "set" / "sequences" / "a", "im1.png", "im2.png", "im3.png")
    long = "x" * 300
    (tmp_path / "set" / "tri_testlist.txt").write_text(f'a\n{long}\nb\0\n"c\n')
    assert problems_of(tmp_path / "set") == [(long, "", "unreadable"), ("b\0", "", "missing"), ('"c', "", "missing")]


def test_listed_files_elsewhere_are_read_there(tmp_path: Path) -> None:
    write_images(tmp_path / "elsewhere", "a.png", "b.png")
    here = [str(tmp_path / "elsewhere" / name) for name in ("a.png", "b.png", "c.png")]
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "test-easy.txt").write_text(" ".join(here) + "\nd\0 e f\n")
    assert problems_of(tmp_path / "set") == [
        (f"easy/{here[1]}", here[2], "missing"),
        ("easy/e", "d\0", "damaged"),
        ("easy/e", "e", "missing"),
        ("easy/e", "f", "missing"),
    ]


def test_the_report_holds_whatever_names_there_are(tmp_path: Path) -> None:
    odd = ['"', 'a"b', "a,b", "a\nb", "a\r\nb", "\0", "'", "", "\udcff", "ä"]
    write_report(tmp_path / "report.csv", [Problem(name, name, "damaged", name, name) for name in odd])
    with (tmp_path / "report.csv").open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        assert [[row["clip"], row["frame"], row["detail"]] for row in csv.DictReader(file, strict=True)] == [
            [name] * 3 for name in odd
        ]
