"""Tests of input that is bad or unusual: one clear line, and everything that was there is still there as it was."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from lift_core.cli import main
from lift_core.data.clip_writer import write_sequence
from lift_core.data.video_file import VideoFileSource
from lift_core.inference.interpolator import Interpolator
from lift_core.metrics import psnr
from tests.inference.video_clips import add_tone, moving, write_clip


def everything(folder: Path) -> dict[str, str]:
    """Every file below a folder with a digest of its bytes, and every folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
    }


def refused(folder: Path, capfd: pytest.CaptureFixture[str], *arguments: object, method: str = "blend") -> str:
    """Run `lift interpolate`, which must refuse in one line and change nothing; return the line."""
    before = everything(folder)
    chosen = [] if "--checkpoint" in arguments else ["--method", method]
    assert main(["interpolate", *map(str, arguments), *chosen, "--quiet"]) == 2
    assert everything(folder) == before
    shown = capfd.readouterr()
    (line,) = [line for line in shown.err.splitlines() if line.startswith("lift: ")]
    assert "Traceback" not in shown.err
    assert shown.out == ""
    return line


def coded(path: Path, codec: str, pixel_format: str, images: Sequence[np.ndarray]) -> Path:
    """A video in any format; ``images`` RGBA."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = *images[0].shape[:2], pixel_format
        for image in images:
            frame = av.VideoFrame.from_ndarray(image, format="rgba").reformat(format=pixel_format)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "in.mp4", moving(4, height=32, width=48), audio_seconds=0.2)


@pytest.fixture
def frames(tmp_path):
    write_sequence(tmp_path / "in", moving(4, height=32, width=48), 4)
    return tmp_path / "in"


@pytest.mark.parametrize("output", ["out.mp4", "out.mkv"])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sound.mp4", "no video stream"),
        ("one.mp4", "one frame"),
        ("empty.mp4", "cannot open"),
        ("text.mp4", "cannot open"),
        ("header.mp4", "cannot open"),
        ("none.mp4", "no such video"),
        ("no_frames.mp4", "frame"),
    ],
)
def test_what_is_no_video_is_refused(tmp_path, capfd, name, message, output):
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        add_tone(container, container.add_stream("aac", rate=48000, layout="mono"), 0.2)
    write_clip(tmp_path / "one.mp4", moving(1))
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("not a video at all\n" * 100)
    (tmp_path / "header.mp4").write_bytes((tmp_path / "one.mp4").read_bytes()[:200])
    with av.open(str(tmp_path / "no_frames.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height = stream.width = 32
        stream.pix_fmt = "yuv420p"
        add_tone(container, container.add_stream("aac", rate=48000, layout="mono"), 0.1)
        container.mux(stream.encode(None))
    assert message in refused(tmp_path, capfd, tmp_path / name, tmp_path / output)


@pytest.mark.parametrize(
    ("suffix", "told"), [(".mp4", r"\d+ frames of 79 are in the file"), (".mkv", "it ends at .* s, not at")]
)
def test_a_truncated_video_is_refused_with_what_is_there(tmp_path, capfd, suffix, told):
    cut = truncated(tmp_path / f"in{suffix}", tmp_path)
    line = refused(tmp_path, capfd, cut, tmp_path / "out.mp4")
    assert re.search(rf"cut off: {told}", line)
    shorter = copied(cut, tmp_path / "shorter.mp4")
    count = len(VideoFileSource(shorter))
    assert 2 <= count < 79
    made = Interpolator("blend").video(shorter, tmp_path / "out.mp4", progress=False)
    assert (made.frames_in, made.frames_out) == (count, 2 * count - 1)


def test_of_a_format_that_does_not_tell_its_length_the_whole_frames_are_taken(tmp_path):
    cut = truncated(tmp_path / "in.ts", tmp_path)
    count = len(VideoFileSource(cut))
    assert 2 <= count < 79
    made = Interpolator("blend").video(cut, tmp_path / "out.mp4", progress=False)
    assert (made.frames_in, made.frames_out) == (count, 2 * count - 1)
    assert len(VideoFileSource(tmp_path / "out.mp4")) == 2 * count - 1


def truncated(path: Path, folder: Path) -> Path:
    """Half of a video's bytes; with the index in front, as for streaming, an MP4 file that is cut can be opened."""
    images = moving(40, height=64, width=96)
    whole = Interpolator("blend").video(write_clip(folder / "all.mp4", images), folder / "all.mkv", progress=False)
    data = copied(whole.path, path).read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


