"""Video files: every frame by its number, whatever the container; lazy, exact, and with named errors."""

from __future__ import annotations

import logging
import multiprocessing
import pickle
import subprocess
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from lift_core.data.clip_writer import write_video
from lift_core.data.source import Crop
from lift_core.data.video_colour import Matrix, Orientation, Range
from lift_core.data.video_decoder import ForwardPass
from lift_core.data.video_file import VideoFileSource
from lift_core.errors import ConfigError, FrameReadError, SourceError
from tests.conftest import needs_program
from tests.data.numbered_video import HEIGHT, WIDTH, numbered_frame, read_number, write_numbered

COUNT = 60
B_FRAMES = {"x264-params": "bframes=3:b-adapt=0:scenecut=0"}
OPEN_GROUPS = {"x264-params": "bframes=3:b-adapt=0:scenecut=0:open-gop=1"}
FAST_VP9 = {"deadline": "realtime", "cpu-used": "8"}
UNEVEN = [int(time) for time in np.cumsum(np.random.default_rng(0).integers(5, 120, COUNT))]
MILLISECONDS = Fraction(1, 1000)

Builder = Callable[[Path], Path]

FILES: dict[str, Builder] = {
    "short_groups": lambda d: write_numbered(d / "a.mp4", options=B_FRAMES),
    "one_group": lambda d: write_numbered(d / "b.mp4", options=B_FRAMES, gop=250),
    "no_b_frames": lambda d: write_numbered(d / "c.mp4", options={"x264-params": "bframes=0"}),
    "all_key_frames": lambda d: write_numbered(d / "d.mp4", gop=1),
    "open_groups": lambda d: write_numbered(d / "e.mkv", options=OPEN_GROUPS),
    "non_zero_start": lambda d: write_numbered(d / "f.mp4", options=B_FRAMES, times=[n + 250 for n in range(COUNT)]),
    "variable_rate_mp4": lambda d: write_numbered(d / "g.mp4", options=B_FRAMES, times=UNEVEN, time_base=MILLISECONDS),
    "variable_rate_offset_mkv": lambda d: write_numbered(
        d / "h.mkv", options=B_FRAMES, times=[time + 777 for time in UNEVEN], time_base=MILLISECONDS
    ),
    "mpeg_ts": lambda d: write_numbered(d / "i.ts", options=B_FRAMES),
    "mpeg_ts_open_groups": lambda d: write_numbered(d / "j.ts", options=OPEN_GROUPS),
    "gradual_refresh": lambda d: write_numbered(d / "k.ts", options={"x264-params": "intra-refresh=1:keyint=12"}),
    "program_stream": lambda d: write_numbered(d / "l.mpg", codec="mpeg2video", options={"bf": "2"}),
    "hevc_open_groups": lambda d: write_numbered(
        d / "m.mp4", codec="libx265", options={"x265-params": "log-level=none:open-gop=1:keyint=12:bframes=3"}
    ),
    "ten_bit": lambda d: write_numbered(
        d / "n.mkv", codec="libx265", pixel_format="yuv420p10le", options={"x265-params": "log-level=none"}
    ),
    "vp9": lambda d: write_numbered(
        d / "o.webm", codec="libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"}
    ),
    "vp8": lambda d: write_numbered(d / "p.webm", codec="libvpx", options={"deadline": "realtime"}),
    "odd_size_420": lambda d: write_numbered(d / "q.webm", codec="libvpx-vp9", size=(49, 81), options=FAST_VP9),
    "odd_size_444": lambda d: write_numbered(d / "r.mp4", size=(49, 81), pixel_format="yuv444p", options=B_FRAMES),
    "avi_without_times": lambda d: write_numbered(d / "s.avi", options=B_FRAMES),
    "bare_h264": lambda d: write_numbered(d / "t.h264", options=B_FRAMES),
    "mpeg4_avi": lambda d: write_numbered(d / "u.avi", codec="mpeg4", options={"bf": "2"}),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("videos")


@pytest.fixture(scope="module")
def build(folder: Path) -> Callable[[str], Path]:
    """Write a file of FILES when it is first asked for."""
    return cache(lambda kind: FILES[kind](folder))


@pytest.fixture(scope="module")
def video(folder: Path) -> Path:
    """B-frames in groups of 12."""
    return write_numbered(folder / "plain.mp4", options=B_FRAMES)


