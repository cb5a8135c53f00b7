"""ClipDataset: samples from any mixture of clips; what FrameSequenceDataset and VideoSequenceDataset share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from lift_core.data.augmentation import AugmentationConfig, ClipAugmentation, generator
from lift_core.data.clip_table import ClipPath, ClipTable, OnError, probe
from lift_core.data.cut_cache import cached_cuts
from lift_core.data.open_source import open_source
from lift_core.data.sample import FRAME_DTYPES, Room, Sample, SampleKey, build_sample
from lift_core.data.sampling import Position, Sampling
from lift_core.data.shared_counter import SharedCounter
from lift_core.data.source import FrameSource
from lift_core.data.source_cache import SourceCache
from lift_core.data.splits import Part, SplitConfig
from lift_core.data.window import FrameWindow
from lift_core.errors import ConfigError, DatasetError, LiftError, WindowError

Windows = FrameWindow | Sequence[FrameWindow]

_log = logging.getLogger(__name__)
_ATTEMPTS = 100


@dataclass(frozen=True)
class DatasetOptions:
    """What every data set of clips takes beside its clips and windows.

    Attributes:
        split: which part of the clips: train, val, test or all.
        split_config: how clips are divided.
        sampling: which positions of a clip become samples.
        augmentation: what happens to a clip; None serves whole frames as they are.
        seed: of augmentation and of random sampling.
        dtype: of the pictures: torch.float32 in [0, 1], or torch.uint8, which loaders use.
        on_error: "raise", or "skip": a clip or sample that cannot be read is counted, logged and replaced by the
            next one that can.
        scene_cuts: find the cuts of each clip once (remembered in the user's cache folder), so that no sample
            straddles one and frames beyond one are invalid.
    """

    split: Part = "train"
    split_config: SplitConfig = field(default_factory=SplitConfig)
    sampling: Sampling = field(default_factory=Sampling)
    augmentation: AugmentationConfig | None = None
    seed: int = 0
    dtype: torch.dtype = torch.float32
    on_error: OnError = "raise"
    scene_cuts: bool = False

    def __post_init__(self) -> None:
        if self.on_error not in ("raise", "skip"):
            raise ConfigError(f"unknown on_error {self.on_error!r}", fix="Choose raise or skip.")
        if self.dtype not in FRAME_DTYPES:
            raise ConfigError(f"pictures cannot have dtype {self.dtype}", fix="Choose torch.uint8 or torch.float32.")


class ClipDataset(Dataset[Sample]):
    """Samples of clips, addressed by number or by SampleKey(epoch, number); a plain number means epoch 0.

    What a sample looks like depends on (seed, epoch, its text key) alone.

    Args:
        clips: the clips, as lift_core.data.discovery finds them.
        window: one window, or several of one context length, all of which are placed in every clip.
        options: see DatasetOptions.
        open_clip: opens the clip of a path; it is pickled with the data set.

    Raises:
        ConfigError: windows that hide no frame or differ in context length.
        SourceError, FrameReadError, WindowError: a clip that cannot be read, or that is too short for every window,
            with ``on_error="raise"``.
    """

    def __init__(
        self,
        clips: Sequence[ClipPath],
        window: Windows,
        options: DatasetOptions,
        *,
        open_clip: Callable[[str], FrameSource] = open_source,
    ) -> None:
        self.options = options
        self.windows = check_windows(window)
        self._skips = SharedCounter()
        self._sources = SourceCache(open_clip)
        self._augmentation = ClipAugmentation(options.augmentation or AugmentationConfig.deterministic(), options.seed)
        chosen = options.split_config.assign([c.group for c in clips]).part(options.split)
        self.clips, self.clip_errors = self._probe([clips[i] for i in chosen])
        counts = [self._count(clip) for clip in range(len(self.clips))]
        self._ends: NDArray[np.int64] = np.cumsum(counts, dtype=np.int64)

    @property
    def skipped(self) -> int:
        """Samples replaced because they could not be read, in all worker processes together."""
        return self._skips.total

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, item: int | SampleKey) -> Sample:
        return self.read(item)

    def read(self, item: int | SampleKey, room: Room | None = None) -> Sample:
        """The sample, its bytes written where ``room`` says; by default in memory of its own."""
        epoch, index = item if isinstance(item, SampleKey) else SampleKey(0, item)
        index = self._checked(index)
        if self.options.on_error == "raise":
            return self._load(epoch, index, room)
        return self._load_or_replace(epoch, index, room)

    @property
    def sample_shape(self) -> tuple[int, int, int]:
        """T, height and width of a sample; of the first clip's where whole frames are served, which may differ.

        Raises:
            SourceError, FrameReadError: whole frames are served, and the first clip cannot be read.
        """
        crop = self.options.augmentation.crop if self.options.augmentation else None
        height, width = crop or self._sources.get(self.clips.paths[0]).size
        # A decoder that is open when workers are forked hangs them.
        self._sources.close()
        return self.windows[0].context, height, width

    def key(self, index: int) -> str:
        """The stable text id of a sample: clip, then place and window, or the number of a random draw."""
        return self._locate(0, self._checked(index))[1]

    def _probe(self, clips: Sequence[ClipPath]) -> tuple[ClipTable, list[LiftError]]:
        find_cuts = cached_cuts if self.options.scene_cuts else None
        found = probe(clips, self._sources.get, find_cuts, self.options.on_error)
        self._sources.close()
        return found

    def _load(self, epoch: int, index: int, room: Room | None) -> Sample:
        clip, key, position = self._locate(epoch, index)
        source = self._sources.get(self.clips.paths[clip])
        window = position.window.at(
            position.anchor,
            int(self.clips.lengths[clip]),
            target_offset=position.target_offset,
            timestamps=source.timestamps,
            cuts=self.clips.cuts(clip),
        )
        parameters = self._augmentation.parameters(epoch, key, source.size, window)
        return build_sample(source, window, parameters, key=key, dtype=self.options.dtype, room=room)

    def _load_or_replace(self, epoch: int, index: int, room: Room | None) -> Sample:
        attempts = min(_ATTEMPTS, len(self))
        for attempt in range(attempts):
            candidate = (index + attempt) % len(self)
            try:
                return self._load(epoch, candidate, room)
            except ConfigError:
                raise
            except LiftError as error:
                self._skips.add()
                _log.warning("sample %s is replaced by the next one: %s", self._locate(epoch, candidate)[1], error)
        raise DatasetError(
            f"{attempts} samples in a row could not be read",
            where=self._locate(epoch, index)[1],
            fix="Read the warnings above, or set on_error='raise' to stop at the first.",
        )

    def _locate(self, epoch: int, index: int) -> tuple[int, str, Position]:
        clip = int(np.searchsorted(self._ends, index, side="right"))
        within = index - (int(self._ends[clip - 1]) if clip else 0)
        sampling, name = self.options.sampling, self.clips.names[clip]
        positions = sampling.positions(self.windows, int(self.clips.lengths[clip]), self.clips.cuts(clip))
        drawn_key = f"{name}@random{within}"
        chosen = sampling.choose(within, len(positions), generator(self.options.seed, epoch, drawn_key, "position"))
        position = positions[chosen]
        fixed_key = f"{name}@{position.anchor}+{position.target_offset}:{position.window.label}"
        return clip, drawn_key if sampling.mode == "random" else fixed_key, position

    def _count(self, clip: int) -> int:
        sampling, length = self.options.sampling, int(self.clips.lengths[clip])
        positions = len(sampling.positions(self.windows, length, self.clips.cuts(clip)))
        if positions == 0:
            self._too_short(self.clips.names[clip], length)
        return sampling.samples(positions)

    def _too_short(self, name: str, length: int) -> None:
        needed = min(w.needed for w in self.windows)
        error = WindowError(
            f"the clip has {length} frames, and no place for a window that needs {needed} frames without a cut"
            " between its references",
            where=name,
            fix="Choose a shorter window, remove the clip, or set on_error='skip'.",
        )
        if self.options.on_error == "raise":
            raise error
        self.clip_errors.append(error)
        _log.warning("clip %s is left out: %s", name, error)

    def _checked(self, index: int) -> int:
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        return position


def check_windows(window: Windows) -> tuple[FrameWindow, ...]:
    """One window or several as a tuple; ConfigError where they hide no frame or differ in context length."""
    windows = (window,) if isinstance(window, FrameWindow) else tuple(window)
    if not windows or any(not w.target_offsets for w in windows):
        raise ConfigError(
            "a training window must hide a frame",
            where=str(windows),
            fix="Choose a uniform window of stride 2 or more.",
        )
    contexts = {w.context for w in windows}
    if len(contexts) > 1:
        raise ConfigError(
            f"windows of different context lengths {sorted(contexts)} cannot share a batch",
            fix="Give every window the same context length; strides may differ.",
        )
    return windows
