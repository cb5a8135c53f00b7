"""Writing clips: names, whole folders or none, exact PNG, flow files, the make_clips script."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lift_core.atomic import atomic_file, atomic_folder
from lift_core.data.clip_writer import frame_name, write_image, write_sequence, write_video
from lift_core.data.flow_file import read_flow, write_flow
from lift_core.data.image_decoding import decode_rgb
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.errors import ConfigError, FrameReadError, OutputError, ShapeError


@pytest.fixture
def frames() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (3, 20, 30, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def make_clips() -> ModuleType:
    path = Path(__file__).parents[2] / "data_scripts" / "make_clips.py"
    spec = importlib.util.spec_from_file_location("make_clips", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_rgb(path: Path) -> NDArray[np.uint8]:
    image = cv2.imread(str(path))
    assert image is not None
    return image[..., ::-1].astype(np.uint8)


@pytest.mark.parametrize(
    ("index", "count", "name"),
    [(0, 64, "im00.png"), (63, 64, "im63.png"), (7, 5, "im07.png"), (99, 100, "im99.png"), (5, 101, "im005.png")],
)
def test_names_have_two_digits_or_as_many_as_needed(index: int, count: int, name: str) -> None:
    assert frame_name(index, count, "png") == name


def test_png_sequences_hold_the_exact_pixels(tmp_path: Path, frames: NDArray[np.uint8]) -> None:
    write_sequence(tmp_path / "a" / "0000", iter(frames), 3)
    files = sorted((tmp_path / "a" / "0000").iterdir())
    assert [file.name for file in files] == ["im00.png", "im01.png", "im02.png"]
    for file, frame in zip(files, frames, strict=True):
        assert np.array_equal(read_rgb(file), frame)


def test_a_failure_leaves_neither_folder_nor_leftovers(tmp_path: Path, frames: NDArray[np.uint8]) -> None:
    with pytest.raises(ShapeError, match="3 frames where 4"):
        write_sequence(tmp_path / "0000", frames, 4)
    assert list(tmp_path.iterdir()) == []


def test_a_written_folder_replaces_the_old_one(tmp_path: Path, frames: NDArray[np.uint8]) -> None:
    write_sequence(tmp_path / "0000", frames, 3)
    write_sequence(tmp_path / "0000", frames[:2], 2)
    assert len(list((tmp_path / "0000").iterdir())) == 2


def test_an_error_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")

    def fail() -> None:
        with atomic_file(target) as temporary:
            temporary.write_text("half")
            raise KeyError("stopped")

    with pytest.raises(KeyError):
        fail()
    assert target.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot write"), atomic_folder(tmp_path / "file" / "0000"):
        pass


def test_flow_files_follow_the_middlebury_layout(tmp_path: Path) -> None:
    flow = np.random.default_rng(1).normal(size=(4, 6, 2)).astype(np.float32)
    write_flow(tmp_path / "a.flo", flow)
    assert np.array_equal(cv2.readOpticalFlow(str(tmp_path / "a.flo")), flow)
    assert np.array_equal(read_flow(tmp_path / "a.flo"), flow)


def test_damaged_flow_files_are_named(tmp_path: Path) -> None:
    write_flow(tmp_path / "a.flo", np.zeros((4, 6, 2), np.float32))
    data = (tmp_path / "a.flo").read_bytes()
    (tmp_path / "short.flo").write_bytes(data[:-3])
    (tmp_path / "other.flo").write_bytes(b"PNG!" + data[4:])
    for name in ("short.flo", "other.flo", "absent.flo"):
        with pytest.raises(FrameReadError, match=name):
            read_flow(tmp_path / name)


@pytest.mark.parametrize(("size", "pixel_format"), [((64, 96), "yuv420p"), ((65, 97), "yuv444p")])
def test_videos_keep_size_colour_and_count(tmp_path: Path, size: tuple[int, int], pixel_format: str) -> None:
    clip = ProceduralClip(ClipConfig(frames=9, height=size[0], width=size[1], layers=2))
    frames = clip.frames(range(9))
    write_video(tmp_path / "a.mp4", frames, fps=Fraction(30000, 1001), crf=12)
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.height, stream.width) == size
        assert stream.pix_fmt == pixel_format
        assert stream.average_rate == Fraction(30000, 1001)
        decoded = [picture.to_ndarray(format="rgb24") for picture in container.decode(video=0)]
    assert len(decoded) == 9
    assert np.abs(np.stack(decoded).astype(int) - frames).mean() < 8


def test_a_video_needs_frames(tmp_path: Path) -> None:
    with pytest.raises(ShapeError):
        write_video(tmp_path / "a.mp4", [])
    assert list(tmp_path.iterdir()) == []


def test_make_clips_writes_sequences_with_flow(make_clips: ModuleType, tmp_path: Path) -> None:
    arguments = [str(tmp_path), "--count", "2", "--frames", "3", "--size", "32x48", "--seed", "5", "--flow"]
    assert make_clips.main(arguments) == 0
    folders = sorted((tmp_path / "sequences").iterdir())
    assert [folder.name for folder in folders] == ["clip_00005", "clip_00006"]
    stored = read_rgb(folders[1] / "0000" / "im02.png")
    clip = ProceduralClip(ClipConfig(frames=3, height=32, width=48, seed=6))
    assert np.array_equal(stored, clip.frame(2))
    flow, visible = clip.flow(1, 2)
    assert np.array_equal(read_flow(tmp_path / "flow" / "clip_00006" / "0000" / "im01.flo"), flow)
    mask = read_rgb(tmp_path / "flow" / "clip_00006" / "0000" / "im01_visible.png")[..., 0]
    assert np.array_equal(mask > 0, visible)


def test_make_clips_replaces_the_flow_of_an_older_run(make_clips: ModuleType, tmp_path: Path) -> None:
    arguments = [str(tmp_path), "--count", "1", "--size", "32x48", "--flow"]
    assert make_clips.main([*arguments, "--frames", "5"]) == 0
    assert make_clips.main([*arguments, "--frames", "3"]) == 0
    flow = tmp_path / "flow" / "clip_00000" / "0000"
    names = ["im00.flo", "im00_visible.png", "im01.flo", "im01_visible.png"]
    assert sorted(path.name for path in flow.iterdir()) == names
    assert [path.name for path in flow.parent.iterdir()] == ["0000"]
    assert make_clips.main([*arguments[:-1], "--frames", "4"]) == 0
    assert not flow.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "mp4", "--fps", "1e300"], "a video cannot have this rate"),
        (["--format", "mp4", "--fps", "1/99999999999999"], "a video cannot have this rate"),
        (["--size", "99999x99999"], "a procedural clip cannot have frames of 99999x99999"),
        (["--size", "16x99999999999"], "a procedural clip cannot have frames of 16x99999999999"),
    ],
)
def test_make_clips_ends_with_one_line_where_numbers_are_too_large(
    arguments: list[str], message: str, make_clips: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make_clips.main([str(tmp_path / "out"), *arguments]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"make_clips: {message}")
    assert not (tmp_path / "out").exists()


def test_make_clips_ends_with_one_line_where_memory_runs_out(
    make_clips: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object) -> None:
        raise cv2.error("alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate 119997600012 bytes")

    monkeypatch.setattr(ProceduralClip, "frame", no_memory)
    assert make_clips.main([str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("make_clips: there is no memory left for this. Choose")


@pytest.mark.parametrize("rate", [Fraction(0), Fraction(-30), Fraction(2**31), Fraction(1, 2**31), Fraction(10) ** 400])
def test_a_rate_that_no_video_has_is_named(rate: Fraction, tmp_path: Path, frames: NDArray[np.uint8]) -> None:
    with pytest.raises(ConfigError, match="a video cannot have this rate"):
        write_video(tmp_path / "a.mp4", frames, fps=rate)


def test_make_clips_names_what_is_impossible(
    make_clips: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make_clips.main([str(tmp_path), "--frames", "2", "--cuts", "5"]) == 2
    assert "5 cuts in 2 frames" in capsys.readouterr().err


def test_a_folder_is_never_half_deleted_under_its_name(
    tmp_path: Path, frames: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sequence(tmp_path / "0000", frames, 3)
    seen = []

    def watched(path: Path, ignore_errors: bool = False) -> None:
        seen.append(sorted(file.name for file in (tmp_path / "0000").iterdir()))

    monkeypatch.setattr("lift_core.atomic.shutil.rmtree", watched)
    write_sequence(tmp_path / "0000", frames[:2], 2)
    assert seen[1:] == [["im00.png", "im01.png"]] * len(seen[1:])
    assert len(seen) > 1


def test_a_file_in_the_place_of_a_folder_is_kept(tmp_path: Path, frames: NDArray[np.uint8]) -> None:
    (tmp_path / "0000").write_text("precious")
    with pytest.raises(OutputError):
        write_sequence(tmp_path / "0000", frames, 3)
    assert (tmp_path / "0000").read_text() == "precious"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no file names that are not text")
def test_a_folder_name_that_is_not_utf_8_is_written_to(tmp_path: Path) -> None:
    # In a process of its own, for what this guards against is a crash.
    code = """
