"""Reading samples from PNG, JPEG, video, raw files, packed shards and pre-generated variants, beside a memory copy."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from lift_core.benchmarks.table import BenchOptions, Row, Table
from lift_core.data.augmentation import AugmentationConfig
from lift_core.data.clip_dataset import ClipDataset, DatasetOptions
from lift_core.data.clip_table import ClipPath
from lift_core.data.clip_writer import write_sequence, write_video
from lift_core.data.discovery import find_clips
from lift_core.data.open_dataset import all_clips
from lift_core.data.packed_shards import pack_clips
from lift_core.data.pregenerated import pregenerate
from lift_core.data.pregenerated_dataset import PregeneratedDataset
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.data.raw_clip import write_raw_clip
from lift_core.data.sample import SampleKey
from lift_core.data.sampling import Sampling
from lift_core.data.window import FrameWindow
from lift_core.profiling.measure import in_turn

_FLOOR = "memory copy"
_WINDOW = FrameWindow.consecutive(15, "require")
# Every augmentation that costs time for each pixel, in every sample.
_COLOURED = AugmentationConfig(horizontal_flip=1.0, rotation=0.0, channel_order=1.0, pan=0.0, colour=1.0)


def kinds(options: BenchOptions) -> Table:
    """Samples of 15 frames a second of processor time from each kind of store, as they are and augmented.

    Pictures are as soft as real footage: rendered at a third of their size and scaled up. The floor is a copy of a
    sample's bytes from one place in memory to another.
    """
    frames, size, rounds = (20, (48, 96), 2) if options.quick else (60, (256, 448), 30)
    small = ClipConfig(frames=frames, height=size[0] // 3, width=size[1] // 3, seed=options.seed)
    clip = ProceduralClip(small).frames(range(frames), size=size)
    whole = clip[: _WINDOW.span].copy()
    copied = np.empty_like(whole)
    threads = cv2.getNumThreads(), torch.get_num_threads()
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    try:
        with TemporaryDirectory() as folder:
            stores = _write(Path(folder), clip, variants=2 if options.quick else 8, seed=options.seed)
            tasks: dict[str, Callable[[], object]] = {_FLOOR: lambda: np.copyto(copied, whole)}
            tasks |= {name: _reader(dataset) for name, (dataset, _) in stores.items()}
            timings = in_turn(tasks, rounds=rounds)
    finally:
        cv2.setNumThreads(threads[0])
        torch.set_num_threads(threads[1])
    floor = timings[_FLOOR].median
    rows = [Row(_FLOOR, 1 / floor, "samples/s", note=f"{clip[0].nbytes / 1e3:.0f} kB a frame")]
    for name, (_, bytes_) in stores.items():
        taken = timings[name].median
        rows.append(Row(name, 1 / taken, "samples/s", _FLOOR, floor / taken, note=f"{bytes_ / 1e3:.0f} kB a frame"))
    title = f"Samples of {_WINDOW.span} frames of {size[0]}x{size[1]} from each kind of store, one process"
    return Table(title, tuple(rows), _NOTE)


_NOTE = (
    "Median processor time over random windows of one procedural clip, files in the page cache; bytes on disk for each"
    " frame, of a pre-generated store for each frame of one variant. Augmented: flip, channel order and colour in every"
    " sample. A sample ends as uint8 planes, so that reading raw frames is a copy and a transposition."
)

_Stores = dict[str, tuple[ClipDataset, float]]


def _write(folder: Path, clip: NDArray[np.uint8], *, variants: int, seed: int) -> _Stores:
    """Write the clip in every kind of store: for each a data set, and its bytes for each frame."""
    frames = len(clip)
    write_sequence(folder / "png", clip, frames)
    write_sequence(folder / "jpg", clip, frames, image_format="jpg", quality=95)
    write_video(folder / "video.mp4", clip, gop=12)
    write_raw_clip(folder / "raw.npy", clip, frames)
    pack_clips([_clip(folder / "png")], folder / "packed")
    paths = {
        "PNG": folder / "png",
        "JPEG, quality 95": folder / "jpg",
        "H.264, GOP 12": folder / "video.mp4",
        "raw file": folder / "raw.npy",
        "packed shard": folder / "packed",
    }
    found: _Stores = {}
    for name, path in paths.items():
        found[name] = ClipDataset(find_clips(path, all_clips), _WINDOW, _options(None, seed)), _bytes(path) / frames
    coloured = _options(_COLOURED, seed)
    for name in ("PNG", "packed shard"):
        clips = find_clips(paths[name], all_clips)
        found[f"{name}, augmented"] = ClipDataset(clips, _WINDOW, coloured), found[name][1]
    pregenerate([_clip(folder / "png")], _WINDOW, coloured, folder / "variants", variants=variants)
    stored = PregeneratedDataset(folder / "variants", split="all", dtype=torch.uint8)
    found["pre-generated, augmented"] = stored, _bytes(folder / "variants") / variants / _WINDOW.span
    return found


def _clip(path: Path) -> ClipPath:
    return ClipPath(str(path), path.name, path.name)


def _options(augmentation: AugmentationConfig | None, seed: int) -> DatasetOptions:
    sampling = Sampling("random", count=1)
    return DatasetOptions("all", sampling=sampling, augmentation=augmentation, seed=seed, dtype=torch.uint8)


def _reader(dataset: ClipDataset) -> Callable[[], object]:
    """Reads another random window at each call."""
    epochs = count()
    return lambda: dataset[SampleKey(next(epochs), 0)]


def _bytes(path: Path) -> int:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)
