"""Tests of previews: the right old frames stand beside the new ones, at a size that a screen can show."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from lift_core.cli import main
from lift_core.data.video_file import VideoFileSource
from lift_core.inference.interpolator import Interpolator
from lift_core.inference.preview import write_preview
from tests.inference.video_clips import shown_times, write_clip

HEIGHT, WIDTH = 32, 48
LEVELS = [20, 60, 100, 140, 180]


def flat(levels: list[int], height: int = HEIGHT, width: int = WIDTH) -> list[np.ndarray]:
    return [np.full((height, width, 3), level, np.uint8) for level in levels]


def previewed(folder: Path, name: str, **settings: object) -> Path:
    result = Interpolator("blend").video(folder / "in.mp4", folder / "out.mp4", crf=1, progress=False, **settings)
    write_preview(folder / "in.mp4", result.path, folder / name)
    return folder / name


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
@pytest.mark.parametrize("setting", [{"factor": 3}, {"fps": 77}, {"fps": 20}])
def test_on_the_left_is_the_old_frame_of_each_moment(tmp_path, setting, suffix):
    pts = [600, 620, 650, 660, 690]
    write_clip(tmp_path / "in.mp4", flat(LEVELS), pts=pts)
    preview = VideoFileSource(previewed(tmp_path, f"look{suffix}", **setting))
    new = VideoFileSource(tmp_path / "out.mp4")
    assert len(preview) == len(new)
    assert preview.size == (HEIGHT, 2 * WIDTH)
    shown = np.array([float(time) for time in shown_times(tmp_path / "out.mp4")])
    times = np.array(pts) / 600
    for number, image in enumerate(preview.frames(range(len(preview)))):
        old = LEVELS[int(np.searchsorted(times, shown[number] + 1e-4, side="right")) - 1]
        assert np.abs(image[:, : WIDTH - 2].astype(int) - old).max() <= 4
        assert np.abs(image[:, WIDTH + 2 :].astype(int) - new.frame(number)[:, 2:]).max() <= 4
    found = np.array([float(time) for time in shown_times(tmp_path / f"look{suffix}")])
    assert np.abs((found - found[0]) - (shown - shown[0])).max() < 1.1e-3


def test_a_contact_sheet_has_new_frames_between_old_ones(tmp_path):
    write_clip(tmp_path / "in.mp4", flat(LEVELS))
    sheet = cv2.imread(str(previewed(tmp_path, "look.png", factor=2)), cv2.IMREAD_COLOR_RGB)
    assert sheet.shape[1] <= 3 * 480 + 60
    levels = [int(np.median(part)) for row in np.array_split(sheet, 4) for part in np.array_split(row, 3, axis=1)]
    rows = np.array(levels).reshape(4, 3)
    assert np.abs(rows - [[a, (a + b) / 2, b] for a, b in pairwise(LEVELS)]).max() <= 4


def test_a_rotated_video_stands_upright_in_both(tmp_path):
    left = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    left[:, : WIDTH // 2] = 200
    write_clip(tmp_path / "in.mp4", [left, left + 10, left + 20], rotation=90)
    upright = VideoFileSource(tmp_path / "in.mp4").frame(0)
    assert upright.shape == (WIDTH, HEIGHT, 3)
    preview = VideoFileSource(previewed(tmp_path, "look.mp4"))
    assert preview.size == (WIDTH, 2 * HEIGHT)
    both = preview.frame(0).astype(int)
    for half in (both[:, :HEIGHT], both[:, HEIGHT:]):
        assert np.abs(half - upright).mean() < 4
    sheet = cv2.imread(str(previewed(tmp_path, "look.png", force=True)), cv2.IMREAD_COLOR_RGB)
    assert sheet.shape[0] > sheet.shape[1] / 2


@pytest.mark.parametrize("size", [(20, 2000), (31, 2001)])
def test_wide_videos_are_scaled_for_the_side_by_side(tmp_path, size):
    write_clip(tmp_path / "in.mp4", flat([50, 90], *size))
    height, width = VideoFileSource(previewed(tmp_path, "look.mp4")).size
    assert width == 2 * 1920
    assert height == round(size[0] * 1920 / size[1])


@pytest.mark.parametrize("name", ["look.png", "look.mp4"])
def test_a_video_of_cuts_alone_has_a_preview_too(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 256, (3, HEIGHT, WIDTH, 3), dtype=np.uint8)
    write_clip(tmp_path / "in.mp4", noise)
    made = previewed(tmp_path, name)
    assert made.stat().st_size > 500


def test_a_clip_at_its_own_rate_has_a_sheet_that_says_nothing_is_new(tmp_path):
    write_clip(tmp_path / "in.mp4", flat(LEVELS))
    sheet = cv2.imread(str(previewed(tmp_path, "look.png", fps=30)))
    assert abs(int(np.median(sheet)) - LEVELS[0]) <= 3


@pytest.mark.parametrize("name", ["look.png", "look.mp4"])
def test_the_command_writes_it_and_says_so(tmp_path, capsys, name):
    write_clip(tmp_path / "in.mp4", flat(LEVELS))
    command = ["interpolate", str(tmp_path / "in.mp4"), str(tmp_path / "out.mp4"), "--method", "blend", "--quiet"]
    assert main([*command, "--preview", str(tmp_path / name)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert "5 frames in, 9 out" in shown[0]
    assert shown[-1] == f"{tmp_path / name}: a look at the result"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["in.mp4", "out.mp4", name])
