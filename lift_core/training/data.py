"""The loaders of a training run: what a TrainConfig means for lift_core.data."""

from __future__ import annotations

from dataclasses import replace

from lift_core.data.augmentation import AugmentationConfig
from lift_core.data.loaders import DataConfig, Loaders, create_dataloaders
from lift_core.data.sampling import Sampling
from lift_core.data.splits import SplitConfig
from lift_core.data.tuner import processes_here, recommend_settings
from lift_core.data.window import FrameWindow
from lift_core.model.config import preset
from lift_core.training.config import TrainConfig


def data_config(config: TrainConfig, crop: int) -> DataConfig:
    """What the batches of a run are made of, for crops of ``crop`` pixels.

    Variants that `lift_core.data.pregenerated.pregenerate` writes with its ``options("train")`` are what the run reads
    with ``config.pregenerated``.

    Args:
        config: the run.
        crop: side of the square training crop.

    Raises:
        ConfigError: no such preset.
    """
    context = preset(config.preset).context
    count = config.samples_per_clip
    val_crop = config.phase2_crop if config.val_crop is None else config.val_crop
    return DataConfig(
        window=[FrameWindow.uniform(context, stride) for stride in config.strides],
        batch_size=config.batch,
        crop=(crop, crop),
        augmentation=AugmentationConfig(colour=config.colour_probability),
        val_crop=(val_crop, val_crop) if val_crop else None,
        sampling=Sampling("random", count=count) if count else Sampling("all"),
        val_sampling=Sampling("even", count=config.val_windows_per_clip),
        split_config=SplitConfig(fractions=(1.0 - config.val_fraction, config.val_fraction, 0.0)),
        seed=config.seed,
        on_error=config.on_error,
        scene_cuts=True,
    )


def make_loaders(config: TrainConfig, crop: int, *, rank: int = 0, world_size: int = 1) -> Loaders:
    """Training and validation loaders for crops of ``crop`` pixels.

    Args:
        config: the run.
        crop: side of the square training crop.
        rank: this process.
        world_size: how many processes there are.

    Raises:
        ConfigError: a store of ``config.pregenerated`` that was made with other settings or from other clips.
        DatasetError, SourceError, WindowError: the data cannot be used.
    """
    data = data_config(config, crop)
    # A step's batches are held together, and the next step's are asked for before they are all let go.
    rule = recommend_settings(batch_bytes=data.batch_bytes, processes=processes_here(world_size))
    settings = replace(rule, kept=2 * config.accumulate)
    if config.workers is not None:
        settings = replace(settings, num_workers=config.workers)
    return create_dataloaders(
        list(config.data),
        data,
        val_root=list(config.val_data) or None,
        settings=settings,
        rank=rank,
        world_size=world_size,
        pregenerated=config.pregenerated,
    )
