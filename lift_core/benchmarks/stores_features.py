"""An epoch of encoder features with the feature cache and without, stored in half and in single precision."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from lift_core.benchmarks.table import BenchOptions, Row, Table
from lift_core.data.clip_writer import write_sequence
from lift_core.data.feature_cache import FeatureCache
from lift_core.data.image_folder import ImageFolderSource
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.data.window import FrameWindow
from lift_core.model.encoder import FrameEncoder
from lift_core.model.fingerprint import weights_fingerprint
from lift_core.model.weights import load_lift
from lift_core.profiling.measure import in_turn, wall_clock

_PLAIN = "without a cache"
_DTYPES = {"float32": torch.float32, "float16": torch.float16}


def cache(options: BenchOptions) -> Table:
    """Seconds for the s16 features of every window of a clip, by the encoder of `lift_tiny`; and bytes on disk."""
    frames, size, rounds = (9, (64, 96), 1) if options.quick else (32, (256, 448), 5)
    clip = ProceduralClip(ClipConfig(frames=frames, height=size[0], width=size[1], seed=options.seed))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with TemporaryDirectory() as folder:
            write_sequence(Path(folder) / "clip", (clip.frame(index) for index in range(frames)), frames)
            epoch = _Epoch(Path(folder), frames)
            tasks: dict[str, Callable[[], object]] = {_PLAIN: epoch.without}
            for name in _DTYPES:
                tasks[f"first epoch, {name}"] = lambda name=name: epoch.first(name)  # type: ignore[misc]
                tasks[f"later epochs, {name}"] = lambda name=name: epoch.later(name)  # type: ignore[misc]
            timings = in_turn(tasks, rounds=rounds, clock=wall_clock)
            bytes_ = {name: epoch.bytes_on_disk(name) for name in _DTYPES}
            error = epoch.largest_error()
    finally:
        torch.set_num_threads(threads)
    plain = timings[_PLAIN].median
    rows = [Row(_PLAIN, plain, "s an epoch")]
    rows += [
        Row(task, timings[task].median, "s an epoch", _PLAIN, plain / timings[task].median)
        for task in tasks
        if task != _PLAIN
    ]
    rows.append(Row("on disk, float32", bytes_["float32"] / frames / 1e3, "kB a frame"))
    rows.append(
        Row(
            "on disk, float16",
            bytes_["float16"] / frames / 1e3,
            "kB a frame",
            "float32",
            bytes_["float32"] / bytes_["float16"],
            note=f"largest error {error:.1g} of the largest feature",
        )
    )
    title = f"Features of {epoch.windows} windows of 6 of {frames} frames of {size[0]}x{size[1]}, encoder of lift_tiny"
    return Table(title, tuple(rows), _NOTE)


_NOTE = (
    "Median seconds on the wall, one thread, PNG files and entries in the page cache. Without a cache every window's"
    " frames are read and encoded anew. In the first epoch each frame is encoded once and written; later ones read"
    " entries only. Single precision is exact. Only the deepest features (s16) are kept, which is what all frames but"
    " the references need."
)


class _Epoch:
    """Ways to get the s16 features of every window of 6 frames of a clip."""

    def __init__(self, folder: Path, frames: int) -> None:
        self._folder = folder
        self._source = ImageFolderSource(folder / "clip")
        encoder = load_lift("lift_tiny").encoder
        assert isinstance(encoder, FrameEncoder)
        self._encoder = encoder
        self._weights = weights_fingerprint(self._encoder)
        window = FrameWindow.consecutive(7, "require")
        self._windows = [window.at(int(anchor), frames).indices for anchor in window.anchors(frames)]

    @property
    def windows(self) -> int:
        return len(self._windows)

    def without(self) -> None:
        """Read and encode the frames of every window."""
        for indices in self._windows:
            pictures = torch.from_numpy(self._source.frames(indices)).permute(0, 3, 1, 2)
            self._encode(pictures.to(torch.float32, memory_format=torch.contiguous_format).mul_(1 / 255))

    def first(self, name: str) -> None:
        """An epoch with a cache that is empty at its start."""
        shutil.rmtree(self._folder / name, ignore_errors=True)
        self.later(name)

    def later(self, name: str) -> None:
        """An epoch with the cache as it is."""
        kept = self._cache(name)
        for indices in self._windows:
            kept.features(self._source, indices, self._encode)

    def bytes_on_disk(self, name: str) -> int:
        return sum(path.stat().st_size for path in (self._folder / name).rglob("*.safetensors"))

    def largest_error(self) -> float:
        """Of features that were stored in half precision, in parts of the largest feature."""
        indices = self._windows[0]
        half, exact = (
            self._cache(name).features(self._source, indices, self._encode)["s16"] for name in ("float16", "float32")
        )
        return float((half - exact).abs().max() / exact.abs().max())

    def _cache(self, name: str) -> FeatureCache:
        return FeatureCache(self._folder / name, self._weights, dtype=_DTYPES[name])

    @torch.inference_mode()
    def _encode(self, frames: Tensor) -> dict[str, Tensor]:
        return {"s16": self._encoder.deepest(frames)}
