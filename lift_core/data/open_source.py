"""open_source: the FrameSource that fits a path, a folder of images or a video file."""

from __future__ import annotations

import os
from pathlib import Path

from lift_core.data.image_folder import ImageFolderSource
from lift_core.data.source import FrameSource
from lift_core.data.video_file import VideoFileSource
from lift_core.errors import SourceError


def open_source(path: str | os.PathLike[str]) -> FrameSource:
    """The frames of ``path``: a folder of PNG or JPEG images, or a video file.

    Nothing is decoded yet; the source opens its handle in the process that reads.

    Raises:
        SourceError: there is nothing at ``path``.
    """
    place = Path(path)
    if place.is_dir():
        return ImageFolderSource(place)
    if place.is_file():
        return VideoFileSource(place)
    raise SourceError("no such clip", where=path, fix="Name a folder of PNG or JPEG frames, or a video file.")
