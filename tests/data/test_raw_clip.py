"""Raw clips: what is written is read, a map is made late and let go, and every wrong file is a named error."""

from __future__ import annotations

import pickle
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from lift_core.data.frame_sequences import FrameSequenceDataset
from lift_core.data.open_dataset import all_clips
from lift_core.data.open_source import open_source
from lift_core.data.raw_clip import RawClipSource, is_raw_clip, write_raw_clip
from lift_core.data.source import Crop
from lift_core.data.window import FrameWindow
from lift_core.errors import ConfigError, FrameReadError, OutputError, ShapeError, SourceError
from tests.data.clip_trees import coordinate_clip, write_clip

CLIP = coordinate_clip(7, 20, 30)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_raw_clip(tmp_path / "clip.npy", CLIP, len(CLIP))
    return tmp_path / "clip.npy"


def test_what_is_written_is_read_in_any_order(path: Path) -> None:
    source = open_source(path)
    assert isinstance(source, RawClipSource)
    assert (len(source), source.size, source.timestamps, source.name) == (7, (20, 30), None, path.as_posix())
    assert np.array_equal(source.frames([5, 0, 5]), CLIP[[5, 0, 5]])
    cut = source.frames([6, 1], crop=Crop(3, 4, 10, 12))
    assert cut.flags.c_contiguous
    assert np.array_equal(cut, CLIP[[6, 1], 3:13, 4:16])
    assert source.frames([]).shape == (0, 20, 30, 3)
    small = cv2.resize(CLIP[6, 3:13, 4:16], (6, 5), interpolation=cv2.INTER_AREA)
    assert np.array_equal(source.frames([6], crop=Crop(3, 4, 10, 12), size=(5, 6))[0], small)


def test_the_file_is_a_plain_array(path: Path) -> None:
    assert np.array_equal(np.load(path), CLIP)


def test_any_such_array_is_a_clip(tmp_path: Path) -> None:
    np.save(tmp_path / "saved.npy", CLIP)
    assert np.array_equal(RawClipSource(tmp_path / "saved.npy").frame(3), CLIP[3])


def test_frames_are_the_callers_own(path: Path) -> None:
    source = RawClipSource(path)
    source.frames([0])[:] = 255
    assert np.array_equal(source.frame(0), CLIP[0])


@pytest.mark.parametrize("index", [-1, 7])
def test_a_frame_out_of_range_is_named(path: Path, index: int) -> None:
    with pytest.raises(FrameReadError, match=f"frame {index} of a clip of 7"):
        RawClipSource(path).frames([index])
    with pytest.raises(ConfigError, match="reaches beyond"):
        RawClipSource(path).frames([0], crop=Crop(15, 0, 10, 10))


def maps_of(path: Path) -> int:
    return Path("/proc/self/maps").read_text().count(str(path))


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells what is mapped")
def test_the_map_is_made_when_first_read_and_let_go_on_close(path: Path) -> None:
    source = RawClipSource(path)
    assert maps_of(path) == 0
    source.frame(0)
    assert maps_of(path) == 1
    source.close()
    assert maps_of(path) == 0
    assert np.array_equal(source.frame(2), CLIP[2])


def read_in_a_process(source: RawClipSource) -> bytes:
    return source.frame(4).tobytes()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_source_that_was_read_serves_other_processes(path: Path, method: str) -> None:
    source = RawClipSource(path)
    source.frame(0)
    assert len(pickle.dumps(source)) < 1000
    with get_context(method).Pool(1) as pool:
        assert pool.apply(read_in_a_process, (source,)) == CLIP[4].tobytes()


@pytest.mark.parametrize("keep", [0, 5, 60, -1, -5000])
def test_a_truncated_file_is_an_error(path: Path, keep: int) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:keep])
    with pytest.raises(SourceError, match=r"(no \.npy file|truncated: \d+ bytes).*clip\.npy"):
        len(RawClipSource(path))


@pytest.mark.parametrize(
    "array",
    [
        CLIP.astype(np.float32),
        CLIP[0],
        CLIP[..., :1],
        CLIP[:0],
        np.asfortranarray(CLIP),
        np.array([{"a": 1}], dtype=object),
    ],
    ids=["float32", "one frame", "one channel", "no frames", "Fortran order", "objects"],
)
def test_another_array_is_an_error_that_says_what_it_is(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "other.npy", array)
    assert not is_raw_clip(tmp_path / "other.npy")
    with pytest.raises(SourceError, match=rf"{array.dtype} .*not uint8 \[frames, height, width, 3\].*other\.npy"):
        RawClipSource(tmp_path / "other.npy").frame(0)


def test_what_is_no_array_at_all_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "text.npy").write_text("a" * 500)
    with pytest.raises(SourceError, match=r"no \.npy file"):
        len(RawClipSource(tmp_path / "text.npy"))
    with pytest.raises(SourceError, match="cannot open"):
        len(RawClipSource(tmp_path / "absent.npy"))


def test_a_clip_appears_whole_or_not_at_all(tmp_path: Path, path: Path) -> None:
    before = path.read_bytes()
    for frames, count, error in (
        (CLIP, 8, "7 frames where 8"),
        (CLIP[:0], 0, "0 frames"),
        ([CLIP[0], CLIP[0, :5]], 2, r"frame 1 is uint8 \[5, 30, 3\]"),
        ([CLIP[0].astype(np.float32)], 1, "frame 0 is float32"),
    ):
        with pytest.raises(ShapeError, match=error):
            write_raw_clip(path, frames, count)
    with pytest.raises(OutputError, match=r"ends in \.npy"):
        write_raw_clip(tmp_path / "clip.raw", CLIP, len(CLIP))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["clip.npy"]


def test_data_sets_find_raw_clips_beside_folders_and_leave_other_arrays_alone(tmp_path: Path) -> None:
    write_clip(tmp_path / "a" / "images", 7)
    write_raw_clip(tmp_path / "b" / "raw.npy", coordinate_clip(7, 24, 32), 7)
    np.save(tmp_path / "b" / "labels.npy", np.zeros(5))
    dataset = FrameSequenceDataset(tmp_path, FrameWindow.uniform(4, 2), split="all", dtype=torch.uint8)
    assert list(dataset.clips.names) == ["a/images", "b/raw.npy"]
    assert torch.equal(dataset[1]["frames"], dataset[6]["frames"])
    assert [clip.name for clip in all_clips(tmp_path)] == ["a/images", "b/raw.npy"]


def test_a_raw_clip_may_be_a_root_or_listed(tmp_path: Path, path: Path) -> None:
    window = FrameWindow.uniform(4, 2)
    assert list(FrameSequenceDataset(path, window, split="all").clips.names) == ["clip.npy"]
    assert [clip.path for clip in all_clips(path)] == [str(path)]
    (tmp_path / "list.txt").write_text("clip.npy\n")
    listed = FrameSequenceDataset(tmp_path, window, split="all", clip_list=tmp_path / "list.txt")
    assert list(listed.clips.names) == ["clip.npy"]
