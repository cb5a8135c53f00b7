"""Tests of `lift interpolate` and `lift demo` as they are typed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from lift_core.cli import main
from lift_core.data.clip_writer import write_sequence, write_video
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.data.video_file import VideoFileSource
from lift_core.inference.methods import BASELINES, Baseline
from lift_core.model.lift import LIFT
from lift_core.model.weights import save_weights
from tests.inference.conftest import SMALL


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


def test_interpolate_makes_a_video_of_a_rate(clips, tmp_path, capsys):
    arguments = [str(clips / "a.mp4"), str(tmp_path / "out.mp4"), "--method", "blend", "--fps", "59.94", "--quiet"]
    assert main(["interpolate", *arguments]) == 0
    made = VideoFileSource(tmp_path / "out.mp4")
    assert made.timestamps is not None
    assert np.diff(made.timestamps) == pytest.approx(1001 / 60000, abs=1e-5)
    assert "5 frames in, 10 out" in capsys.readouterr().out


def test_weights_may_be_named_before_the_paths_and_several_times(clips, tmp_path, capsys):
    torch.manual_seed(0)
    for name in ("one", "two"):
        save_weights(LIFT(SMALL), tmp_path / f"{name}.safetensors")
    chosen = [part for name in ("one", "two") for part in ("--checkpoint", str(tmp_path / f"{name}.safetensors"))]
    assert main(["interpolate", *chosen, str(clips / "b"), str(tmp_path / "out"), "--device", "cpu", "--quiet"]) == 0
    assert "5 frames in, 9 out" in capsys.readouterr().out


def test_an_interrupted_run_says_how_it_goes_on(clips, tmp_path, capsys, monkeypatch):
    command = ["interpolate", str(clips / "b"), str(tmp_path / "out"), "--method", "blend", "--quiet"]

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setitem(BASELINES, "blend", Baseline(2, stop))
        assert main(command) == 130
    assert list(tmp_path.glob(".out.unfinished/parts/*")) == [tmp_path / ".out.unfinished" / "parts" / "000000.png"]
    assert main([*command, "--factor", "4"]) == 2
    assert "another factor is here" in capsys.readouterr().err
    assert main([*command, "--factor", "4", "--restart"]) == 0
    assert len(list((tmp_path / "out").iterdir())) == 17
    assert list(tmp_path.glob(".*")) == []


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
        (["{clips}/a.mp4", "{clips}/out.mp4", "--fps", "fast"], "no frame rate"),
        (["{clips}/a.mp4", "{clips}/out.mp4", "--preview", "{clips}/look.gif"], "no format"),
        (["{clips}/b", "{clips}/out", "--fps", "60"], "--fps means nothing for a folder"),
        (["{clips}/b/im00.png", "{clips}/b/im01.png", "{clips}/o.png", "--restart"], "--restart means nothing"),
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


def test_demo_says_what_it_replaces_and_leaves_its_own_input_alone(clips, capsys):
    with pytest.raises(SystemExit):
        main(["demo", "--help"])
    assert "interpolated.mp4, half_rate.mp4 and before_after.png, which replace" in " ".join(
        capsys.readouterr().out.split()
    )
    video = (clips / "a.mp4").rename(clips / "interpolated.mp4")
    before = video.read_bytes()
    assert main(["demo", "--video", str(video), "--out", str(clips), "--method", "dis"]) == 2
    assert "the output is the input" in capsys.readouterr().err
    assert video.read_bytes() == before


@pytest.mark.parametrize(
    "options", [["--precision", "bf16"], ["--self-ensemble", "full"], ["--memory", "1GB"], ["--parallel"]]
)
def test_options_of_a_model_are_refused_for_a_method_without_one(tmp_path, capsys, options):
    write_video(tmp_path / "in.mp4", [np.full((32, 48, 3), level, np.uint8) for level in (20, 90)])
    paths = [str(tmp_path / "in.mp4"), str(tmp_path / "out.mp4")]
    assert main(["interpolate", *paths, "--method", "dis", *options]) == 2
    assert f"{options[0]} means nothing for the method dis" in capsys.readouterr().err
    assert not (tmp_path / "out.mp4").exists()


def test_one_image_needs_two(tmp_path, capsys):
    write_video(tmp_path / "in.mp4", [np.full((32, 48, 3), level, np.uint8) for level in (20, 90)])
    assert main(["interpolate", str(tmp_path / "in.mp4"), str(tmp_path / "out.png"), "--method", "blend"]) == 2
    assert "Name two images" in capsys.readouterr().err


def test_memory_that_runs_out_is_one_line_of_advice(monkeypatch, capsys):
    def exhausted(args):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")

    monkeypatch.setattr("lift_core.commands.interpolate.run", exhausted)
    assert main(["interpolate", "a.mp4", "b.mp4"]) == 2
    assert "--memory" in capsys.readouterr().err
