"""Tests of VideoSequenceDataset and open_dataset: which videos are found, and samples that respect cuts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lift_core.data.clip_dataset import DatasetOptions
from lift_core.data.clip_writer import write_video
from lift_core.data.open_dataset import open_dataset
from lift_core.data.open_source import open_source
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.data.sample import SampleKey
from lift_core.data.sampling import Sampling
from lift_core.data.splits import SplitConfig
from lift_core.data.video_sequences import VideoSequenceDataset
from lift_core.data.window import FrameWindow
from lift_core.errors import DatasetError, LiftError
from tests.data.clip_trees import write_clip

WINDOW = FrameWindow.uniform(4, 2)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIFT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def grey_levels(frames: int, start: int = 40) -> list[NDArray[np.uint8]]:
    """Frames whose grey level names them: 40, 44, 48, …"""
    return [np.full((32, 48, 3), start + 4 * i, dtype=np.uint8) for i in range(frames)]


def level(picture: torch.Tensor) -> int:
    """The number of a ``grey_levels`` frame."""
    return round((float(picture.float().mean()) - 40) / 4)


def test_samples_hold_the_frames_their_keys_name(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", grey_levels(20))
    dataset = VideoSequenceDataset(
        tmp_path, WINDOW, split="all", sampling=Sampling("all"), scene_cuts=False, dtype=torch.uint8
    )
    assert len(dataset) == 18
    for anchor in (0, 7, 17):
        sample = dataset[anchor]
        assert sample["key"] == f"a.mp4@{anchor}+1:u4s2"
        assert level(sample["gt"]) == anchor + 1
        expected = WINDOW.at(anchor, 20)
        assert tuple(level(f) for f in sample["frames"]) == expected.indices
        assert tuple(sample["valid"].tolist()) == expected.valid


def test_eight_windows_are_spread_evenly_by_default(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", grey_levels(40))
    dataset = VideoSequenceDataset(tmp_path, WINDOW, split="all", dtype=torch.uint8)
    targets = [level(dataset[i]["gt"]) for i in range(len(dataset))]
    assert len(targets) == 8
    assert set(np.diff(targets)) <= {4, 5}


def test_no_sample_straddles_a_cut_and_frames_beyond_it_are_invalid(tmp_path: Path) -> None:
    clip = ProceduralClip(ClipConfig(frames=16, height=64, width=96, seed=2, cuts=1, max_speed=3.0))
    write_video(tmp_path / "a.mp4", (clip.frame(i) for i in range(16)))
    dataset = VideoSequenceDataset(tmp_path, WINDOW, split="all", sampling=Sampling("all"))
    (cut,) = clip.cut_frames
    assert dataset.clips.cuts(0) == [cut]
    anchors = [int(dataset.key(i).split("@")[1].split("+")[0]) for i in range(len(dataset))]
    assert anchors == [a for a in range(14) if not a < cut <= a + 2]
    before = dataset[anchors.index(cut - 3)]
    assert before["valid"].tolist() == [True, True, True, False]


def test_random_places_repeat_for_an_epoch(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", grey_levels(40))
    dataset = VideoSequenceDataset(tmp_path, WINDOW, split="all", sampling=Sampling("random", 4), dtype=torch.uint8)
    drawn = [[level(dataset[SampleKey(e, i)]["gt"]) for i in range(4)] for e in (0, 1, 0)]
    assert drawn[0] == drawn[2]
    assert drawn[0] != drawn[1]


def test_a_list_a_file_and_folders_at_any_depth_are_found(tmp_path: Path) -> None:
    root = tmp_path / "videos"
    for name in ("a.mp4", "deep/er/b.mp4", "c.mkv"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write_video(root / name, grey_levels(5))
    (root / "notes.md").write_text("not a video")

    def names(where: Path) -> list[str]:
        return list(VideoSequenceDataset(where, WINDOW, split="all", scene_cuts=False).clips.names)

    assert names(root) == ["a.mp4", "c.mkv", "deep/er/b.mp4"]
    assert names(root / "a.mp4") == ["a.mp4"]
    (root / "video_list.txt").write_text("c.mkv\ndeep/er/b.mp4\n")
    assert names(root) == names(root / "video_list.txt") == ["c.mkv", "deep/er/b.mp4"]
    (root / "video_list.txt").write_text("gone.mp4\n")
    with pytest.raises(DatasetError, match="does not exist"):
        names(root)


def test_each_video_is_a_group_of_its_own(tmp_path: Path) -> None:
    for name in "abcd":
        write_video(tmp_path / f"{name}.mp4", grey_levels(5))
    config = SplitConfig((0.75, 0.25, 0.0))
    train = VideoSequenceDataset(tmp_path, WINDOW, split="train", split_config=config, scene_cuts=False)
    val = VideoSequenceDataset(tmp_path, WINDOW, split="val", split_config=config, scene_cuts=False)
    assert sorted([*train.clips.names, *val.clips.names]) == [f"{n}.mp4" for n in "abcd"]
    assert len(val.clips) == 1


def test_a_file_that_is_no_video_raises_or_is_left_out(tmp_path: Path) -> None:
    write_video(tmp_path / "good.mp4", grey_levels(5))
    (tmp_path / "bad.mp4").write_bytes(b"no video at all")
    with pytest.raises(LiftError, match=r"bad\.mp4"):
        VideoSequenceDataset(tmp_path, WINDOW, split="all", scene_cuts=False)
    dataset = VideoSequenceDataset(tmp_path, WINDOW, split="all", scene_cuts=False, on_error="skip")
    assert list(dataset.clips.names) == ["good.mp4"]
    assert len(dataset.clip_errors) == 1


def test_a_mixed_root_serves_sequences_and_videos(tmp_path: Path) -> None:
    write_clip(tmp_path / "sequence", 6, size=(32, 48))
    write_video(tmp_path / "video.mp4", grey_levels(6))
    dataset = open_dataset(tmp_path, WINDOW, DatasetOptions(split="all", dtype=torch.uint8))
    assert list(dataset.clips.names) == ["sequence", "video.mp4"]
    assert [dataset[i]["frames"].shape for i in (0, 7)] == [(4, 3, 32, 48)] * 2
    assert len(open_source(str(tmp_path / "video.mp4"))) == 6


def test_videos_named_one_by_one_keep_their_names(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4", "other/a.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_video(tmp_path / name, grey_levels(5))
    roots = [tmp_path / "a.mp4", tmp_path / "b.mp4", tmp_path / "other" / "a.mp4"]
    names = VideoSequenceDataset(roots, WINDOW, split="all", scene_cuts=False).clips.names
    assert list(names) == ["a.mp4", "b.mp4", "a.mp4~2/a.mp4"]
