"""Extraction: whole pieces between cuts, scaled, restartable, with unreadable videos reported."""

from __future__ import annotations

import importlib.util
import json
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lift_core.data.clip_writer import write_video
from lift_core.data.extraction import ExtractionConfig, extract, find_videos, plan_sequences, scale_down
from lift_core.data.image_folder import ImageFolderSource
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.data.video_file import VideoFileSource
from lift_core.errors import ConfigError, OutputError, SourceError
from tests.data.numbered_video import read_number, write_numbered

UNSPLIT = ExtractionConfig(frames=8, split_at_cuts=False)


@pytest.fixture(autouse=True)
def cache_in_a_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def video(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return write_numbered(tmp_path / "in" / "walk.mp4", count=20)


@given(
    length=st.integers(1, 200),
    cuts=st.sets(st.integers(1, 199), max_size=5),
    frames=st.integers(2, 20),
    every=st.integers(1, 5),
)
def test_sequences_are_whole_disjoint_and_within_shots(length: int, cuts: set[int], frames: int, every: int) -> None:
    shots = sorted(cut for cut in cuts if cut < length)
    plan = plan_sequences(length, shots, frames, every)
    used = [index for sequence in plan for index in sequence]
    assert all(len(sequence) == frames for sequence in plan)
    assert used == sorted(set(used))
    assert all(index < length for index in used)
    assert not any(sequence[0] < cut <= sequence[-1] for sequence in plan for cut in shots)
    bounds = [0, *shots, length]
    room = [(end - start - 1) // every + 1 for start, end in pairwise(bounds)]
    assert len(plan) == sum(places // frames for places in room)


def test_frames_are_written_in_the_vimeo_layout(video: Path, tmp_path: Path) -> None:
    (result,) = extract(find_videos([video]), tmp_path / "out", UNSPLIT)
    assert (result.written, result.kept, result.frames_used, result.frames_total) == (2, 0, 16, 20)
    folder = tmp_path / "out" / "sequences" / "walk"
    assert sorted(path.name for path in folder.iterdir()) == ["0000", "0001", "extraction.json"]
    second = ImageFolderSource(folder / "0001")
    assert [read_number(frame) for frame in second.frames(range(8))] == list(range(8, 16))
    assert np.array_equal(second.frame(3), VideoFileSource(video).frame(11))


def test_every_takes_each_kth_frame(video: Path, tmp_path: Path) -> None:
    config = ExtractionConfig(frames=5, every=3, split_at_cuts=False)
    list(extract(find_videos([video]), tmp_path, config))
    frames = ImageFolderSource(tmp_path / "sequences" / "walk" / "0000").frames(range(5))
    assert [read_number(frame) for frame in frames] == [0, 3, 6, 9, 12]


def test_frames_are_scaled_and_compressed_as_asked(video: Path, tmp_path: Path) -> None:
    config = ExtractionConfig(frames=8, size=24, split_at_cuts=False, image_format="jpg")
    list(extract(find_videos([video]), tmp_path, config))
    source = ImageFolderSource(tmp_path / "sequences" / "walk" / "0000")
    assert source.path_of(0).name == "im00.jpg"
    assert source.size == (24, 40)


@pytest.mark.parametrize(
    ("shape", "shorter", "expected"),
    [((48, 80), 24, (24, 40)), ((80, 48), 24, (40, 24)), ((48, 80), 50, (48, 80)), ((48, 80), None, (48, 80))],
)
def test_scaling_keeps_the_shape_and_never_enlarges(
    shape: tuple[int, int], shorter: int | None, expected: tuple[int, int]
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    scaled = scale_down(image, shorter)
    assert scaled.shape[:2] == expected
    if shorter == 24:
        blocks = image.reshape(expected[0], 2, expected[1], 2, 3).mean(axis=(1, 3))
        assert np.abs(scaled - blocks).max() <= 1


def test_no_sequence_crosses_a_scene_cut(tmp_path: Path) -> None:
    clip = ProceduralClip(ClipConfig(frames=40, height=64, width=96, cuts=1, seed=5, layers=3))
    (cut,) = clip.cut_frames
    write_video(tmp_path / "cut.mp4", (clip.frame(index) for index in range(40)))
    (result,) = extract(find_videos([tmp_path / "cut.mp4"]), tmp_path / "out", ExtractionConfig(frames=6))
    assert result.written == cut // 6 + (40 - cut) // 6
    folder = tmp_path / "out" / "sequences" / "cut" / f"{cut // 6:04d}"
    first_after_cut: NDArray[np.int64] = ImageFolderSource(folder).frame(0).astype(np.int64)
    assert np.abs(first_after_cut - clip.frame(cut)).mean() < 12


def test_an_interrupted_run_is_taken_up(video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    list(extract(find_videos([video]), tmp_path, UNSPLIT))
    folder = tmp_path / "sequences" / "walk"
    untouched = (folder / "0000" / "im00.png").stat().st_mtime_ns
    for image in (folder / "0001").iterdir():
        image.unlink()
    (folder / "0001").rmdir()
    (result,) = extract(find_videos([video]), tmp_path, UNSPLIT)
    assert (result.written, result.kept) == (1, 1)
    assert (folder / "0000" / "im00.png").stat().st_mtime_ns == untouched
    assert len(ImageFolderSource(folder / "0001")) == 8


def test_other_settings_do_not_mix_into_a_folder(video: Path, tmp_path: Path) -> None:
    list(extract(find_videos([video]), tmp_path, UNSPLIT))
    assert json.loads((tmp_path / "sequences" / "walk" / "extraction.json").read_text())["settings"]["frames"] == 8
    with pytest.raises(OutputError, match=r"other settings.*walk"):
        list(extract(find_videos([video]), tmp_path, ExtractionConfig(frames=4, split_at_cuts=False)))


def test_an_unreadable_video_is_reported_and_the_next_one_follows(video: Path, tmp_path: Path) -> None:
    (video.parent / "broken.mp4").write_bytes(b"no video")
    broken, fine = extract(find_videos([video.parent]), tmp_path / "out", UNSPLIT)
    assert isinstance(broken.error, SourceError)
    assert "broken.mp4" in str(broken.error)
    assert (fine.name, fine.written, fine.error) == ("walk", 2, None)


def test_names_are_unique_and_short_where_they_can_be(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mkv", "deep/b.mp4", "c.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert sorted(video.name for video in find_videos([tmp_path])) == ["a.mkv", "a.mp4", "c", "deep_b"]
    with pytest.raises(SourceError, match=r"2 videos are called a\.mp4"):
        find_videos([tmp_path / "a.mp4", tmp_path])
    with pytest.raises(SourceError, match="nothing is there"):
        find_videos([tmp_path / "absent"])


@pytest.mark.parametrize("wrong", [{"frames": 1}, {"every": 0}, {"size": 4}, {"quality": 0}])
def test_impossible_settings_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        ExtractionConfig(**wrong)  # type: ignore[arg-type]


def test_the_script_extracts_and_reports(video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(__file__).parents[2] / "data_scripts" / "extract_frames.py"
    spec = importlib.util.spec_from_file_location("extract_frames", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    out = tmp_path / "out"
    assert script.main([str(video), str(out), "--frames", "10", "--ignore-cuts"]) == 0
    assert "2 sequences written" in capsys.readouterr().out
    assert cv2.imread(str(out / "sequences" / "walk" / "0001" / "im09.png")) is not None
    (video.parent / "broken.mp4").write_bytes(b"no video")
    assert script.main([str(video.parent), str(out), "--frames", "10", "--ignore-cuts"]) == 1
    assert "broken" in capsys.readouterr().err
    assert script.main([str(tmp_path / "absent"), str(out)]) == 2


def test_no_name_is_hidden_or_leaves_the_output_folder(video: Path, tmp_path: Path) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "list.txt").write_text(f"../{video.relative_to(tmp_path).as_posix()}\n")
    (below,) = find_videos([lists / "list.txt"])
    assert below.name == "_".join(video.relative_to(tmp_path).with_suffix("").parts)
    (lists / "list.txt").write_text(f"{video.as_posix()}\n")
    (absolute,) = find_videos([lists / "list.txt"])
    assert absolute.name == "_".join(video.with_suffix("").parts[1:])
    (lists / ".secret.mp4").touch()
    (hidden,) = find_videos([lists / ".secret.mp4"])
    assert hidden.name == "secret"
