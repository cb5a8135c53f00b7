"""LIFT: long-context video frame interpolation, its data pipeline, and the course that builds both.

Submodules and the names below load when first used, so ``import lift_core`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from lift_core._torchvision import make_importable

if TYPE_CHECKING:
    from lift_core import checks, classical, course, data, errors, inference, metrics, model, profiling, training, viz
    from lift_core.data.autotune import autotune
    from lift_core.data.cached_dataset import CachedDataset
    from lift_core.data.csv_dataset import CSVDataset
    from lift_core.data.feature_cache import FeatureCache
    from lift_core.data.frame_sequences import FrameSequenceDataset, Vimeo15Dataset, Vimeo64Dataset
    from lift_core.data.loaders import DataConfig, Loaders, create_dataloaders
    from lift_core.data.multi_scale_dataset import MultiScaleDataset
    from lift_core.data.multi_task_dataset import MultiTaskDataset
    from lift_core.data.open_source import open_source
    from lift_core.data.packed_shards import pack_clips
    from lift_core.data.prefetch import DevicePrefetcher
    from lift_core.data.pregenerated import pregenerate
    from lift_core.data.pregenerated_dataset import PregeneratedDataset
    from lift_core.data.presets import batch_preset
    from lift_core.data.raw_clip import RawClipSource, write_raw_clip
    from lift_core.data.sequence_dataset import SequenceDataset, pad_collate
    from lift_core.data.sharded_stream import ShardedIterableDataset
    from lift_core.data.source import Crop, FrameSource
    from lift_core.data.tuner import LoaderSettings, recommend_settings
    from lift_core.data.video_sequences import VideoSequenceDataset
    from lift_core.data.waiting import WaitWatch
    from lift_core.data.window import FrameWindow, WindowFrames
    from lift_core.errors import LiftError
    from lift_core.inference.interpolator import Interpolator
    from lift_core.model.config import LiftConfig, preset
    from lift_core.model.contextnet import ContextNetEncoder
    from lift_core.model.lift import LIFT, LiftOutput
    from lift_core.model.rife_weights import load_contextnet
    from lift_core.model.weights import load_lift, save_weights

__version__ = "0.1.0"

_SUBMODULES = (
    "checks",
    "classical",
    "course",
    "data",
    "errors",
    "inference",
    "metrics",
    "model",
    "profiling",
    "training",
    "viz",
)

_HOMES = {
    "CSVDataset": "data.csv_dataset",
    "CachedDataset": "data.cached_dataset",
    "ContextNetEncoder": "model.contextnet",
    "Crop": "data.source",
    "DataConfig": "data.loaders",
    "DevicePrefetcher": "data.prefetch",
    "FeatureCache": "data.feature_cache",
    "FrameSequenceDataset": "data.frame_sequences",
    "FrameSource": "data.source",
    "FrameWindow": "data.window",
    "Interpolator": "inference.interpolator",
    "LIFT": "model.lift",
    "LiftConfig": "model.config",
    "LiftError": "errors",
    "LiftOutput": "model.lift",
    "LoaderSettings": "data.tuner",
    "Loaders": "data.loaders",
    "MultiScaleDataset": "data.multi_scale_dataset",
    "MultiTaskDataset": "data.multi_task_dataset",
    "PregeneratedDataset": "data.pregenerated_dataset",
    "RawClipSource": "data.raw_clip",
    "SequenceDataset": "data.sequence_dataset",
    "ShardedIterableDataset": "data.sharded_stream",
    "VideoSequenceDataset": "data.video_sequences",
    "Vimeo15Dataset": "data.frame_sequences",
    "Vimeo64Dataset": "data.frame_sequences",
    "WaitWatch": "data.waiting",
    "WindowFrames": "data.window",
    "autotune": "data.autotune",
    "batch_preset": "data.presets",
    "create_dataloaders": "data.loaders",
    "load_contextnet": "model.rife_weights",
    "load_lift": "model.weights",
    "open_source": "data.open_source",
    "pack_clips": "data.packed_shards",
    "pad_collate": "data.sequence_dataset",
    "pregenerate": "data.pregenerated",
    "preset": "model.config",
    "recommend_settings": "data.tuner",
    "save_weights": "model.weights",
    "write_raw_clip": "data.raw_clip",
}

__all__ = [
    "LIFT",
    "CSVDataset",
    "CachedDataset",
    "ContextNetEncoder",
    "Crop",
    "DataConfig",
    "DevicePrefetcher",
    "FeatureCache",
    "FrameSequenceDataset",
    "FrameSource",
    "FrameWindow",
    "Interpolator",
    "LiftConfig",
    "LiftError",
    "LiftOutput",
    "LoaderSettings",
    "Loaders",
    "MultiScaleDataset",
    "MultiTaskDataset",
    "PregeneratedDataset",
    "RawClipSource",
    "SequenceDataset",
    "ShardedIterableDataset",
    "VideoSequenceDataset",
    "Vimeo15Dataset",
    "Vimeo64Dataset",
    "WaitWatch",
    "WindowFrames",
    "autotune",
    "batch_preset",
    "checks",
    "classical",
    "course",
    "create_dataloaders",
    "data",
    "errors",
    "inference",
    "load_contextnet",
    "load_lift",
    "metrics",
    "model",
    "open_source",
    "pack_clips",
    "pad_collate",
    "pregenerate",
    "preset",
    "profiling",
    "recommend_settings",
    "save_weights",
    "training",
    "viz",
    "write_raw_clip",
]


def __getattr__(name: str) -> object:
    """Import the submodule ``name``, or the submodule that defines it, on first use (PEP 562)."""
    if name in _SUBMODULES:
        return import_module(f"lift_core.{name}")
    if name in _HOMES:
        value = getattr(import_module(f"lift_core.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'lift_core' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


make_importable()
