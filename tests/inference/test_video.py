"""Tests of video in, video out: frames, times, durations, audio, colours, shapes, and files left as they were."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from lift_core.classical import blend
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.data.video_file import VideoFileSource
from lift_core.errors import ConfigError, FrameReadError, OutputError, SourceError
from lift_core.inference.interpolator import Interpolator
from lift_core.inference.methods import BaselineMethod
from lift_core.metrics import psnr
from tests.inference.video_clips import add_tone, audio_packets, moving, probed, shown_times, write_avi, write_clip


def doubled(source: Path, output: Path, factor: int = 2, **settings: object) -> VideoFileSource:
    Interpolator("blend").video(source, output, factor, progress=False, **settings)
    return VideoFileSource(output)


@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_old_frames_stay_and_new_ones_come_between(tmp_path, factor, suffix):
    images = moving(5, speed=12.0)
    source = VideoFileSource(write_clip(tmp_path / "in.mp4", images))
    made = doubled(tmp_path / "in.mp4", tmp_path / f"out{suffix}", factor)
    old = source.frames(range(5))
    expected = [
        blend(old[k // factor], old[min(k // factor + 1, 4)], k % factor / factor) for k in range(4 * factor + 1)
    ]
    assert len(made) == len(expected)
    for k, image in enumerate(made.frames(range(len(made)))):
        likeness = [psnr(image, other) for other in expected]
        assert int(np.argmax(likeness)) == k
        assert likeness[k] > 32


def test_variable_frame_times_are_kept_exactly(tmp_path):
    pts = [90, 110, 111, 160, 200, 260]
    write_clip(tmp_path / "in.mp4", moving(6), pts=pts)
    doubled(tmp_path / "in.mp4", tmp_path / "out.mp4", factor=3)
    expected = [Fraction(a * (3 - j) + b * j, 3 * 600) for a, b in pairwise(pts) for j in range(3)]
    assert shown_times(tmp_path / "out.mp4") == [*expected, Fraction(pts[-1], 600)]


@pytest.mark.parametrize("factor", [2, 5])
def test_counts_and_durations_are_what_ffprobe_finds(tmp_path, factor):
    write_clip(tmp_path / "in.mp4", moving(6), pts=[60, 80, 100, 130, 140, 160], last_duration=37, audio_seconds=0.3)
    doubled(tmp_path / "in.mp4", tmp_path / "out.mp4", factor)
    entries = "stream=codec_type,nb_frames,start_time,duration"
    before, after = (probed(tmp_path / name, entries)["streams"] for name in ("in.mp4", "out.mp4"))
    assert [stream["codec_type"] for stream in after] == ["video", "audio"]
    assert int(after[0]["nb_frames"]) == 5 * factor + 1
    for old, new in zip(before, after, strict=True):
        assert float(new["start_time"]) == pytest.approx(float(old["start_time"]), abs=1e-4)
        assert float(new["duration"]) == pytest.approx(float(old["duration"]), abs=1e-3)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_audio_packets_are_untouched(tmp_path, suffix):
    write_clip(tmp_path / "in.mp4", moving(12), audio_seconds=0.5)
    doubled(tmp_path / "in.mp4", tmp_path / f"out{suffix}")
    before, after = audio_packets(tmp_path / "in.mp4"), audio_packets(tmp_path / f"out{suffix}")
    assert len(before) > 20
    assert [data for _, data in after] == [data for _, data in before]
    # MKV cannot hold the negative time of an encoder's first packet, so it moves all streams alike.
    shift = shown_times(tmp_path / f"out{suffix}")[0] - shown_times(tmp_path / "in.mp4")[0]
    assert shift == 0 or suffix == ".mkv"
    for (old, _), (new, _) in zip(before, after, strict=True):
        assert abs(old + shift - new) <= Fraction(1, 1000)


def test_sound_that_the_original_hides_stays_hidden(tmp_path):
    """As where a video was cut without coding it anew: its sound begins half a second before its pictures."""
    write_clip(tmp_path / "all.mp4", moving(30), audio_seconds=1.0)
    with av.open(str(tmp_path / "all.mp4")) as old, av.open(str(tmp_path / "in.mp4"), "w") as new:
        streams = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        for packet in old.demux():
            if packet.dts is None:
                continue
            if packet.stream.type == "audio":
                packet.pts, packet.dts = packet.pts - 24000, packet.dts - 24000
            packet.stream = streams[packet.stream.index]
            new.mux(packet)
    before = audio_packets(tmp_path / "in.mp4")
    assert min(time for time, _ in before) < -0.45
    heard = [data for time, data in before if time > -2 * Fraction(1024, 48000)]
    for suffix in (".mp4", ".mkv"):
        doubled(tmp_path / "in.mp4", tmp_path / f"out{suffix}")
        after = [data for _, data in audio_packets(tmp_path / f"out{suffix}")]
        assert after == (heard if suffix == ".mkv" else [data for _, data in before])
        assert shown_times(tmp_path / f"out{suffix}")[0] < Fraction(2 * 1024, 48000)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_titles_and_chapters_are_kept(tmp_path, suffix):
    write_clip(tmp_path / "plain.mp4", moving(12), audio_seconds=0.4)
    half = Fraction(1, 10)
    chapters = [
        {"id": k, "start": k, "end": k + 1, "time_base": half, "metadata": {"title": f"part {k}"}} for k in (0, 1)
    ]
    with av.open(str(tmp_path / "plain.mp4")) as old, av.open(str(tmp_path / "in.mkv"), "w") as new:
        new.metadata.update({"title": "Höhle", "artist": "A & B"})
        new.set_chapters(chapters)
        streams = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        streams[1].metadata.update({"title": "Commentary", "language": "swe"})
        for packet in old.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                new.mux(packet)
    made = Interpolator("blend").video(tmp_path / "in.mkv", tmp_path / f"out{suffix}", progress=False)
    assert made.notes == ()
    with av.open(str(made.path)) as found:
        named = {name.lower(): text for name, text in found.metadata.items()}
        assert (named["title"], named["artist"]) == ("Höhle", "A & B")
        told = [(float(c["start"] * c["time_base"]), c["metadata"]["title"]) for c in found.chapters()]
        assert told == [(0.0, "part 0"), (0.1, "part 1")]
        # FFmpeg loses most languages in QuickTime files.
        assert suffix == ".mov" or found.streams.audio[0].metadata["language"] == "swe"
    # What the first result has of them, a second one has too.
    again = Interpolator("blend").video(made.path, tmp_path / f"again{suffix}", progress=False)
    assert again.notes == ()
    with av.open(str(again.path)) as found:
        assert [c["metadata"]["title"] for c in found.chapters()] == ["part 0", "part 1"]


@pytest.mark.parametrize(
    "tags",
    [(1, 1, 1, 1), (6, 6, 6, 1), (5, 5, 6, 2), (1, 1, 1, 2), (2, 2, 2, 0)],
    ids=lambda tags: "-".join(map(str, tags)),
)
def test_colours_and_their_tags_are_kept(tmp_path, tags):
    patches = np.array([[200, 30, 40], [30, 180, 60], [40, 50, 210], [120, 120, 120]], np.uint8)
    image = np.repeat(np.repeat(patches.reshape(2, 2, 3), 24, axis=0), 32, axis=1)
    write_clip(tmp_path / "in.mp4", [image, image, image], tags=tags)
    made = doubled(tmp_path / "in.mp4", tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        context = container.streams.video[0].codec_context
        next(container.decode(video=0))
        found = (context.colorspace, context.color_primaries, context.color_trc, context.color_range)
    assert found == tags
    centre = made.frame(1)[12::24, 16::32].astype(int)
    assert np.abs(centre - patches.reshape(2, 2, 3).astype(int)).max() <= 4


def test_the_shape_of_pixels_is_kept(tmp_path):
    write_clip(tmp_path / "in.mp4", moving(2), aspect=Fraction(8, 9))
    assert doubled(tmp_path / "in.mp4", tmp_path / "out.mp4").sample_aspect_ratio == Fraction(8, 9)


def test_a_rotated_video_comes_out_upright(tmp_path):
    write_clip(tmp_path / "in.mp4", moving(3), aspect=Fraction(8, 9), rotation=90)
    source = VideoFileSource(tmp_path / "in.mp4")
    assert source.size == (64, 48)
    made = doubled(tmp_path / "in.mp4", tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert next(container.decode(video=0)).rotation == 0
    assert made.size == (64, 48)
    assert made.sample_aspect_ratio == Fraction(9, 8)
    assert psnr(made.frame(2), source.frame(1)) > 34


@pytest.mark.parametrize("size", [(47, 64), (48, 63), (47, 63), (2, 2), (1, 1)])
def test_any_size_is_kept(tmp_path, size):
    rng = np.random.default_rng(0)
    images = [np.full((*size, 3), level, np.uint8) for level in rng.integers(20, 200, 3)]
    write_clip(tmp_path / "in.mp4", images)
    made = doubled(tmp_path / "in.mp4", tmp_path / "out.mp4")
    assert made.size == size
    assert len(made) == 5


def test_nothing_is_morphed_across_a_cut(tmp_path):
    images = moving(12, cuts=1, seed=1)
    write_clip(tmp_path / "in.mp4", images)
    result = Interpolator("blend").video(tmp_path / "in.mp4", tmp_path / "out.mp4", progress=False)
    (cut,) = ProceduralClip(ClipConfig(frames=12, height=48, width=64, max_speed=2.0, cuts=1, seed=1)).cut_frames
    made = VideoFileSource(tmp_path / "out.mp4")
    assert result.cuts == 1
    assert psnr(made.frame(2 * cut - 1), made.frame(2 * cut - 2)) > 34


def test_progress_goes_to_stderr_with_frames_per_second(tmp_path, capsys):
    write_clip(tmp_path / "in.mp4", moving(3))
    Interpolator("blend").video(tmp_path / "in.mp4", tmp_path / "out.mp4")
    shown = capsys.readouterr()
    assert "5/5" in shown.err
    assert "frame/s" in shown.err
    assert shown.out == ""


def test_the_output_must_not_be_the_input(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving(2))
    (tmp_path / "link.mp4").symlink_to(source)
    before = source.read_bytes()
    for output in (source, tmp_path / "link.mp4"):
        with pytest.raises(OutputError, match="is the input"):
            Interpolator("blend").video(source, output, force=True, progress=False)
    assert source.read_bytes() == before


def test_an_existing_output_is_replaced_only_when_forced(tmp_path):
    write_clip(tmp_path / "in.mp4", moving(2))
    (tmp_path / "out.mp4").write_text("precious")
    with pytest.raises(OutputError, match="--force"):
        Interpolator("blend").video(tmp_path / "in.mp4", tmp_path / "out.mp4", progress=False)
    assert (tmp_path / "out.mp4").read_text() == "precious"
    assert len(doubled(tmp_path / "in.mp4", tmp_path / "out.mp4", force=True)) == 3


def test_a_failure_on_the_way_leaves_everything_as_it_was(tmp_path, monkeypatch):
    write_clip(tmp_path / "in.mp4", moving(4))
    (tmp_path / "out.mp4").write_text("precious")
    interpolator = Interpolator("blend")

    class Failing(type(interpolator.method)):
        def between(self, first, second, window):
            raise FrameReadError("the third frame is damaged")

    interpolator.method = Failing("blend")
    with pytest.raises(FrameReadError):
        interpolator.video(tmp_path / "in.mp4", tmp_path / "out.mp4", force=True, progress=False)
    assert (tmp_path / "out.mp4").read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]


@pytest.mark.parametrize("name", ["out.webm", "out.avi", "out", "out.xyz"])
def test_an_unknown_container_is_refused(tmp_path, name):
    write_clip(tmp_path / "in.mp4", moving(2))
    with pytest.raises(OutputError, match=r"\.mkv"):
        Interpolator("blend").video(tmp_path / "in.mp4", tmp_path / name, progress=False)


@pytest.mark.parametrize(("setting", "match"), [({"factor": 1}, "factor 1"), ({"crf": 52}, "crf 52")])
def test_impossible_settings_are_refused(tmp_path, setting, match):
    write_clip(tmp_path / "in.mp4", moving(2))
    with pytest.raises(ConfigError, match=match):
        Interpolator("blend").video(tmp_path / "in.mp4", tmp_path / "out.mp4", progress=False, **setting)


def test_a_video_of_one_frame_is_refused(tmp_path):
    write_clip(tmp_path / "in.mp4", moving(1))
    with pytest.raises(SourceError, match="one frame"):
        Interpolator("blend").video(tmp_path / "in.mp4", tmp_path / "out.mp4", progress=False)
    assert not (tmp_path / "out.mp4").exists()


def test_files_without_pictures_are_refused(tmp_path):
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        add_tone(container, container.add_stream("aac", rate=48000, layout="mono"), 0.2)
    (tmp_path / "text.mp4").write_text("not a video")
    for name in ("sound.mp4", "text.mp4", "missing.mp4"):
        with pytest.raises(SourceError):
            Interpolator("blend").video(tmp_path / name, tmp_path / "out.mp4", progress=False)
    assert not (tmp_path / "out.mp4").exists()


def test_a_full_disk_is_one_clear_error_and_leaves_nothing(tmp_path):
    pytest.importorskip("resource")
    rng = np.random.default_rng(0)
    write_clip(tmp_path / "in.mp4", [rng.integers(0, 256, (96, 128, 3), dtype=np.uint8) for _ in range(4)])
    # A limit on the size of files stands in for the disk; the signal would end the process.
    code = """
