"""Tests of FrameSequenceDataset: which clips and frames it finds, its keys, its splits, and bad files."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import pytest
import torch

from lift_core.data.augmentation import AugmentationConfig
from lift_core.data.frame_sequences import FrameSequenceDataset, Vimeo15Dataset, Vimeo64Dataset
from lift_core.data.sample import SampleKey
from lift_core.data.sampling import Sampling
from lift_core.data.splits import Part, SplitConfig
from lift_core.data.window import FrameWindow
from lift_core.errors import ConfigError, DatasetError, FrameReadError, WindowError
from tests.data.clip_trees import write_clip, write_vimeo

WINDOW = FrameWindow.uniform(4, 2)


def test_all_places_of_a_vimeo_tree_are_samples(tmp_path: Path) -> None:
    write_vimeo(tmp_path, categories=2, clips=2, frames=7)
    dataset = FrameSequenceDataset(tmp_path, WINDOW, split="all", dtype=torch.uint8)
    assert len(dataset) == 4 * 5
    keys = [dataset[i]["key"] for i in range(len(dataset))]
    assert keys == [dataset.key(i) for i in range(len(dataset))]
    assert len(set(keys)) == 20
    assert keys[0] == "00001/0001@0+1:u4s2"
    sample = dataset[7]
    assert sample["key"] == "00001/0002@2+1:u4s2"
    assert sample["frames"][:, 2, 0, 0].tolist() == [0, 2, 4, 6]
    assert sample["gt"][2, 0, 0] == 3
    assert sample["gt"][0, 0, 0] == 1, "the shade of the second clip"


def test_flat_folders_and_a_single_clip_are_found(tmp_path: Path) -> None:
    write_clip(tmp_path / "flat" / "b", 5)
    write_clip(tmp_path / "flat" / "a" / "deep", 5)
    (tmp_path / "flat" / ".hidden").mkdir()
    dataset = FrameSequenceDataset(tmp_path / "flat", WINDOW, split="all")
    assert list(dataset.clips.names) == ["a/deep", "b"]
    assert list(FrameSequenceDataset(tmp_path / "flat" / "b", WINDOW, split="all").clips.names) == ["b"]


def test_several_roots_keep_apart_clips_of_the_same_name(tmp_path: Path) -> None:
    for disk in ("x", "y"):
        write_clip(tmp_path / disk / "data" / "clip", 5)
    roots = [tmp_path / "x" / "data", tmp_path / "y" / "data"]
    dataset = FrameSequenceDataset(roots, WINDOW, split="all")
    assert list(dataset.clips.names) == ["data/clip", "data~2/clip"]


def test_keys_do_not_depend_on_where_the_data_lies(tmp_path: Path) -> None:
    for place in ("here", "there"):
        write_vimeo(tmp_path / place, categories=1, clips=2, frames=5)
    here, there = (FrameSequenceDataset(tmp_path / p, WINDOW, split="all") for p in ("here", "there"))
    assert [here.key(i) for i in range(len(here))] == [there.key(i) for i in range(len(there))]


def test_a_clip_list_chooses_clips(tmp_path: Path) -> None:
    write_vimeo(tmp_path, categories=2, clips=2, frames=5)
    listing = tmp_path / "list.txt"
    listing.write_text("# chosen\n00002/0001\n\n00001/0002\n")
    dataset = FrameSequenceDataset(tmp_path, WINDOW, split="all", clip_list=listing)
    assert list(dataset.clips.names) == ["00002/0001", "00001/0002"]
    listing.write_text("00009/0001\n")
    with pytest.raises(DatasetError, match="does not exist"):
        FrameSequenceDataset(tmp_path, WINDOW, split="all", clip_list=listing)


def test_train_and_validation_share_no_category(tmp_path: Path) -> None:
    write_vimeo(tmp_path, categories=4, clips=2, frames=5, size=(8, 8))
    config = SplitConfig((0.5, 0.25, 0.25))
    splits: tuple[Part, ...] = ("train", "val", "test")
    data = [FrameSequenceDataset(tmp_path, WINDOW, split=split, split_config=config) for split in splits]
    parts = [set(dataset.clips.names) for dataset in data]
    assert [len(p) for p in parts] == [4, 2, 2]
    categories = [{name.split("/")[0] for name in part} for part in parts]
    assert not categories[0] & categories[1]
    assert not categories[0] & categories[2]
    assert not categories[1] & categories[2]


def test_windows_of_several_strides_share_a_data_set(tmp_path: Path) -> None:
    write_clip(tmp_path / "c", 9)
    windows = [FrameWindow.uniform(4, 2), FrameWindow.uniform(4, 3)]
    dataset = FrameSequenceDataset(tmp_path, windows, split="all", dtype=torch.uint8)
    assert len(dataset) == 7 + 6 * 2
    keys = {dataset.key(i) for i in range(len(dataset))}
    assert len(keys) == len(dataset)
    assert dataset[7]["timestep"] == pytest.approx(1 / 3)


def test_an_integer_means_epoch_0_and_a_key_names_its_epoch(tmp_path: Path) -> None:
    write_clip(tmp_path / "c", 9, size=(40, 40))
    dataset = FrameSequenceDataset(
        tmp_path, WINDOW, split="all", augmentation=AugmentationConfig(crop=(16, 16)), seed=5, dtype=torch.uint8
    )
    assert torch.equal(dataset[3]["frames"], dataset[SampleKey(0, 3)]["frames"])
    assert torch.equal(dataset[SampleKey(4, 3)]["frames"], dataset[SampleKey(4, 3)]["frames"])
    variants = {dataset[SampleKey(e, 3)]["frames"].numpy().tobytes() for e in range(4)}
    assert len(variants) == 4


def test_random_places_change_with_the_epoch_and_nothing_else(tmp_path: Path) -> None:
    write_clip(tmp_path / "c", 40)
    dataset = FrameSequenceDataset(tmp_path, WINDOW, split="all", sampling=Sampling("random", 3), dtype=torch.uint8)
    assert len(dataset) == 3
    places = {(e, i): int(dataset[SampleKey(e, i)]["gt"][2, 0, 0]) for e in range(5) for i in range(3)}
    assert places == {k: int(dataset[SampleKey(*k)]["gt"][2, 0, 0]) for k in reversed(places)}
    assert len(set(places.values())) > 5
    assert dataset.key(2) == "c@random2"


def test_vimeo_names_are_their_windows(tmp_path: Path) -> None:
    write_clip(tmp_path / "c", 64, size=(8, 8))
    fifteen = Vimeo15Dataset(tmp_path, split="all")
    assert fifteen.windows == (FrameWindow.consecutive(15),)
    sample = Vimeo64Dataset(tmp_path, split="all")[31]
    assert sample["frames"].shape == (64, 3, 8, 8)
    assert int(sample["valid"].sum()) == 32


def test_negative_numbers_count_from_the_end_and_others_end_iteration(tmp_path: Path) -> None:
    write_clip(tmp_path / "c", 5)
    dataset = FrameSequenceDataset(tmp_path, WINDOW, split="all")
    assert dataset[-1]["key"] == dataset[2]["key"]
    with pytest.raises(IndexError):
        dataset[3]


def test_a_bad_frame_raises_and_names_itself(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "c", 5)
    (clip / "im03.png").write_bytes(b"not a picture")
    dataset = FrameSequenceDataset(tmp_path, WINDOW, split="all")
    with pytest.raises(FrameReadError, match=r"im03\.png"):
        dataset[0]


def test_bad_frames_are_skipped_counted_and_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    good, bad = write_clip(tmp_path / "a", 5, shade=100), write_clip(tmp_path / "bad", 5)
    assert good != bad
    (bad / "im03.png").unlink()
    dataset = FrameSequenceDataset(tmp_path, WINDOW, split="all", on_error="skip", dtype=torch.uint8)
    with caplog.at_level(logging.WARNING):
        sample = dataset[3]
    assert sample["key"] == dataset.key(0)
    assert dataset.skipped == 3
    assert "bad@0+1:u4s2" in caplog.text
    assert torch.equal(dataset[3]["frames"], sample["frames"])


def test_when_nothing_can_be_read_skipping_ends_with_an_error(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "c", 5)
    dataset = FrameSequenceDataset(tmp_path, WINDOW, split="all", on_error="skip")
    for number in (1, 2, 3, 4, 5):
        (clip / f"im{number:02d}.png").write_bytes(b"")
    with pytest.raises(DatasetError, match="in a row"):
        dataset[0]


def test_a_clip_too_short_raises_or_is_left_out_and_counted(tmp_path: Path) -> None:
    write_clip(tmp_path / "long", 5)
    write_clip(tmp_path / "short", 2)
    with pytest.raises(WindowError, match="short"):
        FrameSequenceDataset(tmp_path, WINDOW, split="all")
    dataset = FrameSequenceDataset(tmp_path, WINDOW, split="all", on_error="skip")
    assert len(dataset) == 3
    assert [e.where for e in dataset.clip_errors] == ["short"]


def test_missing_and_empty_roots_are_errors(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="does not exist"):
        FrameSequenceDataset(tmp_path / "nowhere", WINDOW)
    with pytest.raises(DatasetError, match="no clips"):
        FrameSequenceDataset(tmp_path, WINDOW)


def test_windows_that_cannot_train_are_refused(tmp_path: Path) -> None:
    write_clip(tmp_path / "c", 9)
    with pytest.raises(ConfigError, match="hide a frame"):
        FrameSequenceDataset(tmp_path, FrameWindow.uniform(4, 1))
    with pytest.raises(ConfigError, match="context lengths"):
        FrameSequenceDataset(tmp_path, [FrameWindow.uniform(4, 2), FrameWindow.uniform(6, 2)])


def test_no_roots_at_all_are_an_error() -> None:
    with pytest.raises(DatasetError, match="no clips"):
        FrameSequenceDataset([], WINDOW)


@pytest.mark.timeout(20)
def test_links_in_circles_are_followed_once(tmp_path: Path) -> None:
    for number in range(4):
        folder = write_clip(tmp_path / "data" / f"c{number}", 9)
        (folder / "loop").symlink_to("..", target_is_directory=True)
    write_clip(tmp_path / "elsewhere", 9)
    (tmp_path / "data" / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    dataset = FrameSequenceDataset(tmp_path / "data", WINDOW, split="all")
    assert list(dataset.clips.names) == ["c0", "c1", "c2", "c3", "link"]


def test_a_list_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    write_clip(tmp_path / "data" / "a", 9)
    write_clip(tmp_path / "data" / "b", 9)
    (tmp_path / "list.txt").write_text("b\n", encoding="utf-8-sig")
    dataset = FrameSequenceDataset(tmp_path / "data", WINDOW, split="all", clip_list=tmp_path / "list.txt")
    assert list(dataset.clips.names) == ["b"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no file names that are not text")
def test_a_folder_name_that_is_not_utf_8_serves_samples(tmp_path: Path) -> None:
    write_clip(tmp_path / "cafe", 9).rename(tmp_path / os.fsdecode(b"caf\xe9"))
    config = AugmentationConfig(crop=(8, 8))
    dataset = FrameSequenceDataset(tmp_path, WINDOW, split="all", augmentation=config, sampling=Sampling("random", 2))
    assert dataset[0]["key"] == dataset.key(0)
