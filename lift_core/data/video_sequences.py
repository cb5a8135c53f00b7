"""VideoSequenceDataset: samples straight from video files, decoding only what each sample needs."""

from __future__ import annotations

import torch

from lift_core.data.augmentation import AugmentationConfig
from lift_core.data.clip_dataset import ClipDataset, DatasetOptions, Windows
from lift_core.data.clip_table import OnError
from lift_core.data.discovery import Roots, find_clips, video_clips
from lift_core.data.sampling import Sampling
from lift_core.data.splits import Part, SplitConfig


class VideoSequenceDataset(ClipDataset):
    """Samples of videos: a file, a folder of them at any depth, or a ``video_list.txt`` with one path per line.

    Args:
        data_root: a video, a folder, a list file, or several of these.
        window: one FrameWindow, or several of one context length.
        split: which part of the videos; each video is its own group.
        sampling: by default 8 places per video, evenly spread; "random" draws them anew in each epoch.
        scene_cuts: find cuts once per video and keep samples within shots; on by default.
        split_config, augmentation, seed, dtype, on_error: see DatasetOptions.

    Raises:
        DatasetError, SourceError, FrameReadError, WindowError, ConfigError: see ClipDataset.
    """

    def __init__(
        self,
        data_root: Roots,
        window: Windows,
        *,
        split: Part = "train",
        split_config: SplitConfig | None = None,
        sampling: Sampling | None = None,
        augmentation: AugmentationConfig | None = None,
        seed: int = 0,
        dtype: torch.dtype = torch.float32,
        on_error: OnError = "raise",
        scene_cuts: bool = True,
    ) -> None:
        options = DatasetOptions(
            split=split,
            split_config=split_config or SplitConfig(),
            sampling=sampling or Sampling("even", count=8),
            augmentation=augmentation,
            seed=seed,
            dtype=dtype,
            on_error=on_error,
            scene_cuts=scene_cuts,
        )
        super().__init__(find_clips(data_root, video_clips), window, options)