def copied(source: Path, path: Path) -> Path:
    """The same pictures in another container."""
    with (
        av.open(str(source)) as old,
        av.open(str(path), "w", options={"movflags": "faststart"} if path.suffix == ".mp4" else {}) as new,
    ):
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None and not packet.is_corrupt:
                packet.stream = stream
                new.mux(packet)
    return path


def test_transparency_beside_the_picture_is_found(tmp_path, capfd):
    with av.open(str(tmp_path / "in.webm"), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=25)
        stream.height, stream.width, stream.pix_fmt = 32, 48, "yuv420p"
        stream.metadata["alpha_mode"] = "1"
        for image in moving(3, height=32, width=48):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    assert "transparency (alpha_mode)" in refused(tmp_path, capfd, tmp_path / "in.webm", tmp_path / "out.mp4")


def test_sound_without_a_header_is_named(tmp_path, capfd):
    with av.open(str(tmp_path / "in.ts"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 128, 192, "yuv420p"
        container.add_stream("aac", rate=48000)
        for image in moving(12, height=128, width=192):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    for name in ("out.mp4", "out.mkv"):
        line = refused(tmp_path, capfd, tmp_path / "in.ts", tmp_path / name)
        assert "the audio (aac) has no header that can be read" in line


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_a_folder_of_images_does_not_become_a_folder_with_the_name_of_a_video(tmp_path, capfd, name):
    write_sequence(tmp_path / "in", moving(3), 3)
    assert "not a video" in refused(tmp_path, capfd, tmp_path / "in", tmp_path / name)


@pytest.mark.parametrize("restart", [[], ["--restart"]])
@pytest.mark.parametrize("strange", ["diary.txt", "parts/photo.jpg", "parts/000000.mp4.old", "joined"])
def test_a_hidden_folder_of_other_files_is_left_alone(tmp_path, capfd, clip, strange, restart):
    file = tmp_path / ".out.mp4.unfinished" / strange
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    line = refused(tmp_path, capfd, clip, tmp_path / "out.mp4", *restart)
    assert f"holds other files ({file.name})" in line


def test_a_frame_damaged_in_the_middle_is_named_and_no_video_is_made(tmp_path, capfd):
    path = write_clip(tmp_path / "in.mp4", moving(30, height=64, width=96))
    with av.open(str(path)) as container:
        middle = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size][20]
    data = bytearray(path.read_bytes())
    data[middle[0] : middle[0] + middle[1]] = b"\xff" * middle[1]
    path.write_bytes(bytes(data))
    assert "frame 20" in refused(tmp_path, capfd, path, tmp_path / "out.mp4")


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("in.mov", "qtrle", "argb"),
        ("in.mov", "png", "rgba"),
        ("in.mkv", "ffv1", "yuva420p"),
        ("in.mkv", "ffv1", "bgra"),
    ],
)
def test_a_video_with_transparency_is_refused_with_advice(tmp_path, capfd, name, codec, pixel_format):
    coded(tmp_path / name, codec, pixel_format, np.full((3, 16, 16, 4), 100, np.uint8))
    line = refused(tmp_path, capfd, tmp_path / name, tmp_path / "out.mp4")
    assert "transparency" in line
    assert "ffmpeg -i" in line


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [("in.mov", "qtrle", "argb"), ("in.mov", "prores_ks", "yuva444p10le"), ("in.mkv", "ffv1", "yuva420p")],
)
@pytest.mark.parametrize("alpha", [255, 250])
def test_a_video_that_could_be_transparent_is_taken_if_no_pixel_is(tmp_path, capfd, name, codec, pixel_format, alpha):
    images = np.full((3, 32, 48, 4), 255, np.uint8)
    images[..., :3] = np.array([20, 110, 200], np.uint8)[:, None, None, None]
    # A block of the last frame, since ProRes may round single pixels.
    images[-1, :16, :16, 3] = alpha
    coded(tmp_path / name, codec, pixel_format, images)
    if alpha < 255:
        assert "transparency" in refused(tmp_path, capfd, tmp_path / name, tmp_path / "out.mp4")
        return
    made = Interpolator("blend").video(tmp_path / name, tmp_path / "out.mp4", progress=False)
    assert made.frames_out == 5
    clip = VideoFileSource(tmp_path / "out.mp4")
    assert [int(np.median(frame)) for frame in clip.frames(range(5))] == pytest.approx([20, 65, 110, 155, 200], abs=3)


