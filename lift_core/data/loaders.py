"""create_dataloaders: the one way in which training, evaluation and inference get their batches."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import torch

from lift_core.data.augmentation import AugmentationConfig
from lift_core.data.autotune import autotune
from lift_core.data.clip_dataset import ClipDataset, DatasetOptions, Windows
from lift_core.data.clip_table import ClipPath, OnError
from lift_core.data.discovery import Roots, find_clips
from lift_core.data.loader import Loader
from lift_core.data.open_dataset import all_clips
from lift_core.data.pregenerated_dataset import PregeneratedDataset
from lift_core.data.sampler import ResumableSampler
from lift_core.data.sampling import Sampling
from lift_core.data.splits import Part, SplitConfig
from lift_core.data.tuner import LoaderSettings, processes_here, recommend_settings
from lift_core.data.window import FrameWindow
from lift_core.errors import ConfigError, DatasetError


@dataclass(frozen=True)
class DataConfig:
    """What the batches are made of.

    Attributes:
        window: one FrameWindow, or several of one context length.
        batch_size: training samples per step and process.
        crop: height and width of training samples; None takes whole frames.
        augmentation: of training samples; ``crop`` replaces its crop. None takes the centre crop.
        val_crop: height and width of the centre crop of validation samples; None takes whole frames.
        val_batch_size: validation samples per step; by default ``batch_size`` with a crop, 1 with whole frames,
            which may differ in size.
        sampling, val_sampling: which positions of a clip become samples. Validation takes 4 per clip by default.
        split_config: how clips are divided into training, validation and test.
        seed: of order, augmentation and random sampling.
        on_error: "raise", or "skip" what cannot be read, counted and logged.
        scene_cuts: find the cuts of each clip once, and keep samples within shots.
    """

    window: Windows = field(default_factory=FrameWindow.uniform)
    batch_size: int = 4
    crop: tuple[int, int] | None = (256, 256)
    augmentation: AugmentationConfig | None = field(default_factory=AugmentationConfig)
    val_crop: tuple[int, int] | None = None
    val_batch_size: int | None = None
    sampling: Sampling = field(default_factory=Sampling)
    val_sampling: Sampling = field(default_factory=lambda: Sampling("even", count=4))
    split_config: SplitConfig = field(default_factory=SplitConfig)
    seed: int = 0
    on_error: OnError = "raise"
    scene_cuts: bool = False

    @property
    def batch_bytes(self) -> int:
        """Bytes of a training batch as it leaves the workers; 0 with whole frames, whose size is not known here."""
        if self.crop is None:
            return 0
        window = self.window if isinstance(self.window, FrameWindow) else self.window[0]
        return self.batch_size * (window.context + 1) * 3 * self.crop[0] * self.crop[1]

    def options(self, split: Part) -> DatasetOptions:
        """The options of one part's data set."""
        if split == "train":
            augmentation = replace(self.augmentation or AugmentationConfig.deterministic(), crop=self.crop)
        else:
            augmentation = AugmentationConfig.deterministic(self.val_crop)
        return DatasetOptions(
            split=split,
            split_config=self.split_config,
            sampling=self.sampling if split == "train" else self.val_sampling,
            augmentation=augmentation,
            seed=self.seed,
            dtype=torch.uint8,
            on_error=self.on_error,
            scene_cuts=self.scene_cuts,
        )


@dataclass(frozen=True)
class Loaders:
    """The loaders of a data set; ``val`` and ``test`` are None where their part of the split is empty."""

    train: Loader
    val: Loader | None
    test: Loader | None


