"""Video files: every frame by its number, whatever the container; lazy, exact, and with named errors."""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from lift_core.data.clip_writer import write_video
from lift_core.data.source import Crop
from lift_core.data.video_decoder import ForwardPass
from lift_core.data.video_file import VideoFileSource
from lift_core.errors import ConfigError, FrameReadError, SourceError
from tests.data.numbered_video import HEIGHT, WIDTH, numbered_frame, numbers, read_number, write_numbered
from tests.data.video_corpus import B_FRAMES, COUNT, UNEVEN


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


def test_nothing_is_opened_before_the_first_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = write_numbered(tmp_path / "new.mp4", count=3)
    opened = []
    real_open = av.open
    monkeypatch.setattr(av, "open", lambda *args, **kwargs: opened.append(args) or real_open(*args, **kwargs))
    source = VideoFileSource(video)
    assert source.name == video.as_posix()
    pickle.loads(pickle.dumps(source))
    assert not opened
    assert len(source) == 3
    assert opened


def test_a_pickled_source_is_not_indexed_again_and_drops_its_decoder(
    video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = VideoFileSource(video)
    assert read_number(source.frame(7)) == 7
    data = pickle.dumps(source)
    assert len(data) < 2000
    monkeypatch.setattr("lift_core.data.video_index_cache.build_index", None)
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


def test_what_cannot_be_read_twice_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)
    with pytest.raises(SourceError, match=r"not a plain file.*pipe\.mp4.*Save it to a file"):
        VideoFileSource(pipe)
    with pytest.raises(SourceError, match="not a plain file"):
        VideoFileSource(tmp_path)


def test_a_file_that_may_not_be_read_is_named(video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    secret = tmp_path / "secret.mp4"
    secret.write_bytes(video.read_bytes())
    source = VideoFileSource(secret)
    # Whoever runs the tests as root may read everything.
    monkeypatch.setattr(av, "open", refuse)
    with pytest.raises(SourceError, match=r"Permission denied.*secret\.mp4"):
        len(source)


def test_a_file_that_vanishes_between_opening_and_reading_is_named(video: Path, tmp_path: Path) -> None:
    path = tmp_path / "gone.mp4"
    path.write_bytes(video.read_bytes())
    opened, read = VideoFileSource(path), VideoFileSource(path)
    assert len(opened) == COUNT
    assert numbers(read, [4]) == [4]
    path.unlink()
    with pytest.raises(SourceError, match=r"no such video file.*gone\.mp4"):
        opened.frames([3, 5])
    with pytest.raises(SourceError, match=r"no such video file.*gone\.mp4"):
        pickle.loads(pickle.dumps(read)).frame(5)
    # An open file stays readable.
    assert numbers(read, [41, 5]) == [41, 5]


def test_a_file_cut_off_while_it_is_open_gives_right_frames_or_named_errors(tmp_path: Path) -> None:
    # Larger than what FFmpeg reads ahead.
    path = write_numbered(tmp_path / "shrinking.mp4", size=(96, 160), options={"qp": "0"})
    source = VideoFileSource(path)
    assert numbers(source, [0]) == [0]
    os.truncate(path, path.stat().st_size // 2)
    outcomes: list[int | None] = []
    for number in range(0, COUNT, 3):
        try:
            outcomes.append(read_number(source.frame(number)))
        except (FrameReadError, SourceError):
            outcomes.append(None)
    read = len(outcomes) - outcomes.count(None)
    assert 0 < read < len(outcomes)
    assert outcomes[:read] == list(range(0, 3 * read, 3))
    with pytest.raises(SourceError, match="changed since it was opened"):
        source.frame(0)


def test_a_container_with_a_video_track_and_no_frame_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 32, 32, "yuv420p"
        container.start_encoding()
    with pytest.raises(SourceError, match=r"none\.mkv"):
        len(VideoFileSource(path))


def test_a_file_whose_seeks_fail_is_read_from_its_start_with_one_warning(
    video: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ForwardPass, "_sought", lambda self, time: iter(()))
    source = VideoFileSource(video)
    with caplog.at_level(logging.WARNING):
        assert numbers(source, [40, 41]) == [40, 41]
        assert numbers(source, [7]) == [7]
        assert numbers(source, [59, 20]) == [59, 20]
    assert [record.message for record in caplog.records] == [f"{video} cannot be sought in: it is read from its start"]


def test_that_warning_is_not_repeated_when_the_decoder_is_opened_again_or_by_a_copy(
    video: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setattr(ForwardPass, "_sought", lambda self, time: iter(()))
    paths = [tmp_path / f"{number}.mp4" for number in range(9)]
    for path in paths:
        path.write_bytes(video.read_bytes())
    sources = [VideoFileSource(path) for path in paths]
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            for source in sources:
                assert numbers(source, [20]) == [20]
                assert numbers(source, [3]) == [3]
        assert numbers(pickle.loads(pickle.dumps(sources[0])), [20, 3]) == [20, 3]
    assert len(caplog.records) == len(paths)
    assert len({record.message for record in caplog.records}) == len(paths)
