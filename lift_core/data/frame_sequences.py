"""FrameSequenceDataset: samples from folders of images, in the Vimeo layout or any other."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict, Unpack

import torch

from lift_core.data.augmentation import AugmentationConfig
from lift_core.data.clip_dataset import ClipDataset, DatasetOptions, Windows
from lift_core.data.clip_table import ClipPath, OnError
from lift_core.data.discovery import Roots, find_clips, image_clips, listed_clips
from lift_core.data.sampling import Sampling
from lift_core.data.splits import Part, SplitConfig
from lift_core.data.window import FrameWindow


class FrameSequenceDataset(ClipDataset):
    """Samples of image folders: ``sequences/<category>/<clip>/imNN.png``, or any folders that hold images.

    Raw clips (.npy, see RawClipSource) are found in the same places, and may stand beside folders.

    Args:
        data_root: one folder or several, on any disks.
        window: one FrameWindow, or several of one context length.
        split: which part of the clips; a clip's group is its category.
        clip_list: a text file that names the clips to use, one per line, instead of all that are found.
        split_config, sampling, augmentation, seed, dtype, on_error, scene_cuts: see DatasetOptions.

    Raises:
        DatasetError, SourceError, WindowError, ConfigError: see ClipDataset.
    """

    def __init__(
        self,
        data_root: Roots,
        window: Windows,
        *,
        split: Part = "train",
        clip_list: str | Path | None = None,
        split_config: SplitConfig | None = None,
        sampling: Sampling | None = None,
        augmentation: AugmentationConfig | None = None,
        seed: int = 0,
        dtype: torch.dtype = torch.float32,
        on_error: OnError = "raise",
        scene_cuts: bool = False,
    ) -> None:
        def finder(root: Path) -> list[ClipPath]:
            return image_clips(root) if clip_list is None else listed_clips(root, Path(clip_list))

        options = DatasetOptions(
            split=split,
            split_config=split_config or SplitConfig(),
            sampling=sampling or Sampling("all"),
            augmentation=augmentation,
            seed=seed,
            dtype=dtype,
            on_error=on_error,
            scene_cuts=scene_cuts,
        )
        super().__init__(find_clips(data_root, finder), window, options)


class SequenceOptions(TypedDict, total=False):
    """The options of FrameSequenceDataset that its thin names pass on."""

    split: Part
    clip_list: str | Path | None
    split_config: SplitConfig | None
    sampling: Sampling | None
    augmentation: AugmentationConfig | None
    seed: int
    dtype: torch.dtype
    on_error: OnError
    scene_cuts: bool


class Vimeo15Dataset(FrameSequenceDataset):
    """15 consecutive frames of each place, the middle one hidden: ``FrameWindow.consecutive(15)``.

    Args:
        data_root, options: as for FrameSequenceDataset.
    """

    def __init__(self, data_root: Roots, **options: Unpack[SequenceOptions]) -> None:
        super().__init__(data_root, FrameWindow.consecutive(15), **options)


class Vimeo64Dataset(FrameSequenceDataset):
    """64 frames at stride 2, the frame between the references hidden: ``FrameWindow.uniform(64, 2)``.

    A clip of 64 files serves it with 32 valid frames; longer clips with more.

    Args:
        data_root, options: as for FrameSequenceDataset.
    """

    def __init__(self, data_root: Roots, **options: Unpack[SequenceOptions]) -> None:
        super().__init__(data_root, FrameWindow.uniform(64, 2), **options)
