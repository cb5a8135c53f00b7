"""Finds clips under one or several roots: image folders (Vimeo or flat), raw and packed clips, and videos."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from lift_core.data.clip_table import ClipPath
from lift_core.data.image_folder import IMAGE_SUFFIXES
from lift_core.data.packed_clip import is_packed_folder, packed_clips
from lift_core.data.raw_clip import is_raw_clip
from lift_core.errors import DatasetError

VIDEO_SUFFIXES = frozenset({".mp4", ".mkv", ".mov", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".ts", ".m2ts", ".wmv"})
VIDEO_LIST = "video_list.txt"

Roots = str | Path | Sequence[str | Path]
Finder = Callable[[Path], list[ClipPath]]


def find_clips(roots: Roots, finder: Finder) -> list[ClipPath]:
    """Run ``finder`` on every root; with several roots, names are prefixed with the root's own name.

    A file that is a root itself keeps its name as it is, unless another one has it.

    Raises:
        DatasetError: a root that does not exist, or no clip in any of them.
    """
    paths = as_paths(roots)
    prefixes = [""] if len(paths) == 1 else _prefixes(paths)
    found = []
    for root, prefix in zip(paths, prefixes, strict=True):
        if not root.exists():
            raise DatasetError("the data root does not exist", where=root, fix="Check the path.")
        found += [ClipPath(c.path, prefix + c.name, prefix + c.group) for c in finder(root)]
    if not found:
        raise DatasetError(
            "no clips were found",
            where=", ".join(map(str, paths)),
            fix="Give a folder of image sequences (sequences/<category>/<clip>/im01.png, or any folders of PNG or"
            " JPEG files), raw clips (.npy), a folder of videos, or a video_list.txt.",
        )
    return found


def as_paths(roots: Roots) -> list[Path]:
    """One root or several, as a list of paths."""
    return [Path(roots)] if isinstance(roots, str | Path) else [Path(r) for r in roots]


def image_clips(root: Path) -> list[ClipPath]:
    """Every folder at or below ``root`` (or ``root/sequences``) that holds images, and every raw clip, sorted by name.

    A clip's group is its parent folder, a Vimeo category; where all clips have the same parent, each is its own.
    Clips that `pack_clips` packed come last, with the names and groups that they had.
    A root may be a raw clip itself. A .npy file that announces no clip is left alone: it may hold anything.
    """
    if root.is_file():
        return [ClipPath(str(root), root.name, root.name)] if is_raw_clip(root) else []
    base = root / "sequences" if (root / "sequences").is_dir() else root
    found: list[Path] = []
    packed: list[ClipPath] = []
    for folder, files in _folders(base):
        if is_packed_folder(folder):
            packed += _packed(folder, base)
            continue
        found += [folder] if any(_is_image(name) for name in files) else []
        found += [folder / name for name in files if is_raw_clip(folder / name)]
    return _with_groups([_clip(path, base) for path in found]) + packed


def listed_clips(root: Path, list_file: Path) -> list[ClipPath]:
    """The image folders and raw clips that ``list_file`` names, one a line, relative to ``root/sequences`` or ``root``.

    Raises:
        DatasetError: a list that cannot be read or that names a missing folder.
    """
    base = root / "sequences" if (root / "sequences").is_dir() else root
    clips = []
    for name in read_list(list_file):
        if not (base / name).is_dir() and not is_raw_clip(base / name):
            raise DatasetError(
                "the list names a clip that does not exist", where=base / name, fix=f"Mend {list_file}, or fetch it."
            )
        clips.append(_clip(base / name, base))
    return _with_groups(clips)


def video_clips(root: Path) -> list[ClipPath]:
    """The videos of a file, a list, or a folder; each is its own group.

    A folder's own ``video_list.txt`` is respected where there is one; otherwise videos are looked for at any depth.

    Raises:
        DatasetError: a list that cannot be read or that names a missing file.
    """
    if root.is_file():
        return _listed_videos(root) if root.suffix == ".txt" else [ClipPath(str(root), root.name, root.name)]
    if (root / VIDEO_LIST).is_file():
        return _listed_videos(root / VIDEO_LIST)
    return [_video(path, root) for path in videos_below(root)]


def videos_below(root: Path) -> Iterator[Path]:
    """Every video file at or below a folder that is not hidden, folder by folder; lists are not looked at."""
    return (folder / name for folder, files in _folders(root) for name in files if is_video(name))


def _folders(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Every folder at or below ``root`` that is not hidden, with its files, sorted.

    Links are followed, but a folder comes once, however many lead to it: links may run in circles, and a clip found
    twice could be trained on under one name and validated under the other.
    """
    seen: set[str] = set()
    for folder, inner, files in os.walk(root, followlinks=True):
        true_path = os.path.realpath(folder)
        inner[:] = [] if true_path in seen else sorted(name for name in inner if not name.startswith("."))
        if true_path not in seen:
            seen.add(true_path)
            yield Path(folder), sorted(files)


def read_list(path: Path) -> list[str]:
    """The lines of a text list, without blank lines and those that start with #.

    Raises:
        DatasetError: a list that cannot be read.
    """
    try:
        # Some editors begin a text with a byte order mark.
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"the list cannot be read: {error}", where=path, fix="Give a UTF-8 text file.") from error
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def is_video(name: str) -> bool:
    """Whether a file name looks like a video's."""
    return os.path.splitext(name)[1].lower() in VIDEO_SUFFIXES and not name.startswith(".")


def _is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES and not name.startswith(".")


def _clip(path: Path, base: Path) -> ClipPath:
    name = path.relative_to(base).as_posix() if path != base else base.resolve().name
    parent = name.rpartition("/")[0]
    return ClipPath(str(path), name, parent or name)


def _packed(folder: Path, base: Path) -> list[ClipPath]:
    prefix = "" if folder == base else folder.relative_to(base).as_posix() + "/"
    return [ClipPath(clip.path, prefix + clip.name, prefix + clip.group) for clip in packed_clips(folder)]


def _with_groups(clips: list[ClipPath]) -> list[ClipPath]:
    if len({c.group for c in clips}) > 1:
        return clips
    return [ClipPath(c.path, c.name, c.name) for c in clips]


def _listed_videos(list_file: Path) -> list[ClipPath]:
    clips = []
    for line in read_list(list_file):
        path = list_file.parent / line
        if not path.is_file():
            raise DatasetError(
                "the list names a video that does not exist", where=path, fix=f"Mend {list_file}, or fetch it."
            )
        clips.append(ClipPath(str(path), Path(line).as_posix(), Path(line).as_posix()))
    return clips


def _video(path: Path, root: Path) -> ClipPath:
    name = path.relative_to(root).as_posix()
    return ClipPath(str(path), name, name)


def _prefixes(paths: Iterable[Path]) -> list[str]:
    """One prefix per root: its name, numbered where several roots share it; the first file of a name needs none."""
    seen: Counter[str] = Counter()
    prefixes = []
    for path in paths:
        name = path.resolve().name
        seen[name] += 1
        first = "" if (is_video(name) or is_raw_clip(path)) and path.is_file() else f"{name}/"
        prefixes.append(first if seen[name] == 1 else f"{name}~{seen[name]}/")
    return prefixes
