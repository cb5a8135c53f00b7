"""Reading windows of frames from video files: time and memory beside seeking per frame, OpenCV, torchcodec, and all."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from lift_core.benchmarks.table import BenchOptions, Row, Table
from lift_core.benchmarks.video_readers import (
    Reader,
    opencv,
    read,
    read_each_twice,
    read_each_twice_with_torchcodec,
    read_with_torchcodec,
    seeking_for_each,
    torchcodec,
    torchcodec_decoder,
    torchcodec_missing,
)
from lift_core.data.clip_writer import write_video
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.data.video_file import VideoFileSource
from lift_core.profiling.measure import in_turn, peak_rss

_OURS, _PER_FRAME, _OPENCV, _TORCHCODEC = "ours", "one seek per frame", "cv2.VideoCapture", "torchcodec, exact mode"


@dataclass(frozen=True)
class _Job:
    """Windows of ``count`` frames, ``stride`` apart, from a file with a key frame every ``gop`` frames."""

    gop: int
    count: int
    stride: int
    wanted: float

    @property
    def title(self) -> str:
        stride = f", stride {self.stride}" if self.stride > 1 else ""
        return f"{self.count} frames{stride}, GOP {self.gop}"

    def window(self, first: int) -> range:
        return range(first, first + self.count * self.stride, self.stride)


_JOBS = (_Job(12, 15, 1, 6.0), _Job(250, 15, 1, 10.0), _Job(250, 64, 2, 25.0))
_QUICK_JOBS = (_Job(4, 3, 1, 6.0), _Job(16, 3, 1, 10.0), _Job(16, 4, 2, 25.0))
_SLOWER_AT_MOST = 1.7


def windows(options: BenchOptions) -> Table:
    """Processor time of random windows, beside three other ways that are checked to return the same frames."""
    frames, size, rounds = (40, (48, 96), 1) if options.quick else (500, (256, 448), 5)
    clip = ProceduralClip(ClipConfig(frames=frames, height=size[0], width=size[1], seed=options.seed))
    draw = np.random.default_rng(options.seed)
    rows: list[Row] = []
    with TemporaryDirectory() as folder:
        for job in _QUICK_JOBS if options.quick else _JOBS:
            path = Path(folder) / f"{job.gop}.mp4"
            if not path.exists():
                write_video(path, (clip.frame(number) for number in range(frames)), gop=job.gop)
            # Short groups make windows quick, and their cost hang on where in a group they begin: more of them.
            starts = draw.integers(frames - job.count * job.stride, size=min(200 // job.gop + 3, 16))
            rows += _compare(path, job, [job.window(int(first)) for first in starts], rounds)
    return Table(f"Random windows of {size[0]}x{size[1]} from H.264 files of {frames} frames", tuple(rows), _TIME_NOTE)


_TIME_NOTE = (
    "Median processor time of one window, one decoder thread (OpenCV chooses its own number); files open and indexed."
    " One seek per frame: PyAV, from the key frame on, libswscale's fast conversion. Frames of the other ways were"
    " compared with ours: each is nearest to the one of its number, unless the row says otherwise."
)


def _compare(path: Path, job: _Job, places: Sequence[range], rounds: int) -> list[Row]:
    readers: dict[str, Reader] = {_OURS: VideoFileSource(path).frames, _PER_FRAME: seeking_for_each(path)}
    readers[_OPENCV] = opencv(path)
    if torchcodec_decoder is not None:
        readers[_TORCHCODEC] = torchcodec(path)
    expected = [readers[_OURS](place) for place in places]
    wrong = {
        name: sum(_count_wrong(read(place), ours) for place, ours in zip(places, expected, strict=True))
        for name, read in readers.items()
    }
    del expected
    timings = in_turn(
        {name: lambda read=read: [read(place) for place in places] for name, read in readers.items()},  # type: ignore[misc]
        rounds=rounds,
    )
    spent = {name: 1000 * timing.median / len(places) for name, timing in timings.items()}
    return [_row(job, name, spent, wrong.get(name, 0)) for name in (_PER_FRAME, _OPENCV, _TORCHCODEC)]


def _row(job: _Job, other: str, spent: dict[str, float], wrong: int) -> Row:
    if other not in spent:
        return Row(job.title, spent[_OURS], "ms", beside=other, note=f"it does not import here: {torchcodec_missing}")
    return Row(
        job.title,
        spent[_OURS],
        "ms",
        beside=other,
        ratio=spent[other] / spent[_OURS],
        least={_PER_FRAME: job.wanted, _TORCHCODEC: 1 / _SLOWER_AT_MOST}.get(other),
        note=f"{wrong} of its frames are others" if wrong else "",
        beside_value=spent[other],
    )


def _count_wrong(frames: NDArray[np.uint8], ours: NDArray[np.uint8]) -> int:
    """How many frames are nearer to another frame of our window than to the one in their place."""
    small, reference = (pictures[:, ::4, ::4].astype(np.int16) for pictures in (frames, ours))
    nearest = [int(np.abs(reference - picture).mean((1, 2, 3)).argmin()) for picture in small]
    return sum(found != place for place, found in enumerate(nearest))


def memory(options: BenchOptions) -> Table:
    """Memory at its peak while six frames of a long film are read, beside loading the film."""
    frames, size = (24, (96, 160)) if options.quick else (300, (1080, 1920))
    small = ClipConfig(frames=frames, height=size[0] // 4, width=size[1] // 4, seed=options.seed)
    clip = ProceduralClip(small)
    window = range(frames // 2, frames // 2 + 6)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        write_video(path, (clip.frames([number], size=size)[0] for number in range(frames)))
        other = Path(folder) / "other.mp4"
        write_video(other, (clip.frames([number], size=(32, 48))[0] for number in range(2)))
        read(path, window, (8, 8))
        warm_up = (other, range(2), (8, 8))
        whole = peak_rss(read, path, range(frames), None, warm_up=warm_up)
        grown = {size: peak_rss(read, path, window, size, warm_up=warm_up) for size in (None, (112, 112))}
        rows = [_memory_row("six frames", grown[None], whole, 20.0)]
        rows.append(_memory_row("six frames, 112x112", grown[112, 112], whole, 50.0))
        if torchcodec_decoder is not None:
            taken = peak_rss(read_with_torchcodec, path, window, warm_up=(other, range(2)))
            rows.append(_memory_row("six frames, torchcodec", taken, whole, None))
    title = f"Peak memory for six frames of {frames} of {size[0]}x{size[1]}, H.264"
    return Table(title, tuple(rows), _MEMORY_NOTE)


def many_files(options: BenchOptions) -> Table:
    """Memory at its peak while windows of many files are read in turn, twice, beside a torchcodec decoder for each."""
    frames, number, size = (24, 4, (48, 96)) if options.quick else (100, 32, (256, 448))
    clip = ProceduralClip(ClipConfig(frames=frames, height=size[0], width=size[1], seed=options.seed))
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{name}.mp4" for name in range(number + 1)]
        write_video(paths[0], (clip.frame(number) for number in range(frames)))
        for path in paths[1:]:
            shutil.copyfile(paths[0], path)
        window = range(frames // 2, frames // 2 + 8)
        warm_up = (paths[:1], range(2))
        ours = peak_rss(read_each_twice, paths[1:], window, warm_up=warm_up) / 1e6
        row = Row(f"{number} files", ours, "MB", _TORCHCODEC)
        if torchcodec_decoder is None:
            row = replace(row, note=f"it does not import here: {torchcodec_missing}")
        else:
            theirs = peak_rss(read_each_twice_with_torchcodec, paths[1:], window, warm_up=warm_up) / 1e6
            row = replace(row, ratio=theirs / ours, least=2, beside_value=theirs)
    title = f"Peak memory for windows of 8 frames from each of {number} files of {size[0]}x{size[1]}, H.264, twice"
    return Table(title, (row,), _MANY_NOTE)


_MANY_NOTE = (
    "Sources and decoders are kept for the second round, as a data set keeps them; of ours, at most eight hold a"
    " decoder. One file was read before the count begins."
)

_MEMORY_NOTE = (
    "Growth of a process that opens and reads the file, whose index was made before; the process has read two frames of"
    " another, tiny file, so that the decoder's code is loaded."
)


def _memory_row(what: str, bytes_grown: int, whole: int, least: float | None) -> Row:
    ratio = whole / max(bytes_grown, 1)
    return Row(what, bytes_grown / 1e6, "MB", "the whole file", ratio, least, beside_value=whole / 1e6)
