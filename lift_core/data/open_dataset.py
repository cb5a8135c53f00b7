"""open_dataset: the data set that fits a folder, whether it holds image sequences, raw clips or videos."""

from __future__ import annotations

from pathlib import Path

from lift_core.data.clip_dataset import ClipDataset, DatasetOptions, Windows
from lift_core.data.clip_table import ClipPath
from lift_core.data.discovery import Roots, find_clips, image_clips, video_clips


def open_dataset(data_root: Roots, window: Windows, options: DatasetOptions) -> ClipDataset:
    """Samples of every clip under ``data_root``: image folders, raw clips and videos, which may be mixed.

    Args:
        data_root: a folder, a video, a raw clip, a list of videos, or several of these.
        window: one FrameWindow, or several of one context length.
        options: see DatasetOptions.

    Raises:
        DatasetError: nothing found. Others as ClipDataset raises them.
    """
    return ClipDataset(find_clips(data_root, all_clips), window, options)


def all_clips(root: Path) -> list[ClipPath]:
    """Image folders, raw clips and videos at or below ``root``."""
    images = image_clips(root)
    return images if root.is_file() and images else images + video_clips(root)