@pytest.mark.parametrize("transparent", [True, False])
def test_a_gif_is_taken_unless_something_shows_through(tmp_path, capfd, transparent):
    images = pytest.importorskip("PIL.Image")
    frames = [images.fromarray(image).quantize(32) for image in moving(4, height=64, width=96)]
    more = {"transparency": frames[0].getpixel((10, 10)), "disposal": 2} if transparent else {}
    frames[0].save(tmp_path / "in.gif", save_all=True, append_images=frames[1:], duration=100, **more)
    if transparent:
        assert "transparency" in refused(tmp_path, capfd, tmp_path / "in.gif", tmp_path / "out.mp4")
        return
    made = Interpolator("blend").video(tmp_path / "in.gif", tmp_path / "out.mp4", progress=False)
    assert (made.frames_in, made.frames_out) == (4, 7)
    taken = VideoFileSource(tmp_path / "in.gif").frames(range(4))
    kept = VideoFileSource(tmp_path / "out.mp4").frames(range(0, 7, 2))
    assert all(psnr(one, other) > 30 for one, other in zip(kept, taken, strict=True))


def test_ten_bits_are_taken_with_a_note(tmp_path, capsys):
    image = np.full((3, 32, 48, 4), 255, np.uint8)
    image[..., :3] = np.array([20, 110, 200], np.uint8)[:, None, None, None]
    coded(tmp_path / "in.mkv", "libx264", "yuv420p10le", image)
    command = ["interpolate", str(tmp_path / "in.mkv"), str(tmp_path / "out.mp4"), "--method", "blend", "--quiet"]
    assert main(command) == 0
    assert "10 bits per channel became 8" in capsys.readouterr().out
    clip = VideoFileSource(tmp_path / "out.mp4")
    assert clip.pixel_format == "yuv420p"
    assert [int(np.median(frame)) for frame in clip.frames(range(5))] == pytest.approx([20, 65, 110, 155, 200], abs=3)


