"""Tests of target frame rates: every frame shows what is true at its time, and sound keeps its place."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from math import ceil
from pathlib import Path

import numpy as np
import pytest

from lift_core.data.video_file import VideoFileSource
from lift_core.errors import ConfigError, OutputError
from lift_core.inference.clip_stream import Made
from lift_core.inference.interpolator import Interpolator
from tests.conftest import needs_program
from tests.inference.video_clips import audio_packets, moving, probed, shown_times, write_clip

NTSC = Fraction(30000, 1001)
LAST = 40
"""Ticks for which the last frame of `ramp` is shown."""


def ramp(path: Path, times: list[int], time_base: Fraction, *, audio_seconds: float = 0) -> None:
    """A video that grows brighter evenly in time, 20 at the first frame to 200 at the last."""
    levels = np.interp(times, [times[0], times[-1]], [20, 200]).round()
    images = [np.full((32, 48, 3), level, np.uint8) for level in levels]
    write_clip(path, images, pts=times, time_base=time_base, last_duration=LAST, audio_seconds=audio_seconds)


def at_rate(rate: Fraction, count: int = 13) -> tuple[list[int], Fraction]:
    """Times of a constant rate, from 2 seconds on, and their time base."""
    base = 1 / (rate.numerator * Fraction(LAST))
    return [2 * rate.numerator * LAST + k * rate.denominator * LAST for k in range(count)], base


UNEVEN = ([1000 * k + 300 * (k % 4) for k in range(13)], Fraction(1, 24000))


def converted(source: Path, output: Path, fps: Fraction | float | str) -> Made:
    return Interpolator("blend").video(source, output, fps=fps, crf=1, progress=False)


def levels_of(path: Path) -> list[float]:
    clip = VideoFileSource(path)
    return [float(np.median(image)) for image in clip.frames(range(len(clip)))]


@pytest.mark.parametrize("fps", [Fraction(60), Fraction(17)], ids=str)
@pytest.mark.parametrize(
    "clip", [at_rate(Fraction(24)), at_rate(Fraction(25)), at_rate(NTSC), at_rate(Fraction(30)), UNEVEN]
)
def test_every_frame_shows_what_is_true_at_its_time(tmp_path, clip, fps):
    times, base = clip
    ramp(tmp_path / "in.mp4", times, base)
    old = levels_of(tmp_path / "in.mp4")
    made = converted(tmp_path / "in.mp4", tmp_path / "out.mp4", fps)
    first, end = times[0] * base, (times[-1] + LAST) * base
    shown = shown_times(tmp_path / "out.mp4")
    assert len(shown) == made.frames_out == ceil((end - first) * fps)
    assert shown[0] == first
    assert all(abs(time - first - k / fps) <= base for k, time in enumerate(shown))
    expected = np.interp([float(time) for time in shown], [float(tick * base) for tick in times], old)
    assert levels_of(tmp_path / "out.mp4") == pytest.approx(expected, abs=2)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".m4v", ".mkv"])
def test_ffprobe_finds_a_constant_rate_and_the_old_duration_and_start(tmp_path, suffix):
    times, base = at_rate(Fraction(24))
    ramp(tmp_path / "in.mp4", times, base)
    converted(tmp_path / "in.mp4", tmp_path / f"out{suffix}", "59.94")
    entries = "stream=avg_frame_rate,r_frame_rate,start_time:format=duration:packet=pts_time"
    found = probed(tmp_path / f"out{suffix}", entries)
    before = probed(tmp_path / "in.mp4", "stream=duration,start_time:format=duration")
    (stream,) = found["streams"]
    for rate in ("avg_frame_rate", "r_frame_rate"):
        # The last frame is cut short where the clip ends, which an average may show.
        assert float(Fraction(stream[rate])) == pytest.approx(60000 / 1001, rel=0.02)
    assert float(stream["start_time"]) == pytest.approx(float(before["streams"][0]["start_time"]), abs=1e-3)
    assert float(found["format"]["duration"]) == pytest.approx(float(before["format"]["duration"]), abs=2e-3)
    steps = np.diff([float(packet["pts_time"]) for packet in found["packets"]])
    assert np.abs(steps - 1001 / 60000).max() <= (1.01e-3 if suffix == ".mkv" else 1e-6)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("fps", [60, 15])
def test_sound_is_untouched_and_keeps_its_place(tmp_path, suffix, fps):
    times, base = UNEVEN
    ramp(tmp_path / "in.mp4", [time + 7000 for time in times], base, audio_seconds=1)
    converted(tmp_path / "in.mp4", tmp_path / f"out{suffix}", fps)
    before, after = audio_packets(tmp_path / "in.mp4"), audio_packets(tmp_path / f"out{suffix}")
    assert [data for _, data in after] == [data for _, data in before]
    old, new = shown_times(tmp_path / "in.mp4")[0], shown_times(tmp_path / f"out{suffix}")[0]
    for (time, _), (other, _) in zip(before, after, strict=True):
        assert abs((other - new) - (time - old)) <= Fraction(1, 1000)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_that_is_longer_or_absent_does_no_harm(tmp_path, suffix):
    times, base = at_rate(Fraction(25), 5)
    for name, seconds in (("silent", 0), ("long", 3)):
        ramp(tmp_path / f"{name}.mp4", [time - times[0] for time in times], base, audio_seconds=seconds)
        made = converted(tmp_path / f"{name}.mp4", tmp_path / f"{name}{suffix}.out{suffix}", 50)
        assert made.frames_out == 10
    before, after = audio_packets(tmp_path / "long.mp4"), audio_packets(tmp_path / f"long{suffix}.out{suffix}")
    assert [data for _, data in after] == [data for _, data in before]


def test_a_rate_so_low_that_one_frame_is_left(tmp_path):
    times, base = at_rate(Fraction(25), 5)
    ramp(tmp_path / "in.mp4", times, base)
    for suffix in (".mp4", ".mkv"):
        made = converted(tmp_path / "in.mp4", tmp_path / f"out{suffix}", 1)
        assert made.frames_out == 1
        assert levels_of(tmp_path / f"out{suffix}") == pytest.approx([20], abs=2)


def test_the_clips_own_rate_gives_the_clip_back(tmp_path):
    times, base = at_rate(NTSC)
    ramp(tmp_path / "in.mp4", times, base)
    made = converted(tmp_path / "in.mp4", tmp_path / "out.mp4", NTSC)
    assert made.frames_out == 13
    assert shown_times(tmp_path / "out.mp4") == shown_times(tmp_path / "in.mp4")
    assert levels_of(tmp_path / "out.mp4") == pytest.approx(levels_of(tmp_path / "in.mp4"), abs=1)


@pytest.mark.parametrize("setting", [{"fps": 60}, {"fps": 20}, {"factor": 3}])
def test_frames_hold_at_a_cut_and_change_in_the_middle_of_its_gap(tmp_path, setting):
    dark, bright = (np.full((32, 48, 3), level, np.uint8) for level in (30, 220))
    for image in (dark, bright):
        image[:, : 24 if image is dark else 10, 0] = 130
    write_clip(tmp_path / "in.mp4", [dark, dark, dark, bright, bright, bright], pts=[60 * k for k in range(6)])
    made = Interpolator("blend").video(tmp_path / "in.mp4", tmp_path / "out.mp4", progress=False, **setting)
    assert made.cuts == 1
    levels = VideoFileSource(tmp_path / "out.mp4").frames(range(made.frames_out))[:, 16, -1, 1]
    shown = shown_times(tmp_path / "out.mp4")
    expected = [30 if time <= Fraction(150, 600) else 220 for time in shown]
    assert np.abs(levels.astype(int) - expected).max() <= 4


@pytest.mark.parametrize("setting", [{"fps": 60}, {"factor": 2}])
def test_frames_that_are_repeated_in_the_file_are_shown_as_long(tmp_path, setting):
    a, b, c = moving(3, height=32, width=48, speed=8.0)
    write_clip(tmp_path / "in.mp4", [a, a, b, b, c])
    made = Interpolator("blend").video(tmp_path / "in.mp4", tmp_path / "out.mp4", crf=1, progress=False, **setting)
    result = VideoFileSource(tmp_path / "out.mp4")
    assert made.frames_out == (10 if "fps" in setting else 9)
    source = VideoFileSource(tmp_path / "in.mp4").frames(range(5)).astype(int)
    for number, old in ((0, 0), (2, 1), (4, 2), (6, 3), (8, 4)):
        assert np.abs(result.frame(number).astype(int) - source[old]).mean() < 2
    middle = result.frame(3).astype(int)
    assert np.abs(middle - (source[1] + source[2]) / 2).mean() < 2


@pytest.mark.parametrize("size", [(33, 47), (1, 1), (2, 6)])
def test_any_size_rotation_and_pixel_shape_is_kept_at_a_new_rate(tmp_path, size):
    images = [np.full((*size, 3), level, np.uint8) for level in (40, 80, 120)]
    write_clip(tmp_path / "in.mp4", images, rotation=90, aspect=Fraction(8, 9), tags=(5, 5, 6, 2))
    made = converted(tmp_path / "in.mp4", tmp_path / "out.mp4", 47)
    clip = VideoFileSource(made.path)
    assert clip.size == size[::-1]
    assert clip.sample_aspect_ratio == VideoFileSource(tmp_path / "in.mp4").sample_aspect_ratio
    stream = probed(made.path, "stream=color_space,color_range,color_primaries,color_transfer")["streams"][0]
    assert set(stream.values()) == {"bt470bg", "pc", "smpte170m"}
    assert levels_of(made.path)[0] == pytest.approx(40, abs=2)


@pytest.mark.parametrize("fps", ["fast", 0, -5, 10**8, "1/0"])
def test_an_impossible_rate_is_refused(tmp_path, fps):
    times, base = at_rate(Fraction(25), 3)
    ramp(tmp_path / "in.mp4", times, base)
    with pytest.raises(ConfigError):
        converted(tmp_path / "in.mp4", tmp_path / "out.mp4", fps)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_a_factor_and_a_rate_at_once_are_refused(tmp_path):
    times, base = at_rate(Fraction(25), 3)
    ramp(tmp_path / "in.mp4", times, base)
    with pytest.raises(ConfigError, match="one of the two"):
        Interpolator("blend").video(tmp_path / "in.mp4", tmp_path / "out.mp4", 2, fps=60)


def test_mkv_refuses_a_rate_above_its_millisecond(tmp_path):
    times, base = at_rate(Fraction(25), 3)
    ramp(tmp_path / "in.mp4", times, base)
    with pytest.raises(OutputError, match="milliseconds"):
        converted(tmp_path / "in.mp4", tmp_path / "out.mkv", 1200)


@pytest.mark.parametrize("suffix", [".ts", ".mpg"])
@pytest.mark.parametrize("options", [{"factor": 2}, {"fps": 50}])
def test_a_broadcast_clock_that_starts_anywhere_adds_nothing(tmp_path, suffix, options):
    ffmpeg = needs_program("ffmpeg")
    write_clip(tmp_path / "clip.mp4", moving(25), pts=[24 * k for k in range(25)], audio_seconds=0.8)
    source, output = tmp_path / f"in{suffix}", tmp_path / "out.mp4"
    convert = ["-c:v", "mpeg2video", "-c:a", "mp2", "-output_ts_offset", "3600"]
    subprocess.run([ffmpeg, "-v", "error", "-i", tmp_path / "clip.mp4", *convert, source], check=True)
    Interpolator("blend").video(source, output, progress=False, **options)
    before, after = (
        {stream["codec_type"]: stream for stream in probed(path, "stream=codec_type,start_time,duration")["streams"]}
        for path in (source, output)
    )
    assert float(after["video"]["duration"]) == pytest.approx(float(before["video"]["duration"]), abs=0.05)
    apart_before, apart_after = (
        float(streams["audio"]["start_time"]) - float(streams["video"]["start_time"]) for streams in (before, after)
    )
    assert float(before["video"]["start_time"]) > 3599
    assert float(after["video"]["start_time"]) < 1
    assert apart_after == pytest.approx(apart_before, abs=1e-3)
