"""Tests of the demonstration: what it writes, and that the numbers it reports are those of the frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lift_core.classical import blend
from lift_core.data.clip_writer import write_video
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.data.video_file import VideoFileSource
from lift_core.errors import ConfigError, OutputError, SourceError
from lift_core.inference import demo
from lift_core.inference.methods import BaselineMethod
from lift_core.metrics import psnr

METHODS = {"dis": BaselineMethod("dis"), "blend": BaselineMethod("blend")}


@pytest.fixture
def short_clip(monkeypatch):
    config = replace(demo.CLIP, frames=9, height=64, width=96)
    monkeypatch.setattr(demo, "CLIP", config)
    return ProceduralClip(config)


@pytest.fixture
def video(tmp_path):
    clip = ProceduralClip(ClipConfig(frames=16, height=64, width=96, max_speed=3.0))
    write_video(tmp_path / "mine.mp4", clip.frames(range(16)))
    return tmp_path / "mine.mp4"


def test_the_generated_clip_is_compared_and_written(tmp_path, short_clip):
    found = demo.demonstrate_generated(METHODS, tmp_path / "out")
    frames = short_clip.frames(range(9))
    expected = [psnr(blend(frames[k - 1], frames[k + 1], 0.5), frames[k]) for k in (1, 3, 5, 7)]
    assert found.compared == 4
    assert found.psnr["blend"] == pytest.approx(np.mean(expected))
    assert found.psnr["dis"] > found.psnr["blend"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(path.name for path in found.files)
    half, full = (VideoFileSource(tmp_path / "out" / name) for name in ("half_rate.mp4", "interpolated.mp4"))
    assert (len(half), half.frame_rate, len(full), full.frame_rate) == (5, 15, 9, 30)
    assert (tmp_path / "out" / "before_after.png").read_bytes().startswith(b"\x89PNG")
    assert "dis" in found.figure_text


def test_a_video_of_ones_own_is_doubled_and_compared(tmp_path, video):
    found = demo.demonstrate_video(METHODS, video, tmp_path / "out", seconds=0.3, shorter_side=32)
    made = VideoFileSource(tmp_path / "out" / "interpolated.mp4")
    # Frames 0 to 9 are shown up to 0.3 s.
    assert len(made) == 2 * 10 - 1
    assert made.size == (32, 48)
    assert np.allclose(made.timestamps, np.arange(19) / 60, atol=1e-4)
    assert found.compared == 4
    assert list(found.psnr) == ["dis", "blend"]
    assert (tmp_path / "out" / "before_after.png").exists()


def test_more_time_than_the_video_has_is_all_of_it(tmp_path, video):
    demo.demonstrate_video(METHODS, video, tmp_path / "out", seconds=60, shorter_side=32)
    assert len(VideoFileSource(tmp_path / "out" / "interpolated.mp4")) == 31


def test_no_time_too_little_and_no_motion_are_refused(tmp_path, video):
    write_video(tmp_path / "still.mp4", [np.full((32, 32, 3), 90, np.uint8)] * 6)
    with pytest.raises(ConfigError, match="seconds"):
        demo.demonstrate_video(METHODS, video, tmp_path / "out", seconds=0, shorter_side=32)
    with pytest.raises(SourceError):
        demo.demonstrate_video(METHODS, tmp_path / "still.mp4", tmp_path / "out", seconds=9, shorter_side=32)
    with pytest.raises(SourceError, match=r"first 0\.01 seconds hold 1"):
        demo.demonstrate_video(METHODS, video, tmp_path / "out", seconds=0.01, shorter_side=32)


@pytest.mark.parametrize("linked", [False, True])
def test_the_video_itself_is_not_replaced(tmp_path, video, linked):
    place = tmp_path / "interpolated.mp4"
    if linked:
        place.symlink_to(video)
    else:
        video.rename(place)
    before = place.read_bytes()
    with pytest.raises(OutputError, match="the output is the input"):
        demo.demonstrate_video(METHODS, place if not linked else video, tmp_path, seconds=9, shorter_side=32)
    assert place.read_bytes() == before
    assert not (tmp_path / "before_after.png").exists()