@pytest.mark.parametrize("scan", ["interlaced", "progressive"])
def test_a_video_of_fields_is_warned_of(tmp_path, caplog, scan):
    with av.open(str(tmp_path / "in.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"x264-params": f"interlaced={int(scan[0] == 'i')}"})
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        for image in moving(3, height=64, width=96):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    Interpolator("blend").video(tmp_path / "in.mp4", tmp_path / "out.mp4", progress=False)
    assert ["bwdif" in message for message in caplog.messages] == [True] * (scan == "interlaced")


def test_8k_works_in_bounded_memory(tmp_path):
    with av.open(str(tmp_path / "in.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height = 7680, 4320
        for level in (100, 120):
            planes = np.full((4320 * 3 // 2, 7680), level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(stream.encode(None))
    code = """
import sys
from resource import RUSAGE_SELF, getrusage
from lift_core.inference.interpolator import Interpolator
before = getrusage(RUSAGE_SELF).ru_maxrss
made = Interpolator("blend").video(sys.argv[1], sys.argv[2], crf=45, progress=False)
print(made.frames_out, getrusage(RUSAGE_SELF).ru_maxrss - before)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "in.mp4"), str(tmp_path / "out.mp4")]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    count, kilobytes = map(int, ended.stdout.split())
    assert count == 3
    assert VideoFileSource(tmp_path / "out.mp4").size == (4320, 7680)
    # Five frames of 100 MB as RGB, and three of 50 MB in the encoder.
    assert kilobytes < 1_000_000


@pytest.mark.parametrize("kind", ["file", "truncated", "other"])
def test_weights_that_do_not_fit_are_refused(tmp_path, capfd, clip, lift, kind):
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    from lift_core.model.weights import save_weights

    weights = tmp_path / "mine.safetensors"
    save_weights(lift, weights)
    if kind == "file":
        weights.write_text("no weights")
    elif kind == "truncated":
        weights.write_bytes(weights.read_bytes()[:-1000])
    else:
        with safe_open(weights, "pt") as file:
            metadata = file.metadata()
        tensors = load_file(weights)
        name = next(name for name, tensor in tensors.items() if tensor.ndim == 4)
        save_file({**tensors, name: tensors[name][:, :-1].contiguous()}, weights, metadata)
    line = refused(tmp_path, capfd, clip, tmp_path / "out.mp4", "--checkpoint", weights)
    assert "mine.safetensors" in line


def test_a_preset_without_weights_says_how_to_get_some(tmp_path, capfd, clip):
    assert "lift train" in refused(tmp_path, capfd, clip, tmp_path / "out.mp4", method="lift_64")


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("in.mp4", "is the input"),
        ("taken.mp4", "exists already"),
        ("folder.mp4", "is a folder"),
        ("taken.mp4/out.mp4", "cannot write"),
        ("out.webm", "no format"),
        ("n" * 300 + ".mp4", "too long"),
        ("n" * 250 + ".mp4", "too long"),
        ("/proc/out.mp4", "cannot write"),
    ],
)
def test_a_place_for_a_video_that_cannot_be_is_refused(tmp_path, capfd, clip, output, message):
    (tmp_path / "taken.mp4").write_text("precious")
    (tmp_path / "folder.mp4").mkdir()
    assert message in refused(tmp_path, capfd, clip, tmp_path / output)
    if output in ("in.mp4", "folder.mp4"):
        assert message in refused(tmp_path, capfd, clip, tmp_path / output, "--force")


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("in", "is the input"),
        ("taken", "not a folder"),
        ("taken/out", "cannot write"),
        ("album", "other files"),
        ("earlier", "--force"),
        ("n" * 300, "too long"),
        ("n" * 250, "too long"),
        ("/proc/out", "cannot write"),
        ("/proc", "mounted"),
    ],
)
def test_a_place_for_a_folder_that_cannot_be_is_refused(tmp_path, capfd, frames, output, message):
    (tmp_path / "taken").write_text("precious")
    for name, file in (("album", "holiday.png"), ("earlier", "000000.png")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text("precious")
    assert message in refused(tmp_path, capfd, frames, tmp_path / output)
    if output != "earlier":
        assert message in refused(tmp_path, capfd, frames, tmp_path / output, "--force")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to the super-user")
def test_a_folder_without_rights_is_refused(tmp_path, capfd, clip):
    (tmp_path / "closed").mkdir(mode=0o500)
    assert "ermission" in refused(tmp_path, capfd, clip, tmp_path / "closed" / "out.mp4")


@pytest.mark.parametrize(
    ("preview", "message"),
    [
        ("in.mp4", "is the input"),
        ("out.mp4", "is the output"),
        ("./sub/../out.mp4", "is the output"),
        ("taken.png", "exists already"),
        ("look.gif", "no format"),
        ("look", "no format"),
    ],
)
def test_a_place_for_a_preview_that_cannot_be_is_refused_before_anything_is_made(
    tmp_path, capfd, clip, preview, message
):
    (tmp_path / "taken.png").write_text("precious")
    (tmp_path / "sub").mkdir()
    line = refused(tmp_path, capfd, clip, tmp_path / "out.mp4", "--preview", f"{tmp_path}/{preview}")
    assert message in line


def test_a_preview_that_fails_leaves_the_video(tmp_path, capfd, clip):
    (tmp_path / "taken").write_text("precious")
    arguments = [str(clip), str(tmp_path / "out.mp4"), "--preview", str(tmp_path / "taken" / "look.png")]
    assert main(["interpolate", *arguments, "--method", "blend", "--quiet"]) == 2
    shown = capfd.readouterr()
    assert "4 frames in, 7 out" in shown.out
    assert "look.png" in shown.err
    assert len(VideoFileSource(tmp_path / "out.mp4")) == 7


@pytest.mark.parametrize(("kind", "limit"), [("video", 60000), ("folder", 3000)])
def test_on_a_full_disk_nothing_is_lost_and_with_more_room_it_goes_on(tmp_path, kind, limit):
    pytest.importorskip("resource")
    images = np.zeros((30, 64, 96, 3), np.uint8)
    images[5:] = np.random.default_rng(0).integers(0, 256, (25, 64, 96, 3), dtype=np.uint8)
    write_sequence(tmp_path / "in", images, 30)
    write_clip(tmp_path / "in.mp4", images)
    before = everything(tmp_path)
    source, output = ("in.mp4", "out.mp4") if kind == "video" else ("in", "out")
    command = ["interpolate", str(tmp_path / source), str(tmp_path / output), "--method", "blend", "--quiet"]
    # A limit on the size of files stands in for the disk; the signal would end the process.
    code = """
import resource, signal, sys
from lift_core.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
sys.exit(main(sys.argv[2:]))
"""
    ended = subprocess.run([sys.executable, "-c", code, str(limit), *command], capture_output=True, check=False)
    assert ended.returncode == 2
    assert b"Traceback" not in ended.stderr
    after = everything(tmp_path)
    assert {name: after[name] for name in before} == before
    assert all(name.startswith(f".{output}.unfinished") for name in after if name not in before)
    assert main(command) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"in", "in.mp4", output}


def written(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
    return path


def png(kind: str, transparent: bool) -> np.ndarray:
    """An image with an alpha channel, opaque but perhaps for one pixel."""
    depth = np.uint16 if kind == "16 bits" else np.uint8
    image = np.full((16, 24, 4), np.iinfo(depth).max, depth)
    image[..., :3] = image[..., :3] // 3
    image[3, 4, 3] -= depth(transparent)
    return image


@pytest.mark.parametrize("kind", ["8 bits", "16 bits"])
def test_images_with_transparency_are_refused_and_opaque_ones_are_not(tmp_path, capfd, kind):
    for number in range(3):
        written(tmp_path / "opaque" / f"{number}.png", png(kind, False))
        written(tmp_path / "glass" / f"{number}.png", png(kind, number == 2))
    line = refused(tmp_path, capfd, tmp_path / "glass", tmp_path / "out")
    assert "transparency" in line
    assert "2.png" in line
    line = refused(tmp_path, capfd, tmp_path / "glass" / "1.png", tmp_path / "glass" / "2.png", tmp_path / "o.png")
    assert "transparency" in line
    made = Interpolator("blend").folder(tmp_path / "opaque", tmp_path / "out", progress=False)
    assert made.frames_out == 5
    assert made.notes == (() if kind == "8 bits" else ("16 bits per channel became 8",))


@pytest.mark.parametrize("transparent", [True, False])
def test_a_transparent_colour_of_a_palette_counts_too(tmp_path, capfd, transparent):
    image = pytest.importorskip("PIL.Image").new("P", (16, 16))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((3, 3), 1)
    for number in range(2):
        (tmp_path / "in").mkdir(exist_ok=True)
        image.save(tmp_path / "in" / f"{number}.png", **({"transparency": 1} if transparent else {}))
    if transparent:
        assert "transparency" in refused(tmp_path, capfd, tmp_path / "in", tmp_path / "out")
    else:
        assert Interpolator("blend").folder(tmp_path / "in", tmp_path / "out", progress=False).frames_out == 3


def test_a_missing_image_is_found_before_anything_is_made(tmp_path, capfd, frames):
    (frames / "im02.png").unlink()
    assert "im02.png" in refused(tmp_path, capfd, frames, tmp_path / "out")
