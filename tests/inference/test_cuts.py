"""Tests of scene cuts: what lies beyond one changes no bit before it, in streams, folders and videos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lift_core.data.clip_writer import write_sequence
from lift_core.data.image_folder import ImageFolderSource
from lift_core.data.scene_cuts import find_cuts
from lift_core.data.video_file import VideoFileSource
from lift_core.inference.interpolator import Interpolator
from lift_core.inference.lift_method import LiftMethod
from tests.inference.video_clips import moving, write_clip

CUT = 5
FRAMES = 9
FACTOR = 3


def shots(second: int) -> list[np.ndarray]:
    """Two shots; ``second`` chooses the later one."""
    return [*moving(CUT, height=32, width=48, seed=10), *moving(FRAMES - CUT, height=32, width=48, seed=second)]


def from_stream(interpolator: Interpolator, images: list[np.ndarray], folder: Path) -> np.ndarray:
    return np.stack(list(interpolator.frames(images, FACTOR)))


def from_folder(interpolator: Interpolator, images: list[np.ndarray], folder: Path) -> np.ndarray:
    write_sequence(folder / "in", images, len(images))
    made = interpolator.folder(folder / "in", folder / "out", FACTOR, force=True, progress=False)
    assert made.cuts == 1
    return ImageFolderSource(made.path).frames(range(made.frames_out))


def from_video(interpolator: Interpolator, images: list[np.ndarray], folder: Path) -> np.ndarray:
    write_clip(folder / "in.mp4", images)
    # Lossless: what the encoder finds later on changes nothing that came before.
    made = interpolator.video(folder / "in.mp4", folder / "out.mp4", FACTOR, crf=0, force=True, progress=False)
    assert made.cuts == 1
    return VideoFileSource(made.path).frames(range(made.frames_out))


@pytest.fixture(params=[6, 8], ids=["T=6", "T=8"])
def interpolator(request, lift):
    return Interpolator.with_method(LiftMethod(lift, context=request.param))


@pytest.mark.parametrize("made_by", [from_stream, from_folder, from_video])
def test_no_bit_before_a_cut_depends_on_what_comes_after_it(tmp_path, interpolator, made_by):
    first, second = shots(20), shots(21)
    assert find_cuts(first) == find_cuts(second) == (CUT,)
    one, other = (made_by(interpolator, images, tmp_path) for images in (first, second))
    last = (CUT - 1) * FACTOR
    assert np.array_equal(one[: last + 1], other[: last + 1])
    assert not np.array_equal(one[-1], other[-1])


def test_without_the_cut_the_same_pixels_matter(interpolator):
    first, second = (list(interpolator.frames(shots(seed), FACTOR, detect_cuts=False)) for seed in (20, 21))
    last = (CUT - 1) * FACTOR
    assert not np.array_equal(first[last - 1], second[last - 1])


def test_no_bit_after_a_cut_depends_on_what_came_before_it(interpolator):
    first, second = (list(interpolator.frames(shots(seed)[::-1], FACTOR)) for seed in (20, 21))
    begin = (FRAMES - CUT) * FACTOR
    assert all(np.array_equal(a, b) for a, b in zip(first[begin:], second[begin:], strict=True))


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_new_frames_in_the_gap_of_a_cut_are_copies_of_the_nearer_frame(interpolator, factor):
    images = shots(20)
    made = list(interpolator.frames(images, factor))
    for step in range(1, factor):
        nearer = images[CUT - 1] if 2 * step <= factor else images[CUT]
        assert np.array_equal(made[(CUT - 1) * factor + step], nearer)