def create_dataloaders(
    data_root: Roots,
    config: DataConfig | None = None,
    *,
    val_root: Roots | None = None,
    settings: LoaderSettings | Literal["auto"] | None = None,
    rank: int = 0,
    world_size: int = 1,
    pregenerated: str | Path | None = None,
) -> Loaders:
    """Training, validation and test loaders over image sequences, videos, or both.

    Batches carry uint8 pictures; ``lift_core.data.sample.to_device`` converts them where they are used. Training is
    shuffled and drops the last incomplete batch; validation and test keep order and serve every sample. Their workers
    end with each pass, for most of the time nothing is asked of them.

    Args:
        data_root: a folder, a video, a list of videos, or several of these.
        config: what the batches are made of.
        val_root: clips for validation only; all of ``data_root`` that is not test is then for training.
        settings: how to read; by default ``recommend_settings()``, a rule, which shares the machine's cores among
            its training processes. "auto" measures with ``autotune`` on the training data, for 20 seconds at first,
            and remembers the answer; call it yourself to tell it what a training step costs. With several processes
            "auto" is refused: they would measure against each other, and each might choose something else.
        rank, world_size: this training process and how many there are; LOCAL_WORLD_SIZE in the environment tells how
            many of them run on this machine, by default all.
        pregenerated: a folder that `lift_core.data.pregenerated.pregenerate` filled from the same clips and ``config``:
            training samples are read from there. All folds and splits may share it.

    Raises:
        DatasetError: no clips, or fewer training samples than one step of all processes needs.
        ConfigError: "auto" with several processes; a folder of ``pregenerated`` that was made otherwise; and see
            ClipDataset.
        WindowError, SourceError, FrameReadError: see ClipDataset.
    """
    config = config or DataConfig()
    if settings == "auto" and world_size > 1:
        raise ConfigError(
            f'settings="auto" cannot measure while {world_size} processes do: each would slow the others down',
            fix="Call autotune in a process of its own, and give all processes the settings it finds.",
        )
    clips = find_clips(data_root, all_clips)
    val_clips = clips
    val_options = config.options("val")
    if val_root is not None:
        val_clips = find_clips(val_root, all_clips)
        val_options = replace(val_options, split="all")
        config = replace(config, split_config=_without_validation(config.split_config))
    train = _training(clips, config, pregenerated)
    val = ClipDataset(val_clips, config.window, val_options)
    test = ClipDataset(clips, config.window, config.options("test"))
    _require_a_step(train, config.batch_size, world_size)
    chosen = _settings(settings, train, config, world_size)
    val_batch = config.val_batch_size or (1 if config.val_crop is None else config.batch_size)

    def loader(dataset: ClipDataset, batch_size: int, training: bool) -> Loader:
        sampler = ResumableSampler(
            len(dataset),
            batch_size,
            seed=config.seed,
            shuffle=training,
            rank=rank,
            world_size=world_size,
            drop_last=training,
        )
        return Loader(dataset, sampler, chosen if training else replace(chosen, persistent_workers=False))

    return Loaders(
        train=loader(train, config.batch_size, True),
        val=loader(val, val_batch, False) if len(val) else None,
        test=loader(test, val_batch, False) if len(test) else None,
    )


def _training(clips: list[ClipPath], config: DataConfig, pregenerated: str | Path | None) -> ClipDataset:
    options = config.options("train")
    if pregenerated is None:
        return ClipDataset(clips, config.window, options)
    stored = PregeneratedDataset(
        pregenerated, split_config=options.split_config, dtype=options.dtype, on_error=options.on_error
    )
    stored.check_made_from(clips, config.window, options)
    return stored


def _settings(
    asked: LoaderSettings | Literal["auto"] | None, train: ClipDataset, config: DataConfig, world_size: int
) -> LoaderSettings:
    if asked == "auto":
        return autotune(train, config.batch_size).settings
    return asked or recommend_settings(batch_bytes=config.batch_bytes, processes=processes_here(world_size))


def _without_validation(config: SplitConfig) -> SplitConfig:
    train, val, test = config.fractions
    return replace(config, fractions=(train + val, 0.0, test), folds=None, fold=0)


def _require_a_step(dataset: ClipDataset, batch_size: int, world_size: int) -> None:
    needed = batch_size * world_size
    if len(dataset) >= needed:
        return
    left_out = f" {len(dataset.clip_errors)} clips were left out: see the warnings." if dataset.clip_errors else ""
    raise DatasetError(
        f"the training data has {len(dataset)} samples, but one step needs {needed}"
        f" ({batch_size} on each of {world_size} processes).{left_out}",
        fix="Choose a smaller batch, a shorter window, or give more clips.",
    )
