"""Which clips a folder should hold, and which files each of them: by a benchmark's layout, or by what is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from lift_core.data.discovery import Roots, find_clips, read_list
from lift_core.data.image_folder import natural_key
from lift_core.data.open_dataset import all_clips
from lift_core.errors import DatasetError, os_errors_as

_VIMEO_LISTS = {"tri_trainlist.txt": 3, "tri_testlist.txt": 3, "sep_trainlist.txt": 7, "sep_testlist.txt": 7}
_UCF101 = ("frame_00.png", "frame_01_gt.png", "frame_02.png")
_DIFFICULTIES = ("easy", "medium", "hard", "extreme")
_X4K_FRAMES = {"train": 65, "test": 33}


@dataclass(frozen=True)
class ClipToVerify:
    """A clip that should be there.

    Attributes:
        name: of the report. path: a folder or a file; of ``files``, what they are relative to.
        files: the images that the layout wants; None where the clip is what is found.
    """

    name: str
    path: Path
    files: tuple[str, ...] | None = None


def clips_to_verify(roots: Roots) -> list[ClipToVerify]:
    """Every clip of one folder or of several.

    A single folder is looked at for the layouts of Vimeo90K (its lists), SNU-FILM (its lists), X4K1000FPS and the
    triplets of UCF101; anything else is clips of any kind, found as `open_dataset` finds them.

    Raises:
        DatasetError: nothing is there; a folder or a list that cannot be read.
    """
    with os_errors_as(DatasetError, "the data cannot be looked at", where=roots, fix="Check the path and its rights."):
        if isinstance(roots, str | Path) and Path(roots).is_dir():
            root = Path(roots)
            for layout in (_vimeo, _snu_film, _x4k, _ucf101):
                clips = list(layout(root))
                if clips:
                    return clips
        return [ClipToVerify(clip.name, Path(clip.path)) for clip in find_clips(roots, all_clips)]


def _vimeo(root: Path) -> Iterator[ClipToVerify]:
    for list_name, frames in _VIMEO_LISTS.items():
        if (root / list_name).is_file():
            files = tuple(f"im{number}.png" for number in range(1, frames + 1))
            for line in read_list(root / list_name):
                yield ClipToVerify(line, root / "sequences" / line, files)


def _snu_film(root: Path) -> Iterator[ClipToVerify]:
    for difficulty in _DIFFICULTIES:
        name = f"test-{difficulty}.txt"
        for list_file in (root / "eval_modes" / name, root / name):
            if list_file.is_file():
                lines = [line.split() for line in read_list(list_file)]
                yield from _listed_triplets(root, difficulty, lines)
                break


def _listed_triplets(root: Path, difficulty: str, lines: list[list[str]]) -> Iterator[ClipToVerify]:
    """The lists begin every path with folders that this one may lack: as many are dropped as lead to a file."""
    paths = [path for line in lines for path in line]
    dropped = next((found for path in islice(paths, 100) if (found := _dropped(root, path)) is not None), 0)
    for line in lines:
        files = tuple(str(PurePosixPath(*PurePosixPath(path).parts[dropped:])) for path in line)
        yield ClipToVerify(f"{difficulty}/{files[len(files) // 2]}", root, files)


def _dropped(root: Path, path: str) -> int | None:
    parts = PurePosixPath(path).parts
    return next((count for count in range(len(parts)) if root.joinpath(*parts[count:]).is_file()), None)


def _x4k(root: Path) -> Iterator[ClipToVerify]:
    for part, frames in _X4K_FRAMES.items():
        files = tuple(f"{number:04d}.png" for number in range(frames))
        folders = [clip for group in _folders(root / part) for clip in _folders(group)]
        # Only where a clip is as published: other data sets have such folders too.
        if any((clip / files[-1]).is_file() and not (clip / f"{frames:04d}.png").exists() for clip in folders):
            yield from (ClipToVerify(clip.relative_to(root).as_posix(), clip, files) for clip in folders)


def _ucf101(root: Path) -> Iterator[ClipToVerify]:
    folders = _folders(root)
    if any((folder / _UCF101[1]).is_file() for folder in folders):
        yield from (ClipToVerify(folder.name, folder, _UCF101) for folder in folders)


def _folders(place: Path) -> list[Path]:
    if not place.is_dir():
        return []
    found = [path for path in place.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return sorted(found, key=lambda path: natural_key(path.name))
