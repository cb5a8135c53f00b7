"""Tests of the evaluation: the right frames are hidden, the right ones compared, and the rows say so."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lift_core.classical import blend
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.data.source import Crop, FrameSource
from lift_core.data.window import FrameWindow
from lift_core.errors import ConfigError, FrameReadError, SourceError
from lift_core.inference.evaluate import (
    EXACT_PSNR,
    MEAN,
    EvaluationConfig,
    evaluate,
    evaluate_clip,
    format_table,
    to_csv,
    to_json,
)
from lift_core.inference.methods import BaselineMethod, LiftMethod
from lift_core.metrics import psnr, ssim


class ListSource(FrameSource):
    """Frames in memory, with or without timestamps."""

    def __init__(self, images: Sequence[NDArray[np.uint8]], timestamps: Sequence[float] | None = None) -> None:
        self._images = np.stack(images)
        self._timestamps = None if timestamps is None else np.asarray(timestamps, np.float64)

    name = "list"

    @property
    def size(self) -> tuple[int, int]:
        return self._images.shape[1], self._images.shape[2]

    @property
    def timestamps(self) -> NDArray[np.float64] | None:
        return self._timestamps

    def __len__(self) -> int:
        return len(self._images)

    def frames(self, indices: Sequence[int], *, crop: Crop | None = None) -> NDArray[np.uint8]:
        if any(not 0 <= index < len(self) for index in indices):
            raise FrameReadError("out of range", where=self.name)
        return self._images[list(indices)]


def moving(count: int, **settings: int) -> list[NDArray[np.uint8]]:
    clip = ProceduralClip(ClipConfig(frames=count, height=32, width=48, max_speed=3.0, **settings))
    return list(clip.frames(range(count)))


@pytest.mark.parametrize("count", [3, 8, 9])
def test_every_second_frame_is_made_from_its_neighbours(count):
    images = moving(count)
    row = evaluate_clip(ListSource(images), BaselineMethod("blend"), EvaluationConfig(), cuts=())
    odd = range(1, count - 1, 2)
    expected = [psnr(blend(images[k - 1], images[k + 1], 0.5), images[k]) for k in odd]
    similar = [ssim(blend(images[k - 1], images[k + 1], 0.5), images[k]) for k in odd]
    assert row.frames == len(odd)
    assert row.psnr == pytest.approx(np.mean(expected))
    assert row.ssim == pytest.approx(np.mean(similar))
    assert (row.method, row.context, row.cuts, row.still) == ("blend", 2, 0, 0)


def test_the_hidden_frame_stands_at_its_true_time():
    images = moving(3)
    row = evaluate_clip(ListSource(images, [0.0, 0.25, 1.0]), BaselineMethod("blend"), EvaluationConfig(), cuts=())
    assert row.psnr == pytest.approx(psnr(blend(images[0], images[2], 0.25), images[1]))


def test_lift_sees_the_even_frames_of_its_window(lift):
    images = moving(13)
    row = evaluate_clip(ListSource(images), LiftMethod(lift), EvaluationConfig(), cuts=(9,))
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


@pytest.mark.parametrize(("cut", "compared"), [(3, [1, 5]), (4, [1, 5]), (5, [1, 3]), (2, [3, 5])])
def test_a_hidden_frame_beside_a_cut_is_left_out(cut, compared):
    images = moving(7)
    row = evaluate_clip(ListSource(images), BaselineMethod("blend"), EvaluationConfig(), cuts=(cut,))
    expected = [psnr(blend(images[k - 1], images[k + 1], 0.5), images[k]) for k in compared]
    assert (row.frames, row.cuts) == (2, 1)
    assert row.psnr == pytest.approx(np.mean(expected))


def test_cuts_are_found_where_none_are_given():
    clip = ProceduralClip(ClipConfig(frames=20, height=64, width=96, cuts=1, seed=1))
    assert evaluate_clip(clip, BaselineMethod("blend"), EvaluationConfig()).cuts == 1


def test_frames_between_equal_neighbours_are_left_out():
    images = moving(7)
    images[4] = images[2].copy()
    row = evaluate_clip(ListSource(images), BaselineMethod("blend"), EvaluationConfig(), cuts=())
    assert (row.frames, row.still) == (2, 1)


def test_a_perfect_frame_counts_as_a_finite_number():
    images = moving(3)
    images[1] = blend(images[0], images[2], 0.5)
    row = evaluate_clip(ListSource(images), BaselineMethod("blend"), EvaluationConfig(), cuts=())
    assert row.psnr == EXACT_PSNR


def test_only_the_first_frames_are_used_and_they_are_scaled():
    images = moving(9)
    config = EvaluationConfig(max_frames=6, shorter_side=16)
    row = evaluate_clip(ListSource(images), BaselineMethod("blend"), config, cuts=())
    small = [cv2.resize(image, (24, 16), interpolation=cv2.INTER_AREA) for image in images]
    expected = [psnr(blend(small[k - 1], small[k + 1], 0.5), small[k]) for k in (1, 3)]
    assert row.frames == 2
    assert row.psnr == pytest.approx(np.mean(expected))


@pytest.fixture(scope="module")
def rows():
    clips = {"one": ListSource(moving(5)), "two": ListSource(moving(7, seed=1))}
    methods = {"blend": BaselineMethod("blend"), "flow": BaselineMethod("dis")}
    return evaluate(clips, methods, EvaluationConfig())


def test_the_mean_is_that_of_clips(rows):
    assert [(row.clip, row.method) for row in rows] == [
        ("one", "blend"),
        ("one", "flow"),
        ("two", "blend"),
        ("two", "flow"),
        (MEAN, "blend"),
        (MEAN, "flow"),
    ]
    assert rows[4].psnr == pytest.approx((rows[0].psnr + rows[2].psnr) / 2)
    assert rows[5].ssim == pytest.approx((rows[1].ssim + rows[3].ssim) / 2)
    assert rows[4].frames == 5


def test_the_table_names_t_in_every_row_and_stars_the_best(rows):
    lines = format_table(rows).splitlines()
    assert lines[0].split() == ["clip", "method", "T", "frames", "PSNR", "SSIM", "ms/frame"]
    for row, line in zip(rows, lines[1:], strict=True):
        cells = line.removeprefix(row.clip).split()
        best = row.psnr == max(other.psnr for other in rows if other.clip == row.clip)
        assert cells[:4] == [row.method, "2", str(row.frames), f"{row.psnr:.2f}" + "*" * best]


def test_the_table_says_what_was_left_out():
    row = evaluate_clip(ListSource(moving(7)), BaselineMethod("blend"), EvaluationConfig(), cuts=(3,))
    assert format_table([row]).endswith("list: left out 1 at cuts, 0 between equal frames")


def test_csv_and_json_hold_every_row(rows):
    parsed = list(csv.DictReader(to_csv(rows).splitlines()))
    loaded = json.loads(to_json(rows, EvaluationConfig(max_frames=9)))
    assert loaded["config"] == {"max_frames": 9, "shorter_side": None}
    for row, from_csv, from_json in zip(rows, parsed, loaded["rows"], strict=True):
        assert float(from_csv["psnr"]) == from_json["psnr"] == row.psnr
        assert int(from_csv["context"]) == from_json["context"] == row.context
        assert math.isfinite(from_json["seconds"])


@pytest.mark.parametrize("count", [1, 2])
def test_a_clip_with_nothing_to_hide_is_refused(count):
    with pytest.raises(SourceError, match="fewer than three"):
        evaluate_clip(ListSource(moving(3)[:count]), BaselineMethod("blend"), EvaluationConfig(), cuts=())


def test_a_clip_with_nothing_to_compare_is_refused():
    with pytest.raises(SourceError, match="no frame to compare"):
        evaluate_clip(ListSource(moving(3)), BaselineMethod("blend"), EvaluationConfig(), cuts=(1,))


@pytest.mark.parametrize("settings", [{"max_frames": 2}, {"shorter_side": 8}])
def test_an_impossible_configuration_is_refused(settings):
    with pytest.raises(ConfigError):
        EvaluationConfig(**settings)


def test_an_evaluation_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="clips and methods"):
        evaluate({}, {"blend": BaselineMethod("blend")}, EvaluationConfig())
