"""Frames that cannot be read: a named error, or a counted skip in which no other sample is lost; no hang either way."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from lift_core.data.frame_sequences import FrameSequenceDataset
from lift_core.data.raw_clip import write_raw_clip
from lift_core.data.sample import collate
from lift_core.data.window import FrameWindow
from lift_core.errors import FrameReadError, SourceError, WindowError
from tests.data.clip_trees import coordinate_clip, write_clip

WINDOW = FrameWindow.uniform(2, 2)
NOISE = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)


def cut(suffix: str, share: float) -> Callable[[Path], None]:
    data = cv2.imencode(suffix, NOISE)[1].tobytes()
    return lambda path: path.write_bytes(data[: int(share * len(data))]) and None


def replaced(image: np.ndarray, suffix: str = ".png") -> Callable[[Path], None]:
    data = cv2.imencode(suffix, image)[1].tobytes()
    return lambda path: path.write_bytes(data) and None


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "truncated PNG": (cut(".png", 0.6), "damaged or truncated"),
    "truncated JPEG called .png": (cut(".jpg", 0.6), "truncated JPEG"),
    "empty": (lambda path: path.write_bytes(b"") and None, "empty file"),
    "text": (lambda path: path.write_text("no picture") and None, "no PNG or JPEG"),
    "missing": (Path.unlink, "is missing"),
    "a folder": (as_folder, "cannot be read"),
    "wider": (replaced(np.zeros((24, 33, 3), np.uint8)), "frame 4 is 24x33"),
    "turned": (replaced(np.zeros((32, 24, 3), np.uint8)), "frame 4 is 32x24"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_frame_in_the_middle_is_named_or_skipped_and_counted(tmp_path: Path, kind: str) -> None:
    spoil, message = BAD[kind]
    for name in ("a", "b"):
        write_clip(tmp_path / name, 9)
    spoil(tmp_path / "b" / "im05.png")
    strict = FrameSequenceDataset(tmp_path, WINDOW, split="all")
    with pytest.raises(FrameReadError, match=r"frame 4.*b.im05\.png") as caught:
        strict[7 + 3]
    assert message in str(caught.value)

    skipping = FrameSequenceDataset(tmp_path, WINDOW, split="all", on_error="skip", dtype=torch.uint8)
    loader = DataLoader(skipping, batch_size=2, num_workers=2, collate_fn=collate, multiprocessing_context="fork")
    keys = [key for batch in loader for key in batch["key"]]
    spoilt = {f"b@{anchor}+1:u2s2" for anchor in (2, 3, 4)}
    whole = {skipping.key(index) for index in range(14)} - spoilt
    assert len(keys) == 14
    assert set(keys) == whole
    # Each of the three walks on to the next whole one: three, two and one steps away.
    assert skipping.skipped == 6


@pytest.mark.parametrize(
    ("suffix", "stored"),
    [(".jpg", ".png"), (".png", ".jpg")],
    ids=["a PNG called .jpg", "a JPEG called .png"],
)
def test_a_mislabelled_picture_is_read_for_what_it_is(tmp_path: Path, suffix: str, stored: str) -> None:
    smooth = cv2.GaussianBlur(NOISE, (0, 0), 4)
    for number in range(3):
        (tmp_path / f"im{number}{suffix}").write_bytes(cv2.imencode(stored, smooth)[1].tobytes())
    sample = FrameSequenceDataset(tmp_path, WINDOW, split="all", dtype=torch.uint8)[0]
    difference = sample["gt"].permute(1, 2, 0).numpy().astype(int) - smooth[..., ::-1]
    assert np.abs(difference).max() <= (0 if stored == ".png" else 12)


def test_grey_deep_and_transparent_frames_make_samples_like_any_other(tmp_path: Path) -> None:
    clip = coordinate_clip(3, 24, 32)
    for number, image in enumerate(
        (clip[0, ..., 0], clip[1].astype(np.uint16) << 8, np.dstack([clip[2], clip[2, ..., 0]]))
    ):
        cv2.imwrite(str(tmp_path / f"im{number}.png"), image)
    sample = FrameSequenceDataset(tmp_path, WINDOW, split="all", dtype=torch.uint8)[0]
    assert sample["frames"].shape == (2, 3, 24, 32)
    assert torch.equal(sample["frames"][0], torch.from_numpy(clip[0, ..., 0]).expand(3, -1, -1))
    for picture, number in ((sample["gt"], 1), (sample["frames"][1], 2)):
        assert np.array_equal(picture.permute(1, 2, 0).numpy(), clip[number][..., ::-1])


def test_bad_clips_are_named_or_left_out_and_counted(tmp_path: Path) -> None:
    write_clip(tmp_path / "good", 9)
    write_clip(tmp_path / "short", 2)
    write_raw_clip(tmp_path / "cut.npy", coordinate_clip(9, 24, 32), 9)
    data = (tmp_path / "cut.npy").read_bytes()
    (tmp_path / "cut.npy").write_bytes(data[:-100])
    with pytest.raises(SourceError, match=r"truncated: 100 bytes.*cut\.npy"):
        FrameSequenceDataset(tmp_path, WINDOW, split="all")
    dataset = FrameSequenceDataset(tmp_path, WINDOW, split="all", on_error="skip")
    assert len(dataset) == 7
    assert [type(error) for error in dataset.clip_errors] == [SourceError, WindowError]
    (tmp_path / "cut.npy").unlink()
    with pytest.raises(WindowError, match=r"2 frames.*needs 3.*short"):
        FrameSequenceDataset(tmp_path, WINDOW, split="all")


def test_a_clip_that_goes_away_while_it_is_used_is_an_error(tmp_path: Path) -> None:
    write_clip(tmp_path / "a", 9)
    dataset = FrameSequenceDataset(tmp_path, WINDOW, split="all")
    shutil.rmtree(tmp_path / "a")
    with pytest.raises(FrameReadError, match=r"frame 0 is missing"):
        dataset[0]