import resource, signal, sys
from lift_core.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
sys.exit(main(["interpolate", *sys.argv[1:], "--method", "blend", "--quiet"]))
"""
    command = [sys.executable, "-c", code, str(tmp_path / "in.mp4"), str(tmp_path / "out.mp4")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "cannot write" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_the_frame_rate_that_a_container_states_is_the_new_one(tmp_path):
    write_clip(tmp_path / "in.mp4", moving(6))
    doubled(tmp_path / "in.mp4", tmp_path / "out.mkv")
    # What converts the result further takes this rate for its clock, and drops the frames that do not fit it.
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert float(container.streams.video[0].average_rate) == pytest.approx(60, rel=0.01)


@pytest.mark.parametrize("tags", [(1, 1, 1, 2), (6, 6, 6, 2)], ids=["bt709", "bt601"])
def test_greys_stay_grey_in_full_range(tmp_path, tags):
    ramp = np.repeat(np.repeat(np.arange(8, 248, 4, np.uint8).reshape(6, 10), 8, axis=0), 8, axis=1)
    image = np.repeat(ramp[..., None], 3, axis=2)
    write_clip(tmp_path / "in.mp4", [image, image], tags=tags)
    doubled(tmp_path / "in.mp4", tmp_path / "out.mp4", crf=0)
    with av.open(str(tmp_path / "out.mp4")) as container:
        picture = next(container.decode(video=0))
    for plane in picture.planes[1:]:
        assert set(np.frombuffer(plane, np.uint8).reshape(plane.height, -1)[:, : plane.width].ravel()) == {128}


@pytest.mark.parametrize("size", [(32, 48), (33, 49)])
def test_a_video_stored_as_rgb_keeps_its_colours(tmp_path, size):
    image = np.full((*size, 3), (200, 60, 20), np.uint8)
    with av.open(str(tmp_path / "in.mkv"), "w") as container:
        stream = container.add_stream("libx264rgb", rate=25, options={"qp": "0"})
        (stream.height, stream.width), stream.pix_fmt = size, "rgb24"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    made = doubled(tmp_path / "in.mkv", tmp_path / "out.mp4")
    assert np.abs(made.frame(1).astype(int) - image).max() <= 4
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].codec_context.colorspace != 0


def test_a_colon_in_the_outputs_name_is_no_protocol(tmp_path, monkeypatch):
    write_clip(tmp_path / "in.mp4", moving(2))
    monkeypatch.chdir(tmp_path)
    assert len(doubled(Path("in.mp4"), Path("12:30.mp4"))) == 3


def test_a_title_in_another_encoding_does_no_harm(tmp_path):
    data = write_avi(tmp_path / "in.avi", moving(3), title="cafe").read_bytes()
    assert data.count(b"cafe") == 1
    (tmp_path / "in.avi").write_bytes(data.replace(b"cafe", b"caf\xe9"))
    assert len(doubled(tmp_path / "in.avi", tmp_path / "out.mp4")) == 5


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_every_audio_stream_keeps_its_language_and_the_default_one_stays_it(tmp_path, suffix):
    languages = ["eng", "deu"]
    write_clip(tmp_path / "silent.mp4", moving(3))
    with av.open(str(tmp_path / "silent.mp4")) as source, av.open(str(tmp_path / "in.mkv"), "w") as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        tones = [container.add_stream("aac", rate=48000, layout="mono") for _ in languages]
        for tone, language in zip(tones, languages, strict=True):
            tone.metadata["language"] = language
        tones[1].disposition = Disposition.default
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)
        for tone in tones:
            add_tone(container, tone, 0.1)
    doubled(tmp_path / "in.mkv", tmp_path / f"out{suffix}")
    with av.open(str(tmp_path / f"out{suffix}")) as made:
        assert [stream.metadata["language"] for stream in made.streams.audio] == languages
        assert [bool(stream.disposition & Disposition.default) for stream in made.streams.audio] == [False, True]


def test_a_factor_beyond_what_files_can_count_is_refused_at_once(tmp_path):
    write_clip(tmp_path / "in.mp4", moving(2))
    with pytest.raises(ConfigError, match="closer together"):
        Interpolator("blend").video(tmp_path / "in.mp4", tmp_path / "out.mp4", 10**9, progress=False)


def test_mkv_refuses_steps_below_its_millisecond(tmp_path):
    write_clip(tmp_path / "in.mp4", moving(3), pts=[0, 2, 4], last_duration=2)
    with pytest.raises(OutputError, match=r"milliseconds.*0\.83 ms.*\.mp4"):
        doubled(tmp_path / "in.mp4", tmp_path / "out.mkv", factor=4)
    assert not (tmp_path / "out.mkv").exists()
    assert len(doubled(tmp_path / "in.mp4", tmp_path / "out.mkv", factor=3)) == 7
    assert len(doubled(tmp_path / "in.mp4", tmp_path / "out.mp4", factor=4)) == 9


@pytest.mark.parametrize(("suffix", "advice"), [(".mp4", r"ends in \.mkv"), (".mkv", "Convert the audio")])
def test_audio_that_no_container_takes_is_told_with_the_outputs_own_name(tmp_path, suffix, advice):
    write_avi(tmp_path / "in.avi", moving(3), audio="wmav2")
    output = tmp_path / f"out{suffix}"
    with pytest.raises(OutputError, match=advice) as caught:
        doubled(tmp_path / "in.avi", output)
    assert caught.value.where == str(output)
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == []


@pytest.mark.parametrize(("codec", "suffix"), [("flac", ".mov"), ("libopus", ".m4v"), ("pcm_s16le", ".m4v")])
def test_audio_that_a_container_refuses_with_its_header_is_told_before_any_frame_is_made(tmp_path, codec, suffix):
    with av.open(str(tmp_path / "in.mkv"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width = 48, 64
        tone = container.add_stream(codec, rate=48000, layout="mono")
        for image in moving(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
        add_tone(container, tone, 0.1)

    class Failing(BaselineMethod):
        def between(self, first, second, window):
            raise AssertionError("a frame was made")

    with pytest.raises(OutputError, match=r"cannot hold the audio as it is .*ends in \.mkv"):
        Interpolator.with_method(Failing("blend")).video(tmp_path / "in.mkv", tmp_path / f"out{suffix}", progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]
    assert len(doubled(tmp_path / "in.mkv", tmp_path / "out.mkv")) == 5