import os, pathlib, sys
import numpy as np
from lift_core.data.clip_writer import write_sequence
write_sequence(pathlib.Path(sys.argv[1], os.fsdecode(b"caf\\xe9")), [np.full((4, 4, 3), 9, np.uint8)], 1)
"""
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    (written,) = (tmp_path / os.fsdecode(b"caf\xe9")).iterdir()
    assert np.array_equal(decode_rgb(written.read_bytes()), np.full((4, 4, 3), 9, np.uint8))


def test_an_image_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No such file"):
        write_image(tmp_path / "missing" / "a.png", np.zeros((4, 4, 3), np.uint8))


def test_a_colon_in_a_videos_name_is_no_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_video(Path("12:30.mp4"), [np.zeros((16, 16, 3), np.uint8)] * 2)
    assert [path.name for path in tmp_path.iterdir()] == ["12:30.mp4"]


@pytest.mark.parametrize("rate", ["1/0", "fast"])
def test_make_clips_refuses_what_is_no_rate(
    make_clips: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], rate: str
) -> None:
    with pytest.raises(SystemExit):
        make_clips.main([str(tmp_path), "--fps", rate])
    assert "is not a rate" in capsys.readouterr().err


@pytest.mark.parametrize("gop", [1, 4, 12])
def test_key_frames_come_as_often_as_asked(tmp_path: Path, gop: int) -> None:
    still = [np.full((32, 32, 3), 90, np.uint8)] * 25
    write_video(tmp_path / "v.mp4", still, gop=gop)
    with av.open(str(tmp_path / "v.mp4")) as container:
        keys = [packet.pts for packet in container.demux(video=0) if packet.is_keyframe and packet.pts is not None]
        step = container.streams.video[0].duration // 25
    assert [key // step for key in sorted(keys)] == list(range(0, 25, gop))
