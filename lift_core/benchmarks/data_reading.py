"""Reading windows of frames in one process: PNG, JPEG, video and raw files beside the naive way and cv2.imread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from lift_core.benchmarks.table import BenchOptions, Row, Table
from lift_core.data.augmentation import AugmentationConfig
from lift_core.data.clip_dataset import ClipDataset, DatasetOptions
from lift_core.data.clip_table import ClipPath
from lift_core.data.clip_writer import write_sequence, write_video
from lift_core.data.packed_strings import PackedStrings
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.data.raw_clip import write_raw_clip
from lift_core.data.sample import SampleKey
from lift_core.data.sampling import Sampling
from lift_core.data.window import FrameWindow
from lift_core.errors import MissingDependencyError
from lift_core.profiling.forked_memory import growth_when_forked
from lift_core.profiling.measure import Timing, in_turn

CONTEXT = 15
_NAIVE, _IMREAD = "PNG, the naive way", "PNG, cv2.imread alone"
_PNG, _JPEG, _VIDEO, _RAW = "PNG", "JPEG, quality 95", "H.264, GOP 12", "raw"
_FILES = {_PNG: "png", _JPEG: "jpg", _VIDEO: "video.mp4", _RAW: "raw.npy"}
_FLIPS = AugmentationConfig(rotation=0.0, channel_order=0.0, pan=0.0, colour=0.0)


def image_kinds(options: BenchOptions) -> Table:
    """Samples of 15 frames a second of processor time from each kind of file; pictures as soft as real footage.

    They are rendered at a third of their size and scaled up, which makes PNG files about as large as those of Vimeo90K
    (82 GB of septuplets: 128 kB a frame).
    """
    return _kinds(options, softness=3, aims={_PNG: 1.5, _JPEG: 6.0, _RAW: 12.0})


def image_kinds_sharp(options: BenchOptions) -> Table:
    """The same for pictures with detail in every pixel, which JPEG and video pay for most."""
    return _kinds(options, softness=1, aims={})


def _kinds(options: BenchOptions, softness: int, aims: dict[str, float]) -> Table:
    frames, size, rounds = (20, (48, 96), 2) if options.quick else (60, (256, 448), 40)
    small = ClipConfig(frames=frames, height=size[0] // softness, width=size[1] // softness, seed=options.seed)
    clip = ProceduralClip(small).frames(range(frames), size=size)
    with TemporaryDirectory() as folder, _one_thread():
        pngs = _write_kinds(Path(folder), clip)
        draw = np.random.default_rng(options.seed)
        tasks: dict[str, Callable[[], object]] = {
            _NAIVE: lambda: naive_sample(_random_window(pngs, draw), draw),
            _IMREAD: lambda: [cv2.imread(str(path)) for path in _random_window(pngs, draw)],
        }
        sizes = {}
        for name, file in _FILES.items():
            path = Path(folder) / file
            tasks[name] = _random_reader(path, options.seed)
            sizes[name] = sum(part.stat().st_size for part in (path.iterdir() if path.is_dir() else [path])) / frames
        timings = in_turn(tasks, rounds=rounds)
    title = f"Windows of {CONTEXT} frames of {size[0]}x{size[1]}, one process, {'soft' if softness > 1 else 'sharp'}"
    return Table(title, _rows(timings, sizes, aims), _NOTE)


_NOTE = (
    "Median processor time over random windows of one procedural clip, files in the page cache. Augmentation in all:"
    " flips and reversal. The naive way: PIL, numpy float32, augment, stack; ours ends with uint8 planes, as loaders"
    " ship them."
)


def jpeg_decoders(options: BenchOptions) -> Table:
    """One JPEG of quality 95 decoded into a given array by simplejpeg and by OpenCV; picture as in `image_kinds`.

    Raises:
        MissingDependencyError: simplejpeg is not installed.
    """
    try:
        from simplejpeg import decode_jpeg
    except ImportError as error:
        raise MissingDependencyError("simplejpeg is not installed", fix="Run `make setup`.") from error
    size, rounds = ((48, 96), 2) if options.quick else ((256, 448), 400)
    small = ClipConfig(height=size[0] // 3, width=size[1] // 3, seed=options.seed)
    picture = ProceduralClip(small).frames([0], size=size)[0]
    data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    out = np.empty_like(picture)

    def with_opencv() -> None:
        out[...] = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)

    with _one_thread():
        tasks = {"OpenCV": with_opencv, "simplejpeg": lambda: decode_jpeg(data, "RGB", buffer=out)}
        timings = in_turn(tasks, rounds=rounds)
    ratio = timings["OpenCV"].median / timings["simplejpeg"].median
    rows = (
        Row("OpenCV", timings["OpenCV"].median * 1e3, "ms"),
        Row("simplejpeg", timings["simplejpeg"].median * 1e3, "ms", "OpenCV", ratio, least=1.15),
    )
    return Table(f"Decoding a JPEG of {size[0]}x{size[1]}, {len(data) / 1e3:.0f} kB", rows, "Median processor time.")


def path_table(options: BenchOptions) -> Table:
    """Private memory that each of two forked workers gains by reading every path of a large data set."""
    number = 20_000 if options.quick else 1_500_000
    packed = PackedStrings(_paths(number))
    from_packed = max(growth_when_forked(lambda: _characters(packed)))
    listed = _paths(number)
    from_list = max(growth_when_forked(lambda: _characters(listed)))
    rows = (
        Row("Python list", from_list / 1e6, "MB a worker"),
        Row("packed table", from_packed / 1e6, "MB a worker", condition="≤ 10 MB", holds=from_packed <= 10e6),
    )
    return Table(f"Growth of forked workers that read {number:,} paths", rows, "Private memory (USS) of two workers.")


def naive_sample(paths: Sequence[Path], draw: np.random.Generator) -> Tensor:
    """What a first data set does: PIL, float32, augment, stack. Returns float32 ``[T, 3, H, W]`` in [0, 1]."""
    frames = [np.array(Image.open(path).convert("RGB")).astype(np.float32) / 255.0 for path in paths]
    if draw.random() < 0.5:
        frames = [np.ascontiguousarray(frame[:, ::-1]) for frame in frames]
    if draw.random() < 0.5:
        frames = [np.ascontiguousarray(frame[::-1]) for frame in frames]
    if draw.random() < 0.5:
        frames = frames[::-1]
    return torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).contiguous()


class _one_thread:  # noqa: N801  # used as a statement, like the context managers of torch
    """One thread for OpenCV and torch, as in a worker process."""

    def __enter__(self) -> None:
        self._before = cv2.getNumThreads(), torch.get_num_threads()
        cv2.setNumThreads(0)
        torch.set_num_threads(1)

    def __exit__(self, *_: object) -> None:
        cv2.setNumThreads(self._before[0])
        torch.set_num_threads(self._before[1])


def _write_kinds(folder: Path, clip: NDArray[np.uint8]) -> list[Path]:
    """Write the clip in every kind; returns the PNG files."""
    write_sequence(folder / _FILES[_PNG], clip, len(clip))
    write_sequence(folder / _FILES[_JPEG], clip, len(clip), image_format="jpg", quality=95)
    write_raw_clip(folder / _FILES[_RAW], clip, len(clip))
    write_video(folder / _FILES[_VIDEO], clip, gop=12)
    return sorted((folder / _FILES[_PNG]).iterdir())


def _random_window(paths: Sequence[Path], draw: np.random.Generator) -> Sequence[Path]:
    first = int(draw.integers(len(paths) - CONTEXT + 1))
    return paths[first : first + CONTEXT]


def _random_reader(path: Path, seed: int) -> Callable[[], object]:
    """Reads another random window of the clip at each call."""
    sampling = Sampling("random", count=1)
    settings = DatasetOptions("all", sampling=sampling, augmentation=_FLIPS, seed=seed, dtype=torch.uint8)
    window = FrameWindow.consecutive(CONTEXT, "require")
    dataset = ClipDataset([ClipPath(str(path), path.name, path.name)], window, settings)
    epochs = count()
    return lambda: dataset[SampleKey(next(epochs), 0)]


def _rows(timings: dict[str, Timing], sizes: dict[str, float], aims: dict[str, float]) -> tuple[Row, ...]:
    def row(name: str, beside: str = "", aim: float | None = None) -> Row:
        note = f"{sizes[name] / 1e3:.0f} kB a frame" if name in sizes else ""
        if not beside:
            return Row(name, 1 / timings[name].median, "samples/s", note=note)
        ratio = timings[beside].median / timings[name].median
        return Row(name, 1 / timings[name].median, "samples/s", beside, ratio, aim, note=note)

    beside_imread = row(_PNG, _IMREAD, 0.9 if aims else None)
    return row(_NAIVE), row(_IMREAD), beside_imread, *(row(name, _NAIVE, aims.get(name)) for name in sizes)


def _paths(number: int) -> list[str]:
    return [f"/data/vimeo_septuplet/sequences/{n // 1000:05d}/{n % 1000:04d}/im1.png" for n in range(number)]


def _characters(strings: Sequence[str]) -> int:
    return sum(len(string) for string in strings)
