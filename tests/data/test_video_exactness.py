"""Every frame of every kind of video by its number: the pixels that ffmpeg decodes, bit for bit, or a named error."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from lift_core.data.source import Crop
from lift_core.data.video_file import VideoFileSource
from lift_core.errors import FrameReadError
from tests.conftest import needs_program
from tests.data.numbered_video import numbers, read_number, write_numbered
from tests.data.video_corpus import B_FRAMES, COUNT, FILES

# Chroma samples of MPEG-2, MPEG-4, H.264 and HEVC lie at the left luma column; others say nothing, which is the middle.
CENTRED = {"vp9", "vp8", "odd_size_420", "av1", "av1_mkv", "vp9_hidden_references", "ivf", "full_range_mjpeg"}


def ffmpeg_frames(source: VideoFileSource, *options: str, left: bool = True) -> NDArray[np.uint8]:
    """All frames as ffmpeg decodes and converts them, in its accurate way."""
    scale = f"scale=interl=-1:flags=bilinear+accurate_rnd+full_chroma_int:in_color_matrix={source.colour.matrix}"
    scale += f":in_range={source.colour.range}:in_h_chr_pos={0 if left else -513}"
    command = [needs_program("ffmpeg"), "-v", "error", *options, "-i", source.name, "-fps_mode", "passthrough"]
    command += ["-vf", f"{scale},format=gbrp", "-f", "rawvideo", "-"]
    raw = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    planes = np.frombuffer(raw, np.uint8).reshape(-1, 3, *source.size)
    return planes[:, [2, 0, 1]].transpose(0, 2, 3, 1)


@pytest.mark.parametrize("kind", FILES)
def test_every_frame_is_the_one_asked_for(kind: str, build: Callable[[str], Path]) -> None:
    source = VideoFileSource(build(kind))
    everything = list(range(COUNT))
    assert len(source) == COUNT
    assert numbers(source, everything) == everything
    assert [read_number(source.frame(number)) for number in everything] == everything
    assert [read_number(source.frame(number)) for number in everything[::-3]] == everything[::-3]


@pytest.mark.parametrize("kind", FILES)
def test_windows_equal_a_decode_from_the_start(kind: str, build: Callable[[str], Path]) -> None:
    path = build(kind)
    reference = VideoFileSource(path).frames(range(COUNT))
    source = VideoFileSource(path)
    rng = np.random.default_rng(1)
    for _ in range(12):
        stride = int(rng.integers(1, 5))
        first = int(rng.integers(COUNT - 7 * stride))
        window = list(range(first, first + 8 * stride, stride))
        assert np.array_equal(source.frames(window), reference[window])
    jumps = [int(number) for number in rng.integers(0, COUNT, 10)]
    assert np.array_equal(source.frames(jumps), reference[jumps])


@pytest.mark.parametrize("kind", FILES)
def test_frames_are_those_of_ffmpeg_bit_for_bit(kind: str, build: Callable[[str], Path]) -> None:
    source = VideoFileSource(build(kind))
    expected = ffmpeg_frames(source, left=kind not in CENTRED)
    assert np.array_equal(source.frames(range(COUNT)), expected)


@pytest.mark.parametrize("kind", ["short_groups", "ten_bit", "interlaced", "422", "av1", "odd_size_420"])
def test_a_crop_holds_the_pixels_of_the_whole_frame(kind: str, build: Callable[[str], Path]) -> None:
    source = VideoFileSource(build(kind))
    whole = source.frames([3, 40])
    rng = np.random.default_rng(0)
    for _ in range(12):
        height, width = (int(rng.integers(1, side // 2)) for side in source.size)
        crop = Crop(
            *(int(rng.integers(side - kept + 1)) for side, kept in zip(source.size, (height, width), strict=True)),
            height,
            width,
        )
        assert np.array_equal(source.frames([3, 40], crop=crop), [crop.apply(frame) for frame in whole])


@pytest.mark.parametrize(("rotation", "turns"), [(90, 1), (180, 2), (-90, 3)])
def test_rotated_frames_are_those_that_ffmpeg_displays(folder: Path, rotation: int, turns: int) -> None:
    path = folder / f"rotated_{turns}.mp4"
    source = VideoFileSource(
        write_numbered(path, count=12, pixel_format="yuv444p", size=(48, 88), options=B_FRAMES, rotation=rotation)
    )
    assert source.size == ((88, 48) if turns % 2 else (48, 88))
    expected = ffmpeg_frames(source)
    assert np.array_equal(source.frames(range(12)), expected)
    assert [read_number(np.rot90(frame, k=-turns)) for frame in expected] == list(range(12))
    for crop in (Crop(2, 3, 20, 25), Crop(30, 10, 18, 30) if turns == 2 else Crop(50, 20, 30, 18)):
        assert np.array_equal(source.frames([5], crop=crop)[0], crop.apply(expected[5]))


def test_an_edit_list_hides_what_it_cuts(folder: Path, video: Path) -> None:
    ffmpeg = needs_program("ffmpeg")
    trimmed = folder / "trimmed.mp4"
    command = [ffmpeg, "-v", "error", "-y", "-ss", "0.7", "-i", str(video), "-c", "copy", str(trimmed)]
    subprocess.run(command, check=True, timeout=60)
    source = VideoFileSource(trimmed)
    shown = numbers(source, list(range(len(source))))
    expected = ffmpeg_frames(source)
    assert np.array_equal(source.frames(range(len(source))), expected)
    assert shown[0] == 18
    assert [read_number(source.frame(number)) for number in (5, 0, 20)] == [shown[5], shown[0], shown[20]]


def test_hidden_vp8_pictures_are_no_frames(folder: Path) -> None:
    ffmpeg = needs_program("ffmpeg")
    origin = write_numbered(folder / "origin.mp4", gop=250)
    encoded = folder / "hidden.webm"
    options = ["-c:v", "libvpx", "-auto-alt-ref", "1", "-lag-in-frames", "16", "-b:v", "200k", "-passlogfile", "vp8"]
    first = [ffmpeg, "-v", "error", "-y", "-i", str(origin), *options, "-pass", "1", "-f", "null", "-"]
    second = [ffmpeg, "-v", "error", "-y", "-i", str(origin), *options, "-pass", "2", str(encoded)]
    for command in (first, second):
        subprocess.run(command, check=True, timeout=60, cwd=folder)
    with av.open(str(encoded)) as container:
        assert sum(packet.size > 0 for packet in container.demux(video=0)) > COUNT
    source = VideoFileSource(encoded)
    assert len(source) == COUNT
    assert numbers(source, [50, 7, 8]) == [50, 7, 8]
    assert source.timestamps is not None


@pytest.mark.parametrize("kind", ["faststart.mp4", "a.mkv", "a.ts", "a.mpg"])
@pytest.mark.parametrize("share", [0.6, 0.75, 0.9])
def test_a_truncated_file_has_the_frames_that_are_left(kind: str, share: float, folder: Path) -> None:
    if kind == "faststart.mp4":
        whole = write_numbered(folder / kind, options=B_FRAMES, container_options={"movflags": "faststart"})
    elif kind == "a.mpg":
        whole = write_numbered(folder / kind, codec="mpeg2video", options={"bf": "2"})
    else:
        whole = write_numbered(folder / kind, options=B_FRAMES)
    reference = VideoFileSource(whole).frames(range(COUNT))
    cut = folder / f"cut_{share}_{kind}"
    cut.write_bytes(whole.read_bytes()[: int(share * whole.stat().st_size)])
    source = VideoFileSource(cut)
    assert 0 < len(source) < COUNT
    frames = source.frames(range(len(source)))
    # Frames missing between others, because they come later in the file, leave gaps in the numbers.
    assert np.array_equal(frames, reference[[read_number(frame) for frame in frames]])


def test_damage_in_the_middle_is_an_error_or_the_right_frame(folder: Path, video: Path) -> None:
    reference = VideoFileSource(video).frames(range(COUNT))
    with av.open(str(video)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][25]
        assert packet.pos is not None
        position, size = packet.pos, packet.size
    data = bytearray(video.read_bytes())
    data[position + 4 : position + size] = bytes(size - 4)
    damaged = folder / "damaged.mp4"
    damaged.write_bytes(bytes(data))
    source = VideoFileSource(damaged)
    assert len(source) == COUNT
    failed = []
    for number in range(COUNT):
        try:
            frame = source.frame(number)
        except FrameReadError:
            failed.append(number)
        else:
            assert np.array_equal(frame, reference[number])
    assert failed
    assert min(failed) > 20
    assert max(failed) < 37
    with pytest.raises(FrameReadError, match=rf"frame {failed[0]} .*damaged\.mp4"):
        source.frames([0, failed[0]])


def test_a_header_that_promises_more_frames_than_there_are_is_not_believed(folder: Path) -> None:
    faststart = {"movflags": "faststart"}
    whole = write_numbered(folder / "honest.mp4", count=126, options=B_FRAMES, container_options=faststart)
    data = whole.read_bytes()
    lying = folder / "lying.mp4"
    lying.write_bytes(data[: int(0.85 * len(data))])
    source = VideoFileSource(lying)
    with av.open(str(lying)) as container:
        assert container.streams.video[0].frames == 126
    assert 90 < len(source) < 126
    shown = [read_number(frame) for frame in source.frames(range(len(source)))]
    reference = VideoFileSource(whole).frames(shown)
    assert shown == sorted(set(shown))
    assert np.array_equal(source.frames(range(len(source))), reference)
    with pytest.raises(FrameReadError, match=f"of a clip of {len(source)} frames"):
        source.frame(125)
