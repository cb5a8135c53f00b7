"""Public benchmarks: tiny trees of exactly their layouts, and what a tree of another layout is told."""

from __future__ import annotations

import logging
import pickle
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from lift_core.data import public_benchmarks
from lift_core.data.clip_dataset import ClipDataset
from lift_core.data.splits import SplitConfig
from lift_core.data.window import FrameWindow
from lift_core.errors import ConfigError, DatasetError, FrameReadError

U8 = torch.uint8


def put(folder: Path, names: Iterable[str], shade: int = 0) -> None:
    """Write small PNG files; R is the shade, B counts the files of the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        assert cv2.imwrite(str(folder / name), np.full((6, 8, 3), (number, 0, shade), np.uint8))


def vimeo(root: Path, kind: str, count: int) -> Path:
    """Two categories of two clips; the test list names the last."""
    places = ["00001/0001", "00001/0002", "00002/0001", "00002/0007"]
    for shade, place in enumerate(places):
        put(root / "sequences" / place, [f"im{n}.png" for n in range(1, count + 1)], shade)
    (root / f"{kind}_trainlist.txt").write_text("\n".join(places[:3]) + "\n\n")
    (root / f"{kind}_testlist.txt").write_text(places[3] + "\n\n")
    return root


def ucf101(root: Path) -> Path:
    for shade, number in enumerate(("1", "11", "101")):
        put(root / number, ["frame_00.png", "frame_01_gt.png", "frame_02.png", "frame_01_ours.png"], shade)
    return root


def snu_film(root: Path, lists: str = "eval_modes", prefix: str = "data/SNU-FILM/") -> Path:
    folders = ["test/GOPRO_test/GOPR0384_11_00", "test/YouTube_test/0000"]
    for shade, folder in enumerate(folders):
        put(root / folder, [f"{n:06d}.png" for n in range(17)], shade)
    (root / lists).mkdir(exist_ok=True)
    for distance, level in ((1, "easy"), (2, "medium"), (4, "hard"), (8, "extreme")):
        triplets = [[f"{prefix}{f}/{n:06d}.png" for n in (8 - distance, 8, 8 + distance)] for f in folders]
        (root / lists / f"test-{level}.txt").write_text("\n".join(map(" ".join, triplets)) + "\n")
    return root


def x4k(root: Path) -> Path:
    for shade, place in enumerate(("train/002/occ008.320", "train/002/occ008.322", "train/014/occ001.10")):
        put(root / place, [f"{n:04d}.png" for n in range(65)], shade)
    for shade, place in enumerate(("test/Type1/TEST01_003_f0433", "test/Type3/TEST11_078_f4977")):
        put(root / place, [f"{n:04d}.png" for n in range(33)], shade)
    return root


def check_contract(dataset: ClipDataset, context: int) -> None:
    """Shapes, dtypes and ranges of a sample, and that references and truth are distinct frames in order."""
    for index in range(len(dataset)):
        sample = dataset[index]
        assert sample["frames"].shape == (context, 3, 6, 8)
        assert sample["ref_frames"].shape == (2, 3, 6, 8)
        assert sample["gt"].shape == (3, 6, 8)
        assert sample["times"].shape == sample["valid"].shape == (context,)
        assert bool(sample["valid"].all())
        assert 0 < sample["timestep"] < 1
        assert sample["key"] == dataset.key(index)
        before, after = sample["ref_frames"][:, 2, 0, 0].tolist()
        truth = sample["gt"][2, 0, 0]
        assert truth == pytest.approx(before + sample["timestep"] * (after - before), abs=1e-6)
    assert len({dataset.key(i) for i in range(len(dataset))}) == len(dataset)


def blue(frames: torch.Tensor) -> list[int]:
    return [int(value) for value in frames[..., 2, 0, 0].flatten()]


def test_vimeo_triplets(tmp_path: Path) -> None:
    vimeo(tmp_path, "tri", 3)
    train = public_benchmarks.vimeo_triplets(tmp_path, "train")
    check_contract(train, 2)
    assert [train.key(i) for i in range(3)] == [f"{c}@0+1:u2s2" for c in ("00001/0001", "00001/0002", "00002/0001")]
    sample = public_benchmarks.vimeo_triplets(tmp_path, dtype=U8)[0]
    assert (sample["key"], sample["timestep"]) == ("00002/0007@0+1:u2s2", 0.5)
    assert (blue(sample["frames"]), blue(sample["gt"]), int(sample["gt"][0, 0, 0])) == ([0, 2], [1], 3)
    assert sample["times"].tolist() == [-0.5, 0.5]


def test_vimeo_septuplets(tmp_path: Path) -> None:
    vimeo(tmp_path, "sep", 7)
    test = public_benchmarks.vimeo_septuplets(tmp_path, dtype=U8)
    check_contract(test, 4)
    assert (len(test), blue(test[0]["frames"]), blue(test[0]["gt"])) == (1, [0, 2, 4, 6], [3])
    seven = FrameWindow.consecutive(7, "require")
    whole = public_benchmarks.vimeo_septuplets(tmp_path, "train", window=seven, dtype=U8)
    check_contract(whole, 6)
    assert (len(whole), blue(whole[0]["frames"])) == (3, [0, 1, 2, 4, 5, 6])


def test_ucf101(tmp_path: Path) -> None:
    dataset = public_benchmarks.ucf101_triplets(ucf101(tmp_path), dtype=U8)
    check_contract(dataset, 2)
    assert list(dataset.clips.names) == ["1", "11", "101"]
    assert (blue(dataset[1]["frames"]), blue(dataset[1]["gt"])) == ([0, 2], [1])


@pytest.mark.parametrize("lists", ["eval_modes", "."])
@pytest.mark.parametrize("prefix", ["data/SNU-FILM/", ""])
def test_snu_film(tmp_path: Path, lists: str, prefix: str) -> None:
    snu_film(tmp_path, lists, prefix)
    for level, distance in (("easy", 1), ("medium", 2), ("hard", 4), ("extreme", 8)):
        dataset = public_benchmarks.snu_film(tmp_path, level, dtype=U8)  # type: ignore[arg-type]
        check_contract(dataset, 2)
        assert blue(dataset[1]["frames"]) == [8 - distance, 8 + distance]
        assert (blue(dataset[1]["gt"]), int(dataset[1]["gt"][0, 0, 0])) == ([8], 1)
        assert dataset.key(0) == f"{level}/test/GOPRO_test/GOPR0384_11_00/000008@0+1:u2s2"


def test_x4k_train(tmp_path: Path) -> None:
    dataset = public_benchmarks.x4k_train(x4k(tmp_path), dtype=U8)
    check_contract(dataset, 64)
    assert list(dataset.clips.names) == ["002/occ008.320", "002/occ008.322", "014/occ001.10"]
    assert blue(dataset[0]["frames"]) == [n for n in range(65) if n != 32]
    parts = [
        public_benchmarks.x4k_train(tmp_path, split=part, split_config=SplitConfig((0.5, 0.5, 0.0)))
        for part in ("train", "val")
    ]
    assert sorted(len(part) for part in parts) == [1, 2]


def test_x4k_test(tmp_path: Path) -> None:
    dataset = public_benchmarks.x4k_test(x4k(tmp_path), dtype=U8)
    check_contract(dataset, 2)
    assert len(dataset) == 2 * 7
    assert [blue(dataset[i]["gt"])[0] for i in range(7)] == [4, 8, 12, 16, 20, 24, 28]
    assert [dataset[i]["timestep"] for i in range(7)] == pytest.approx([n / 8 for n in range(1, 8)])
    assert all(blue(dataset[i]["frames"]) == [0, 32] for i in range(14))
    assert len(public_benchmarks.x4k_test(tmp_path, multiple=32)) == 2 * 31
    with pytest.raises(ConfigError, match="does not divide 32"):
        public_benchmarks.x4k_test(tmp_path, multiple=5)


LAYOUTS: dict[str, tuple[Callable[[Path], ClipDataset], Callable[[Path], Path]]] = {
    "triplets": (public_benchmarks.vimeo_triplets, lambda root: vimeo(root, "tri", 3)),
    "septuplets": (public_benchmarks.vimeo_septuplets, lambda root: vimeo(root, "sep", 7)),
    "ucf101": (public_benchmarks.ucf101_triplets, ucf101),
    "snu_film": (public_benchmarks.snu_film, snu_film),
    "x4k_train": (public_benchmarks.x4k_train, x4k),
    "x4k_test": (public_benchmarks.x4k_test, x4k),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_data_set_is_pickled_with_its_way_of_opening_clips(tmp_path: Path, name: str) -> None:
    open_benchmark, build = LAYOUTS[name]
    dataset = open_benchmark(build(tmp_path))
    again = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(again[0]["frames"], dataset[0]["frames"])


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_tree_of_another_layout_is_told_what_was_expected_where(tmp_path: Path, name: str) -> None:
    open_benchmark, _ = LAYOUTS[name]
    with pytest.raises(DatasetError, match="Expected: "):
        open_benchmark(tmp_path / "absent")
    put(tmp_path / "some" / "clip", ["0001.png", "0002.png", "0003.png"])
    with pytest.raises(DatasetError, match="Expected: ") as caught:
        open_benchmark(tmp_path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "removed", "named"),
    [
        ("triplets", "sequences", "sequences"),
        ("triplets", "tri_testlist.txt", "tri_testlist.txt"),
        ("triplets", "sequences/00002/0007", "00002/0007"),
        ("septuplets", "sequences/00002/0007/im7.png", "im7.png"),
        ("ucf101", "1/frame_01_gt.png", "frame_01_gt.png"),
        ("snu_film", "eval_modes", "test-hard.txt"),
        ("snu_film", "test/GOPRO_test", "000004.png"),
        ("x4k_train", "train/002/occ008.320/0064.png", "0064.png"),
        ("x4k_test", "test/Type1/TEST01_003_f0433/0032.png", "0032.png"),
    ],
)
def test_what_the_layout_lacks_is_named(tmp_path: Path, name: str, removed: str, named: str) -> None:
    open_benchmark, build = LAYOUTS[name]
    path = build(tmp_path) / removed
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(DatasetError, match=rf"{named}.*Expected"):
        open_benchmark(tmp_path)


def test_a_line_that_is_not_three_paths_is_named(tmp_path: Path) -> None:
    snu_film(tmp_path)
    (tmp_path / "eval_modes" / "test-easy.txt").write_text("a.png b.png\n")
    with pytest.raises(DatasetError, match=r"'a\.png b\.png'.*test-easy\.txt"):
        public_benchmarks.snu_film(tmp_path, "easy")
    (tmp_path / "eval_modes" / "test-easy.txt").write_text("\n")
    with pytest.raises(DatasetError, match="Expected"):
        public_benchmarks.snu_film(tmp_path, "easy")


def test_of_a_long_list_only_the_first_folder_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vimeo(tmp_path, "tri", 3)
    asked: list[str] = []
    is_dir = Path.is_dir
    monkeypatch.setattr(Path, "is_dir", lambda path: asked.append(path.name) or is_dir(path))
    shutil.rmtree(tmp_path / "sequences" / "00002" / "0001")
    train = public_benchmarks.vimeo_triplets(tmp_path, "train")
    assert asked.count("0001") == 1
    assert "0002" not in asked
    with pytest.raises(FrameReadError, match=r"frame 0 is missing.*0001.im1\.png"):
        train[2]


def test_a_frame_lacking_in_the_middle_is_an_error_or_a_counted_skip(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    vimeo(tmp_path, "tri", 3)
    (tmp_path / "sequences" / "00001" / "0002" / "im2.png").unlink()
    with pytest.raises(FrameReadError, match=r"frame 1 is missing.*0002.im2\.png"):
        public_benchmarks.vimeo_triplets(tmp_path, "train")[1]
    skipping = public_benchmarks.vimeo_triplets(tmp_path, "train", on_error="skip")
    with caplog.at_level(logging.WARNING):
        assert skipping[1]["key"] == skipping.key(2)
    assert skipping.skipped == 1
    assert "00001/0002@0+1" in caplog.text