def numbers(source: VideoFileSource, indices: list[int]) -> list[int]:
    return [read_number(frame) for frame in source.frames(indices)]


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


@pytest.mark.parametrize("kind", ["short_groups", "variable_rate_mp4", "program_stream", "odd_size_420", "ten_bit"])
def test_pixels_are_close_to_those_of_ffmpeg(kind: str, build: Callable[[str], Path]) -> None:
    ffmpeg = needs_program("ffmpeg")
    path = build(kind)
    source = VideoFileSource(path)
    command = [
        ffmpeg,
        "-v",
        "error",
        "-i",
        str(path),
        "-fps_mode",
        "passthrough",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-",
    ]
    raw = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    expected = np.frombuffer(raw, np.uint8).reshape(COUNT, *source.size, 3).astype(int)
    assert np.abs(source.frames(range(COUNT)) - expected).mean() < 1.5
    assert np.abs(source.frames(range(COUNT)) - expected).max() < 40


def test_timestamps_are_presentation_times_in_seconds(build: Callable[[str], Path]) -> None:
    uneven = VideoFileSource(build("variable_rate_mp4"))
    late = VideoFileSource(build("non_zero_start"))
    assert uneven.timestamps is not None
    assert late.timestamps is not None
    np.testing.assert_allclose(uneven.timestamps, np.array(UNEVEN) / 1000, atol=1e-9)
    np.testing.assert_allclose(late.timestamps, 10 + np.arange(COUNT) / 25, atol=1e-9)
    assert late.pts is not None
    assert late.pts[1] * late.time_base == Fraction(251, 25)
    assert late.frame_rate == 25


