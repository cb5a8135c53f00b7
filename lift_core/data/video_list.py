"""Lists of videos for VideoSequenceDataset: which files can be read, and one path a line relative to the list."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lift_core.atomic import atomic_file
from lift_core.data.discovery import is_video, videos_below
from lift_core.data.output_place import place_to_write
from lift_core.data.video_file import VideoFileSource
from lift_core.errors import LiftError, SourceError, os_errors_as


@dataclass(frozen=True)
class Judged:
    """A video, and why it cannot be used, or None."""

    path: Path
    problem: str | None


def find_video_files(inputs: Iterable[Path]) -> list[Path]:
    """The video files among files and folders (at any depth), each once, sorted.

    A list within a folder is not looked at.

    Raises:
        SourceError: an input that does not exist or cannot be looked at, or a file that is no video by its name.
    """
    found: dict[str, Path] = {}
    for place in inputs:
        with os_errors_as(SourceError, "cannot be looked at", where=place, fix="Check the path and its rights."):
            if not place.exists():
                raise SourceError("nothing is there", where=place, fix="Check the path.")
            if place.is_file() and not is_video(place.name):
                raise SourceError("no video by its name", where=place, fix="Give videos or folders of them.")
            for path in [place] if place.is_file() else videos_below(place):
                found.setdefault(os.path.realpath(path), path)
    return sorted(found.values())


def judge(video: Path, *, decode: bool, min_frames: int = 1) -> Judged:
    """Whether a video can be used.

    Args:
        video: the file.
        decode: open it, count its frames, and decode the first and the last one; else only look whether it is a file
            that is not empty.
        min_frames: fewer are a problem; counted only with ``decode``.
    """
    try:
        if video.stat().st_size == 0:
            return Judged(video, "empty file")
        if not os.access(video, os.R_OK):
            return Judged(video, "no right to read it")
        return Judged(video, _problem_of_frames(video, min_frames) if decode else None)
    except OSError as error:
        return Judged(video, error.strerror or str(error))
    except LiftError as error:
        return Judged(video, error.what)


def write_video_list(path: Path, videos: Sequence[Path], *, force: bool = False) -> list[Judged]:
    """Write the list; it appears when it is whole.

    Paths are relative to the list's folder, with forward slashes; absolute where the system has no relative one.

    Args:
        path: the list. videos: in this order. force: write over a list that is there.

    Returns:
        the videos that are left out because no line can name them, with the reason.

    Raises:
        OutputError: the list exists, or the place cannot be written to.
    """
    place = place_to_write(path, "list", force=force)
    lines = {video: _line(video, path.parent) for video in videos}
    refused = [Judged(video, "a line cannot hold its name") for video, line in lines.items() if line is None]
    with atomic_file(place) as temporary:
        temporary.write_text("".join(f"{line}\n" for line in lines.values() if line), encoding="utf-8")
    return refused


def _problem_of_frames(video: Path, min_frames: int) -> str | None:
    source = VideoFileSource(video)
    try:
        count = len(source)
        if count < min_frames:
            return f"{count} frames, fewer than {min_frames}"
        source.frames([0, count - 1])
    finally:
        source.close()
    return None


def _line(video: Path, folder: Path) -> str | None:
    """A line that `read_list` gives back as it is; None where there is none."""
    try:
        relative = Path(os.path.relpath(video.absolute(), folder.absolute())).as_posix()
    except ValueError:
        # Another drive of Windows.
        relative = video.absolute().as_posix()
    # Blanks at the start, and the sign of a comment, mean nothing behind a folder.
    line = f"./{relative}" if relative[0].isspace() or relative[0] == "#" else relative
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        return None
    # A byte order mark can only be told from a name at the start of the list.
    return line if line.splitlines() == [line] and line == line.rstrip() and line[0] != "\ufeff" else None
