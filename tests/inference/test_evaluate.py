"""Tests of the evaluation: the right frames are hidden, the right ones compared, and the numbers are those defined."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lift_core.classical import blend
from lift_core.data.clip_writer import write_sequence
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.data.video_file import VideoFileSource
from lift_core.data.window import FrameWindow
from lift_core.errors import ConfigError, DatasetError, FrameReadError, OutputError, SourceError
from lift_core.inference.evaluate import EXACT_PSNR, clips_at, evaluate
from lift_core.inference.evaluation_rows import MEAN, FrameRow, Row
from lift_core.inference.frame_gallery import FrameGallery
from lift_core.inference.hidden_frames import EvaluationConfig
from lift_core.inference.lift_method import LiftMethod
from lift_core.inference.methods import BaselineMethod
from lift_core.metrics import psnr
from tests.inference.clip_sources import ListSource, material, moving
from tests.inference.video_clips import write_clip

BLEND = {"blend": BaselineMethod("blend")}


def only_row(source, config=None, *, cuts=(), methods=BLEND) -> Row:
    """The row of one method on one clip that can be evaluated."""
    found = evaluate([material(source, config, cuts=cuts)], methods)
    assert not found.failures
    (row,) = found.rows
    return row


def cross_fade(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.rint((first.astype(np.float64) + second.astype(np.float64)) / 2)


def psnr_in_float64(made: NDArray[np.float64], truth: NDArray[np.uint8]) -> float:
    return 10 * math.log10(255**2 / np.mean((made - truth.astype(np.float64)) ** 2))


def ssim_in_float64(made: NDArray[np.float64], truth: NDArray[np.uint8]) -> float:
    """Wang et al. (2004): an 11x11 Gaussian of sigma 1.5 at every pixel, the border mirrored; the mean of channels."""
    bell = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    weights = np.outer(bell, bell) / bell.sum() ** 2

    def windows(image: NDArray[np.floating]) -> NDArray[np.float64]:
        padded = np.pad(image.astype(np.float64), ((5, 5), (5, 5), (0, 0)), mode="reflect")
        return np.lib.stride_tricks.sliding_window_view(padded, (11, 11), axis=(0, 1))

    x, y = windows(made), windows(truth)
    mean_x, mean_y = (np.einsum("hwcij,ij->hwc", values, weights) for values in (x, y))
    x, y = x - mean_x[..., None, None], y - mean_y[..., None, None]
    var_x, var_y, cov = (np.einsum("hwcij,ij->hwc", values, weights) for values in (x * x, y * y, x * y))
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(
        np.mean((2 * mean_x * mean_y + c1) * (2 * cov + c2) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)))
    )


def test_the_values_are_means_of_frames_then_of_clips_by_formulas_written_out():
    clips = {"short": moving(4), "long": moving(9, seed=1)}
    found = evaluate([material(ListSource(images), name=name) for name, images in clips.items()], BLEND)
    expected = {}
    for name, images in clips.items():
        pairs = [(cross_fade(images[k - 1], images[k + 1]), images[k]) for k in range(1, len(images) - 1, 2)]
        expected[name] = (
            np.mean([psnr_in_float64(*pair) for pair in pairs]),
            np.mean([ssim_in_float64(*pair) for pair in pairs]),
            len(pairs),
        )
    assert [row.frames for row in found.rows] == [1, 4]
    for row in found.rows:
        assert (row.psnr, row.ssim, row.frames) == pytest.approx(expected[row.clip], abs=1e-9)
    (mean,) = found.means
    assert (mean.psnr, mean.ssim) == pytest.approx(np.mean([values[:2] for values in expected.values()], axis=0))
    assert (mean.clip, mean.frames) == (MEAN, 5)


@pytest.mark.parametrize("count", [3, 8, 9])
def test_every_second_frame_is_made_from_its_neighbours(count):
    images = moving(count)
    frames: list[FrameRow] = []
    found = evaluate([material(ListSource(images))], BLEND, on_frame=frames.append)
    odd = range(1, count - 1, 2)
    assert [(row.frame, row.timestep) for row in frames] == [(k, 0.5) for k in odd]
    assert [row.psnr for row in frames] == [psnr(blend(images[k - 1], images[k + 1], 0.5), images[k]) for k in odd]
    (row,) = found.rows
    assert (row.method, row.context, row.frames, row.cuts, row.still) == ("blend", 2, len(odd), 0, 0)


def test_the_hidden_frame_stands_at_its_true_time():
    images = moving(3)
    row = only_row(ListSource(images, [0.0, 0.25, 1.0]))
    assert row.psnr == pytest.approx(psnr(blend(images[0], images[2], 0.25), images[1]))


def test_lift_sees_the_even_frames_of_its_window(lift):
    images = moving(13)
    row = only_row(ListSource(images), cuts=(9,), methods={"lift": LiftMethod(lift)})
    window = FrameWindow.uniform(6, stride=2)
    values = []
    for anchor in (0, 2, 4, 6, 10):
        shown = window.at(anchor, 13, cuts=(9,))
        frames = torch.from_numpy(np.stack([images[i] for i in shown.indices])).permute(0, 3, 1, 2) / 255
        with torch.inference_mode():
            made = lift(frames[None], torch.tensor([shown.times]), torch.tensor([shown.valid]), 0.5).frame[0]
        values.append(psnr(made, images[shown.target]))
    assert row.psnr == pytest.approx(np.mean(values), abs=1e-3)
    assert (row.context, row.frames, row.cuts) == (6, 5, 1)


@pytest.mark.parametrize(("count", "seen"), [(5, 3), (8, 4), (13, 6)])
def test_t_is_no_more_than_the_frames_that_the_clip_gives(lift, count, seen):
    assert only_row(ListSource(moving(count)), methods={"lift": LiftMethod(lift)}).context == seen


@pytest.mark.parametrize(("cut", "compared"), [(3, [1, 5]), (4, [1, 5]), (5, [1, 3]), (2, [3, 5])])
def test_a_hidden_frame_beside_a_cut_is_left_out(cut, compared):
    images = moving(7)
    row = only_row(ListSource(images), cuts=(cut,))
    expected = [psnr(blend(images[k - 1], images[k + 1], 0.5), images[k]) for k in compared]
    assert (row.frames, row.cuts) == (2, 1)
    assert row.psnr == pytest.approx(np.mean(expected))


def test_cuts_are_found_where_none_are_given():
    clip = ProceduralClip(ClipConfig(frames=20, height=64, width=96, cuts=1, seed=1))
    assert only_row(clip, cuts=None).cuts == 1


def test_frames_between_equal_neighbours_are_left_out():
    images = moving(7)
    images[4] = images[2].copy()
    row = only_row(ListSource(images))
    assert (row.frames, row.still) == (2, 1)


def test_a_perfect_frame_counts_as_a_finite_number():
    images = moving(3)
    images[1] = blend(images[0], images[2], 0.5)
    assert only_row(ListSource(images)).psnr == EXACT_PSNR


def test_only_the_first_frames_are_used_and_they_are_scaled():
    images = moving(9)
    row = only_row(ListSource(images), EvaluationConfig(max_frames=6, shorter_side=16))
    small = [cv2.resize(image, (24, 16), interpolation=cv2.INTER_AREA) for image in images]
    expected = [psnr(blend(small[k - 1], small[k + 1], 0.5), small[k]) for k in (1, 3)]
    assert row.frames == 2
    assert row.psnr == pytest.approx(np.mean(expected))


def test_motion_is_measured_once_for_each_hidden_frame(monkeypatch):
    measured = []
    monkeypatch.setattr("lift_core.inference.evaluate.motion_px", lambda *pair: measured.append(pair) or 7.0)
    methods = {**BLEND, "dis": BaselineMethod("dis")}
    frames: list[FrameRow] = []
    images = moving(7)
    found = evaluate([material(ListSource(images))], methods, on_frame=frames.append)
    assert len(measured) == 3
    for (first, second), k in zip(measured, (1, 3, 5), strict=True):
        assert np.array_equal(first, images[k - 1])
        assert np.array_equal(second, images[k + 1])
    assert {(row.motion_px, row.motion) for row in frames} == {(7.0, "medium")}
    assert [(row.method, row.motion, row.frames) for row in found.by_motion] == [
        ("blend", "medium", 3),
        ("dis", "medium", 3),
    ]


def test_a_damaged_clip_is_named_and_counts_in_no_mean():
    whole, damaged = moving(5), moving(9, seed=1)
    rows, failures = [], []
    found = evaluate(
        [
            material(ListSource(damaged, damaged=6), name="damaged", cuts=()),
            material(ListSource(whole), name="whole"),
        ],
        {**BLEND, "dis": BaselineMethod("dis")},
        on_row=rows.append,
        on_failure=failures.append,
    )
    assert [row.clip for row in found.rows] == ["whole", "whole"] == [row.clip for row in rows]
    assert [row.psnr for row in found.means] == [row.psnr for row in found.rows]
    assert sum(row.frames for row in found.by_motion) == 4
    (failure,) = found.failures
    assert failures == [failure]
    assert (failure.clip, failure.method) == ("damaged", "blend")
    assert isinstance(failure.error, FrameReadError)
    assert "1 clip is missing from the means:\n  damaged, blend: damaged [list]" in found.table()


def test_a_video_that_is_cut_off_is_named_and_counts_in_no_mean(tmp_path):
    images = moving(40)
    write_clip(tmp_path / "whole.mkv", images[:8])
    data = write_clip(tmp_path / "short.mkv", images).read_bytes()
    (tmp_path / "short.mkv").write_bytes(data[: len(data) // 2])
    assert len(VideoFileSource(tmp_path / "short.mkv")) > 3
    found = evaluate(clips_at(tmp_path), BLEND)
    assert [row.clip for row in found.rows] == ["whole.mkv"]
    (failure,) = found.failures
    assert (failure.clip, type(failure.error)) == ("short.mkv", SourceError)
    assert "cut off: it ends at" in str(failure.error)


class Refusing(BaselineMethod):
    """A method that makes nothing of large clips."""

    def between(self, first, second, window):
        raise SourceError("too large")


def test_a_clip_that_one_method_cannot_make_counts_for_none():
    found = evaluate([material(ListSource(moving(5)))], {**BLEND, "refusing": Refusing("dis")})
    assert [row.method for row in found.rows] == ["blend"]
    assert (found.means, found.by_motion) == ([], [])
    assert [failure.method for failure in found.failures] == ["refusing"]


class Forgetful(BaselineMethod):
    """A method that its user gave too little memory."""

    def encode_reference(self, frame):
        raise ConfigError("1 MB do not hold what is needed.", fix="Allow more (--memory).")


def test_an_option_that_no_clip_can_mend_ends_the_evaluation():
    failures = []
    clips = [material(ListSource(moving(5)), name=name) for name in ("one", "two")]
    with pytest.raises(ConfigError, match="--memory"):
        evaluate(clips, {"forgetful": Forgetful("dis")}, on_failure=failures.append)
    assert failures == []


def test_a_result_that_cannot_be_written_is_not_taken_for_a_fault_of_the_clip():
    def full(_: FrameRow) -> None:
        raise OutputError("no space left")

    with pytest.raises(OutputError, match="no space"):
        evaluate([material(ListSource(moving(5)))], BLEND, on_frame=full)


class Planning(BaselineMethod):
    """A method that plans for 100 s when frames have a new size; a reference takes it 1 s, a new frame 10."""

    def __init__(self) -> None:
        super().__init__("blend")
        object.__setattr__(self, "clock", SimpleNamespace(now=0.0))
        object.__setattr__(self, "planned", [])

    def encode_reference(self, frame):
        self.clock.now += 1
        if frame.shape[:2] not in self.planned:
            self.clock.now += 100
            self.planned.append(frame.shape[:2])
        return frame

    def between(self, first, second, window):
        draw = super().between(first, second, window)

        def timed(t):
            self.clock.now += 10
            return draw(t)

        return timed


def test_seconds_are_those_of_steady_work_and_hold_the_encoding(monkeypatch):
    method = Planning()
    clock = SimpleNamespace(perf_counter=lambda: method.clock.now)
    monkeypatch.setattr("lift_core.inference.evaluate.time", clock)
    still = moving(7)
    still[2] = still[0].copy()
    small = [image[:16, :32].copy() for image in moving(5)]
    clips = [material(ListSource(images), name=name) for name, images in (("a", still), ("b", moving(5)), ("c", small))]
    frames: list[FrameRow] = []
    found = evaluate(clips, {"planning": method}, on_frame=frames.append)
    assert [(row.clip, row.frame, row.seconds) for row in frames] == [
        *(("a", 3, 12), ("a", 5, 11)),
        *(("b", 1, 12), ("b", 3, 11)),
        *(("c", 1, 12), ("c", 3, 11)),
    ]
    assert method.planned == [(32, 48), (16, 32)]
    # Each size cost two references and a frame more than was timed, and each plan.
    assert method.clock.now == sum(row.seconds for row in frames) + 2 * (100 + 12)
    assert [row.seconds for row in found.rows] == [11.5] * 3


def test_a_gallery_is_shown_what_every_method_made_of_the_clips_that_count():
    gallery = FrameGallery("dis", 1)
    clips = [material(ListSource(moving(5, seed=seed)), name=name) for seed, name in enumerate(("one", "two"))]
    frames: list[FrameRow] = []
    found = evaluate(clips, {**BLEND, "dis": BaselineMethod("dis")}, on_frame=frames.append, gallery=gallery)
    (worst,) = gallery.worst()
    ranked = sorted((row.psnr, row.clip, row.frame) for row in frames if row.method == "dis")
    assert (worst.made["dis"].psnr, worst.clip, worst.number) == ranked[0]
    assert set(worst.made) == {"dis", "blend"}
    assert [row.method for row in found.means] == ["dis", "blend"]
    evaluate([clips[0]], {**BLEND, "refusing": Refusing("dis")}, gallery=(empty := FrameGallery("blend")))
    assert not empty.worst()


def test_a_gallery_of_an_unknown_method_is_refused():
    with pytest.raises(ConfigError, match="'flow' is none of the methods"):
        evaluate([material(ListSource(moving(3)))], BLEND, gallery=FrameGallery("flow"))


@pytest.mark.parametrize(
    ("source", "cuts", "message"),
    [
        (ListSource(moving(3)[:1]), (), "fewer than three"),
        (ListSource(moving(3)[:2]), (), "fewer than three"),
        (ListSource(moving(3)), (1,), "no frame to compare"),
    ],
)
def test_a_clip_without_anything_to_compare_is_a_failure(source, cuts, message):
    found = evaluate([material(source, cuts=cuts)], BLEND)
    assert not found.rows
    assert message in str(found.failures[0])
    assert message in found.table()


def test_frames_that_are_smaller_than_the_window_of_ssim_are_a_failure():
    tiny = [image[:8, :8].copy() for image in moving(3)]
    assert "11x11" in str(evaluate([material(ListSource(tiny))], BLEND).failures[0])


@pytest.mark.parametrize("settings", [{"max_frames": 2}, {"shorter_side": 8}])
def test_an_impossible_configuration_is_refused(settings):
    with pytest.raises(ConfigError):
        EvaluationConfig(**settings)


@pytest.mark.parametrize(("clips", "methods"), [([], BLEND), ([material(ListSource(moving(3)))], {})])
def test_an_evaluation_of_nothing_is_refused(clips, methods):
    with pytest.raises(ConfigError, match="clips and methods"):
        evaluate(clips, methods)


def test_clips_are_found_and_opened_when_they_are_needed(tmp_path):
    images = moving(5)
    write_sequence(tmp_path / "all" / "good", images, 5)
    (tmp_path / "all" / "not_a_video.mp4").write_bytes(b"text")
    clips = clips_at(tmp_path / "all", EvaluationConfig(max_frames=3))
    assert [clip.name for clip in clips] == ["good", "not_a_video.mp4"]
    found = evaluate(clips, BLEND)
    assert [(row.clip, row.frames) for row in found.rows] == [("good", 1)]
    assert [failure.clip for failure in found.failures] == ["not_a_video.mp4"]


def test_a_place_without_clips_is_refused_beside_others(tmp_path):
    write_sequence(tmp_path / "good", moving(3), 3)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="empty"):
        clips_at([tmp_path / "good", tmp_path / "empty"])


def test_two_runs_agree():
    runs = [evaluate([material(ListSource(moving(9)))], BLEND) for _ in range(2)]
    first, second = ([replace(row, seconds=0) for row in found.all_rows] for found in runs)
    assert first == second