@pytest.mark.parametrize("kind", ["avi_without_times", "bare_h264"])
def test_files_without_times_are_counted_with_one_warning(
    kind: str, build: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    source = VideoFileSource(build(kind))
    with caplog.at_level(logging.WARNING):
        assert numbers(source, [40, 3, 41]) == [40, 3, 41]
        assert numbers(source, [5]) == [5]
    assert source.timestamps is None
    assert len(caplog.records) == 1


def test_a_bare_stream_has_the_rate_that_its_pictures_state(tmp_path: Path) -> None:
    frames = [numbered_frame(number) for number in range(8)]
    write_video(tmp_path / "bare.h264", frames, fps=Fraction(48))
    source = VideoFileSource(tmp_path / "bare.h264")
    assert (source.timestamps, source.frame_rate) == (None, 48)


def test_order_repeats_and_crop(video: Path) -> None:
    source = VideoFileSource(video)
    whole = source.frames([30, 2, 30, 31])
    assert [read_number(frame) for frame in whole] == [30, 2, 30, 31]
    crop = Crop(3, 5, 20, 30)
    cut = source.frames([30, 2, 30, 31], crop=crop)
    assert cut.flags.c_contiguous
    assert np.array_equal(cut, whole[:, 3:23, 5:35])
    assert source.frames([]).shape == (0, HEIGHT, WIDTH, 3)
    with pytest.raises(ConfigError, match="reaches beyond"):
        source.frames([0], crop=Crop(0, 0, HEIGHT + 1, 4))


@pytest.mark.parametrize("index", [-1, COUNT])
def test_a_frame_out_of_range_is_named(video: Path, index: int) -> None:
    with pytest.raises(FrameReadError, match=f"frame {index} of a clip of {COUNT}"):
        VideoFileSource(video).frames([index])


def test_an_edit_list_hides_what_it_cuts(folder: Path, video: Path) -> None:
    ffmpeg = needs_program("ffmpeg")
    trimmed = folder / "trimmed.mp4"
    command = [ffmpeg, "-v", "error", "-y", "-ss", "0.7", "-i", str(video), "-c", "copy", str(trimmed)]
    subprocess.run(command, check=True, timeout=60)
    source = VideoFileSource(trimmed)
    shown = numbers(source, list(range(len(source))))
    with av.open(str(trimmed)) as container:
        decoded = [read_number(picture.to_ndarray(format="rgb24")) for picture in container.decode(video=0)]
    assert shown == decoded
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


def flat_video(path: Path, planes: tuple[int, int, int], pixel_format: str, space: int, full: bool) -> Path:
    """A lossless video of one colour given as Y'CbCr numbers, tagged with code points of H.273 (2: untagged)."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"qp": "0"})
        stream.height, stream.width, stream.pix_fmt = 32, 32, pixel_format
        context = stream.codec_context
        context.colorspace, context.color_range = space, 2 if full else 1
        picture = av.VideoFrame(32, 32, pixel_format)
        for plane, value in zip(picture.planes, planes, strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def exact_rgb(planes: tuple[int, int, int], matrix: Matrix, colour_range: Range) -> NDArray[np.float64]:
    """ITU-R BT.601/709/2020 and SMPTE 240M in float64."""
    weights = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
    red, blue = weights[matrix]
    low, luma, chroma = (0, 255, 255) if colour_range == "full" else (16, 219, 224)
    y, cb, cr = (planes[0] - low) / luma, (planes[1] - 128) / chroma, (planes[2] - 128) / chroma
    r, b = y + 2 * (1 - red) * cr, y + 2 * (1 - blue) * cb
    g = (y - red * r - blue * b) / (1 - red - blue)
    return np.clip(255 * np.array([r, g, b]), 0, 255)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p"])
@pytest.mark.parametrize("planes", [(120, 100, 160), (200, 150, 110), (40, 120, 135)])
@pytest.mark.parametrize(("matrix", "space"), [("bt601", 5), ("bt709", 1), ("bt2020", 9)])
@pytest.mark.parametrize("colour_range", ["limited", "full"])
def test_colours_follow_the_tags(
    pixel_format: str, planes: tuple[int, int, int], matrix: Matrix, space: int, colour_range: Range, tmp_path: Path
) -> None:
    path = flat_video(tmp_path / "flat.mp4", planes, pixel_format, space, colour_range == "full")
    source = VideoFileSource(path)
    assert (source.colour.matrix, source.colour.range) == (matrix, colour_range)
    assert source.colour.matrix_tagged
    error = np.abs(source.frame(0) - exact_rgb(planes, matrix, colour_range))
    assert error.max() <= (3 if pixel_format == "yuv420p" else 1)


def test_matrix_and_range_can_be_given(tmp_path: Path) -> None:
    planes = (120, 100, 160)
    path = flat_video(tmp_path / "flat.mp4", planes, "yuv444p", space=2, full=False)
    guessed = VideoFileSource(path)
    assert (guessed.colour.matrix, guessed.colour.matrix_tagged) == ("bt601", False)
    given = VideoFileSource(path, matrix="bt709", colour_range="full")
    assert np.abs(given.frame(0) - exact_rgb(planes, "bt709", "full")).max() <= 1
    with pytest.raises(ConfigError, match="bt709"):
        len(VideoFileSource(path, matrix="rec709"))  # type: ignore[arg-type]


def test_untagged_high_definition_is_bt709(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "hd.mp4", count=1, size=(720, 96))
    assert VideoFileSource(path).colour.matrix == "bt709"


@pytest.mark.parametrize(("rotation", "turns"), [(90, 1), (180, 2), (-90, 3)])
def test_rotation_is_applied(folder: Path, rotation: int, turns: int) -> None:
    plain = VideoFileSource(write_numbered(folder / "upright.mp4", count=3))
    turned = VideoFileSource(write_numbered(folder / f"turned_{turns}.mp4", count=3, rotation=rotation))
    assert turned.size == ((WIDTH, HEIGHT) if turns % 2 else (HEIGHT, WIDTH))
    assert np.array_equal(turned.frame(1), np.rot90(plain.frame(1), k=turns))
    crop = Crop(2, 3, 20, 25)
    assert np.array_equal(turned.frames([1], crop=crop)[0], crop.apply(turned.frame(1)))


def test_an_orientation_transposes_then_mirrors() -> None:
    image = numbered_frame(5)
    assert np.array_equal(Orientation(mirror_columns=True).apply(image), image[:, ::-1])
    assert np.array_equal(Orientation(transpose=True, mirror_columns=True).apply(image), np.rot90(image, k=-1))


def test_audio_text_and_absent_files_are_refused(tmp_path: Path) -> None:
    audio = tmp_path / "audio.mp4"
    with av.open(str(audio), "w") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        for start in range(0, 8192, 1024):
            sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            sound.sample_rate, sound.pts = 8000, start
            container.mux(stream.encode(sound))
        container.mux(stream.encode())
    (tmp_path / "text.txt").write_text("no video\n" * 100)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    for name, words in (("audio.mp4", "no video stream"), ("text.txt", ""), ("empty.mp4", ""), ("noise.mp4", "")):
        with pytest.raises(SourceError, match=f"{words}.*{name}"):
            len(VideoFileSource(tmp_path / name))
    with pytest.raises(SourceError, match="no such video file"):
        VideoFileSource(tmp_path / "absent.mp4")


def test_a_single_picture_called_video_is_refused(tmp_path: Path) -> None:
    picture = av.VideoFrame.from_ndarray(numbered_frame(0), format="rgb24").to_image()
    picture.save(tmp_path / "picture.mp4", "PNG")
    with pytest.raises(SourceError, match=r"not a video file.*picture\.mp4"):
        len(VideoFileSource(tmp_path / "picture.mp4"))


def test_a_container_without_decodable_frames_is_refused(tmp_path: Path, video: Path) -> None:
    with av.open(str(video)) as container:
        key = next(packet for packet in container.demux(video=0) if packet.size)
        assert key.pos is not None
        start = key.pos
    data = video.read_bytes()
    (tmp_path / "hollow.mp4").write_bytes(data[:start] + bytes(len(data) - start))
    with pytest.raises(SourceError, match=r"hollow\.mp4"):
        len(VideoFileSource(tmp_path / "hollow.mp4"))


def test_names_with_colons_and_percent_signs_are_files(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "plain.mp4", count=2).rename(tmp_path / "at 12:30 100%d.mp4")
    assert read_number(VideoFileSource(path).frame(1)) == 1


def test_a_window_costs_one_seek_and_decodes_one_group(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = VideoFileSource(write_numbered(folder / "groups.mp4", options=B_FRAMES, count=120, gop=30))
    assert read_number(source.frame(0)) == 0
    seeks, decoded = [], []
    sought, decode = ForwardPass._sought, ForwardPass._decoded
    monkeypatch.setattr(ForwardPass, "_sought", lambda self, time: seeks.append(time) or sought(self, time))
    monkeypatch.setattr(ForwardPass, "_decoded", lambda self, packet: decoded.append(packet) or decode(self, packet))
    assert numbers(source, list(range(64, 88, 2))) == list(range(64, 88, 2))
    assert len(seeks) == 1
    assert len(decoded) <= 30
    assert numbers(source, [88, 89]) == [88, 89]
    assert len(seeks) == 1


def test_nothing_is_opened_before_the_first_use(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    real_open = av.open
    monkeypatch.setattr(av, "open", lambda *args, **kwargs: opened.append(args) or real_open(*args, **kwargs))
    source = VideoFileSource(video)
    assert source.name == video.as_posix()
    pickle.loads(pickle.dumps(source))
    assert not opened
    assert len(source) == COUNT
    assert opened


def test_a_pickled_source_keeps_its_index_and_drops_its_decoder(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = VideoFileSource(video)
    assert read_number(source.frame(7)) == 7
    data = pickle.dumps(source)
    assert len(data) < 8000
    monkeypatch.setattr("lift_core.data.video_file.build_index", None)
    assert read_number(pickle.loads(data).frame(9)) == 9


def test_a_closed_source_reads_again(video: Path) -> None:
    source = VideoFileSource(video)
    assert read_number(source.frame(7)) == 7
    source.close()
    assert read_number(source.frame(8)) == 8


def _read_in_child(source: VideoFileSource, answers: multiprocessing.SimpleQueue[int]) -> None:
    answers.put(read_number(source.frame(31)))


@pytest.mark.parametrize("threads", [1, 2])
def test_a_source_read_before_a_fork_reads_in_the_child(video: Path, threads: int) -> None:
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("needs fork")
    context = multiprocessing.get_context("fork")
    source = VideoFileSource(video, threads=threads)
    assert read_number(source.frame(30)) == 30
    answers = context.SimpleQueue()
    child = context.Process(target=_read_in_child, args=(source, answers))
    child.start()
    child.join(timeout=30)
    try:
        assert child.exitcode == 0
    finally:
        child.kill()
    assert answers.get() == 31
    assert read_number(source.frame(32)) == 32


def test_decoder_threads_change_nothing(video: Path) -> None:
    one, many = VideoFileSource(video), VideoFileSource(video, threads=3)
    for window in ([5, 9, 40], [41, 42], [3], [59, 58]):
        assert np.array_equal(one.frames(window), many.frames(window))
