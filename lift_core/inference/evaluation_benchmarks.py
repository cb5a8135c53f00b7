"""Public benchmarks as material for the evaluation, each by the name it has on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lift_core.data.clip_dataset import ClipDataset
from lift_core.data.extraction import scale_down
from lift_core.data.public_benchmarks import snu_film, ucf101_triplets, vimeo_septuplets, vimeo_triplets, x4k_test
from lift_core.data.sample import Sample
from lift_core.errors import ConfigError
from lift_core.inference.hidden_frames import HiddenFrame
from lift_core.inference.methods import Method
from lift_core.inference.streaming import Pair, StreamFrame, pairs

BENCHMARKS: dict[str, Callable[..., ClipDataset]] = {
    "vimeo-triplets": vimeo_triplets,
    "vimeo-septuplets": vimeo_septuplets,
    "ucf101": ucf101_triplets,
    "snu-film:easy": partial(snu_film, difficulty="easy"),
    "snu-film:medium": partial(snu_film, difficulty="medium"),
    "snu-film:hard": partial(snu_film, difficulty="hard"),
    "snu-film:extreme": partial(snu_film, difficulty="extreme"),
    "x-test": partial(x4k_test, multiple=8),
}
"""Opens the test part of a benchmark, given its folder; every clip of it is just as long as its window."""


class BenchmarkClip:
    """One clip of a benchmark: the frames that it gives and the one that it hides, or several (7 in X-TEST).

    A method is run as it would be on a clip of just these frames. Where it looks at more frames than the benchmark
    gives, the places beyond the ends are masked, as they are at the ends of any video: it sees 2 frames of a triplet,
    whatever its T. Where it looks at fewer, it sees the nearest. Every hidden frame counts, as in published tables:
    also one between equal frames, which is the first of them repeated.

    Args:
        dataset: the benchmark, with pictures in uint8.
        clip: number of the clip in it.
        shorter_side: scale frames down to this many pixels first; None to leave them.
    """

    def __init__(self, dataset: ClipDataset, clip: int, shorter_side: int | None) -> None:
        self._dataset, self._clip, self._shorter_side = dataset, clip, shorter_side
        self._window = dataset.windows[0]

    @property
    def name(self) -> str:
        """The clip's place in the benchmark."""
        return self._dataset.clips.names[self._clip]

    @property
    def given(self) -> int:
        """Frames that the benchmark gives for a hidden one."""
        return self._window.context

    def hidden(self, method: Method) -> Iterator[HiddenFrame]:
        """The hidden frames in order; all lie between the same references, and are made from one pair.

        Raises:
            FrameReadError: an image that is missing or damaged.
        """
        targets = self._window.target_offsets
        pair: Pair | None = None
        for place, offset in enumerate(targets):
            sample = self._dataset[self._clip * len(targets) + place]
            pair = pair or self._pair(method, sample)
            truth = self._image(sample["gt"])
            yield HiddenFrame(offset - self._window.offsets[0], truth, pair, sample["timestep"], compared=True)

    def _pair(self, method: Method, sample: Sample) -> Pair:
        """The two references, with the sample's other frames around them."""
        images = map(self._image, sample["frames"])
        stream = [StreamFrame(image, time) for image, time in zip(images, sample["times"].tolist(), strict=True)]
        return next(islice(pairs(method, stream), len(stream) // 2 - 1, None))

    def _image(self, frame: Tensor) -> NDArray[np.uint8]:
        return scale_down(np.ascontiguousarray(frame.permute(1, 2, 0).numpy()), self._shorter_side)


def benchmark_clips(
    name: str, root: Path, *, limit: int | None = None, shorter_side: int | None = None
) -> list[BenchmarkClip]:
    """The clips of a public benchmark.

    Args:
        name: key of `BENCHMARKS`.
        root: the folder that its archive unpacks to, see `lift_core.data.public_benchmarks`.
        limit: take only so many clips, spread evenly over the list; None for all.
        shorter_side: see BenchmarkClip.

    Raises:
        ConfigError: an unknown name, or a limit below 1.
        DatasetError: another layout; it says what was expected where.
    """
    if name not in BENCHMARKS:
        raise ConfigError(f"unknown benchmark {name!r}.", fix=f"Choose one of {', '.join(BENCHMARKS)}.")
    if limit is not None and limit < 1:
        raise ConfigError(f"a limit of {limit} clips leaves none.", fix="Use 1 or more.")
    dataset = BENCHMARKS[name](root, dtype=torch.uint8)
    return [BenchmarkClip(dataset, clip, shorter_side) for clip in _spread(len(dataset.clips), limit)]


def _spread(count: int, limit: int | None) -> Sequence[int]:
    """``limit`` of ``count`` numbers, evenly spread: lists put one kind of clip after the other."""
    if limit is None or limit >= count:
        return range(count)
    return [(2 * place + 1) * count // (2 * limit) for place in range(limit)]
