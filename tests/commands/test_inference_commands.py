"""Tests of `lift interpolate` and `lift demo` as they are typed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lift_core.cli import main
from lift_core.data.clip_writer import write_sequence, write_video
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.data.video_file import VideoFileSource


@pytest.fixture
def clips(tmp_path):
    frames = ProceduralClip(ClipConfig(frames=5, height=32, width=48, max_speed=3.0)).frames(range(5))
    write_video(tmp_path / "clips" / "a.mp4", frames)
    write_sequence(tmp_path / "clips" / "b", frames, 5)
    return tmp_path / "clips"


def test_interpolate_serves_a_video(clips, tmp_path, capsys):
    arguments = [str(clips / "a.mp4"), str(tmp_path / "out.mp4"), "--method", "blend", "--factor", "3", "--quiet"]
    assert main(["interpolate", *arguments]) == 0
    assert len(VideoFileSource(tmp_path / "out.mp4")) == 13
    assert "5 frames in, 13 out" in capsys.readouterr().out


def test_interpolate_serves_a_folder_and_two_images(clips, tmp_path):
    assert main(["interpolate", str(clips / "b"), str(tmp_path / "out"), "--method", "dis", "--quiet"]) == 0
    assert len(list((tmp_path / "out").iterdir())) == 9
    images = [str(clips / "b" / "im00.png"), str(clips / "b" / "im01.png"), str(tmp_path / "middle.png")]
    assert main(["interpolate", *images, "--method", "dis"]) == 0
    middle, ninth = (cv2.imread(str(path)) for path in (tmp_path / "middle.png", tmp_path / "out" / "000001.png"))
    assert np.array_equal(middle, ninth)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{clips}/a.mp4"], "IN OUT"),
        (["{clips}/a.mp4", "{clips}/a.mp4"], "is the input"),
        (["{clips}/a.mp4", "{clips}/out.mp4", "--factor", "1"], "factor 1"),
        (["{clips}/none.mp4", "{clips}/out.mp4"], "none.mp4"),
        (["{clips}/a.mp4", "{clips}/out.mp4", "--time", "0.3"], "--time means nothing for a video"),
        (["{clips}/b", "{clips}/out", "--crf", "20"], "--crf means nothing for a folder"),
        (["{clips}/b/im00.png", "{clips}/b/im01.png", "{clips}/o.png", "--factor", "2"], "--factor means nothing"),
        (["{clips}/a.mp4", "{clips}/out.mp4", "--checkpoint", "{clips}/none"], "none"),
    ],
)
def test_interpolate_refuses_in_one_line(clips, capsys, arguments, message):
    method = [] if "--checkpoint" in arguments else ["--method", "blend"]
    assert main(["interpolate", *(a.format(clips=clips) for a in arguments), *method, "--quiet"]) == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error


def test_interpolate_help_shows_the_three_forms(capsys):
    with pytest.raises(SystemExit):
        main(["interpolate", "--help"])
    shown = capsys.readouterr().out
    for form in ("in.mp4 out.mp4", "frames/ out/", "a.png b.png middle.png"):
        assert form in shown


def test_demo_says_what_it_found_and_where_it_is(clips, tmp_path, capsys):
    arguments = ["--video", str(clips / "a.mp4"), "--out", str(tmp_path / "out"), "--method", "dis", "--size", "32"]
    assert main(["demo", *arguments]) == 0
    shown = capsys.readouterr().out
    assert "dis" in shown
    assert "blend" in shown
    assert str(tmp_path / "out" / "before_after.png") in shown
    assert "lift interpolate" in shown
