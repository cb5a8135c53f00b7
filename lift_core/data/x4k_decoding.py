"""Decoding the videos that X4K1000FPS comes as to the numbered images that its readers take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from lift_core.atomic import atomic_folder
from lift_core.data.clip_writer import write_image
from lift_core.data.video_colour import Matrix
from lift_core.data.video_file import VideoFileSource
from lift_core.errors import DatasetError, os_errors_as


def encoded_videos(root: Path) -> list[Path]:
    """The videos below the folder that the published archive was unpacked to.

    Raises:
        DatasetError: there are none, or the folder cannot be looked at.
    """
    with os_errors_as(DatasetError, "the videos cannot be looked for", where=root, fix="Check its rights."):
        videos = sorted(path for path in root.rglob("*.mp4") if not path.name.startswith("."))
    if not videos:
        raise DatasetError("there are no videos to decode", where=root, fix="Is it the archive that the page links?")
    return videos


def decode_clips(root: Path, part: str) -> Iterator[tuple[int, int]]:
    """Write ``root/<part>/<group>/<clip>/0000.png`` and on for each ``…/<group>/<clip>.mp4`` below ``root``.

    A clip's folder appears when it is complete, so that a run that was killed goes on where it was. Videos whose
    colour matrix is not tagged are taken as BT.601, as FFmpeg takes them in the authors' own decoding script.

    Args:
        root: what the published archive was unpacked to. part: ``test`` or ``train``.

    Yields:
        clips done and clips in all, at the start and after each clip.

    Raises:
        DatasetError: as `encoded_videos` raises it. SourceError, FrameReadError: one that cannot be read.
        OutputError: the place cannot be written to.
    """
    videos = encoded_videos(root)
    for done, video in enumerate(videos):
        yield done, len(videos)
        folder = root / part / video.parent.name / video.stem
        if not folder.is_dir():
            _decode(video, folder)
    yield len(videos), len(videos)


def _decode(video: Path, folder: Path) -> None:
    with closing(VideoFileSource(video)) as tagged:
        matrix: Matrix | None = None if tagged.colour.matrix_tagged else "bt601"
    with closing(VideoFileSource(video, matrix=matrix)) as source, atomic_folder(folder) as temporary:
        for index in range(len(source)):
            write_image(temporary / f"{index:04d}.png", source.frame(index))
