"""open_source: one clip from a path, whatever it is stored in."""

from __future__ import annotations

import os
from pathlib import Path

from lift_core.data.image_folder import IMAGE_SUFFIXES, ImageFolderSource
from lift_core.data.packed_clip import PackedClipSource, is_packed_path
from lift_core.data.raw_clip import RAW_SUFFIX, RawClipSource
from lift_core.data.source import FrameSource
from lift_core.data.video_file import VideoFileSource
from lift_core.errors import SourceError


def open_source(path: str | os.PathLike[str]) -> FrameSource:
    """Open a folder of PNG or JPEG frames, a raw clip (.npy), a packed clip (``shard.pack#3``), or a video file.

    Raises:
        SourceError: nothing there, a folder without frames, or a single picture. That a file is no video, raw clip or
            shard is found when it is first used.
    """
    if is_packed_path(path):
        return PackedClipSource(path)
    place = Path(path)
    if place.is_dir():
        return ImageFolderSource(path)
    if not place.exists():
        raise SourceError("nothing is there", where=path, fix="Check the path.")
    if place.suffix.lower() in IMAGE_SUFFIXES:
        raise SourceError("a single picture is no clip", where=path, fix=f"Give its folder: {place.parent}")
    return RawClipSource(path) if place.suffix.lower() == RAW_SUFFIX else VideoFileSource(path)
