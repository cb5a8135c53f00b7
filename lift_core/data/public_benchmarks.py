"""The public benchmarks of frame interpolation as data sets, read from the folder layouts they are published in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Literal, TypedDict, Unpack

import torch

from lift_core.data.augmentation import AugmentationConfig
from lift_core.data.clip_dataset import ClipDataset, DatasetOptions
from lift_core.data.clip_table import ClipPath, OnError
from lift_core.data.discovery import read_list
from lift_core.data.image_folder import ImageFilesSource, natural_key
from lift_core.data.sampling import Sampling
from lift_core.data.source import FrameSource
from lift_core.data.splits import Part, SplitConfig
from lift_core.data.window import FrameWindow
from lift_core.errors import ConfigError, DatasetError

TRIPLET = FrameWindow.uniform(2, 2, "require")
SEPTUPLET = FrameWindow.uniform(4, 2, "require")
X_TRAIN = FrameWindow.consecutive(65, "require")

_UCF101_NAMES = ("frame_00.png", "frame_01_gt.png", "frame_02.png")
_SNU_LINE = "three paths of images: first, hidden, last"

Difficulty = Literal["easy", "medium", "hard", "extreme"]


class BenchmarkOptions(TypedDict, total=False):
    """What every benchmark takes beside its folder, see DatasetOptions; ``split`` is "all" unless it is given."""

    split: Part
    split_config: SplitConfig
    sampling: Sampling
    augmentation: AugmentationConfig | None
    seed: int
    dtype: torch.dtype
    on_error: OnError


def vimeo_triplets(
    data_root: str | Path, part: Literal["train", "test"] = "test", **options: Unpack[BenchmarkOptions]
) -> ClipDataset:
    """Vimeo90K triplets (Xue et al., IJCV 2019): 256x448, T = 2, the middle frame hidden; 51,312 and 3,782 of them.

    Layout: ``sequences/00001/0001/im{1,2,3}.png``, ``tri_trainlist.txt`` and ``tri_testlist.txt``.

    Args:
        data_root: the folder that holds ``sequences``.
        part: which of the two lists.
        options: see BenchmarkOptions; a clip's group is its category, ``00001``.

    Raises:
        DatasetError: another layout; it says what was expected where.
    """
    return _vimeo(Path(data_root), f"tri_{part}list.txt", _numbered("im{}.png", 1, 3), TRIPLET, options)


def vimeo_septuplets(
    data_root: str | Path,
    part: Literal["train", "test"] = "test",
    *,
    window: FrameWindow = SEPTUPLET,
    **options: Unpack[BenchmarkOptions],
) -> ClipDataset:
    """Vimeo90K septuplets: 256x448, 64,612 and 7,824 of them.

    Layout: ``sequences/00001/0001/im{1..7}.png``, ``sep_trainlist.txt`` and ``sep_testlist.txt``.

    Args:
        data_root: the folder that holds ``sequences``.
        part: which of the two lists.
        window: by default frames 1, 3, 5 and 7 with frame 4 hidden, as FLAVR is measured;
            ``FrameWindow.consecutive(7, "require")`` serves all six neighbours.
        options: see BenchmarkOptions; a clip's group is its category.

    Raises:
        DatasetError: another layout; it says what was expected where.
    """
    return _vimeo(Path(data_root), f"sep_{part}list.txt", _numbered("im{}.png", 1, 7), window, options)


def ucf101_triplets(data_root: str | Path, **options: Unpack[BenchmarkOptions]) -> ClipDataset:
    """The 379 triplets of UCF101 (Liu et al., ICCV 2017): 256x256, T = 2, the middle frame hidden.

    Layout: ``<number>/frame_00.png``, ``frame_01_gt.png`` and ``frame_02.png``; other files are left alone.

    Args:
        data_root: the folder that holds the numbers.
        options: see BenchmarkOptions.

    Raises:
        DatasetError: another layout; it says what was expected where.
    """
    root = Path(data_root)
    folders = _folders_in(root, "<number>/frame_00.png, frame_01_gt.png, frame_02.png")
    clips = [ClipPath(str(folder), folder.name, folder.name) for folder in folders]
    return _dataset(clips, _UCF101_NAMES, TRIPLET, options)


def snu_film(
    data_root: str | Path, difficulty: Difficulty = "hard", **options: Unpack[BenchmarkOptions]
) -> ClipDataset:
    """SNU-FILM (Choi et al., AAAI 2020): 310 triplets for each of four distances between the references, T = 2.

    Layout: ``eval_modes/test-hard.txt`` (or ``test-hard.txt``) with three paths a line, and the images. The published
    lists begin every path with ``data/SNU-FILM/``; what of it the folder lacks is passed over.

    Args:
        data_root: the folder that holds ``test`` (in it ``GOPRO_test`` and ``YouTube_test``) and the lists.
        difficulty: which list.
        options: see BenchmarkOptions; a triplet's group is the video that it comes from.

    Raises:
        DatasetError: another layout, or a line that is not three paths.
    """
    root = Path(data_root)
    name = f"test-{difficulty}.txt"
    list_file = next((path for path in (root / "eval_modes" / name, root / name) if path.is_file()), None)
    if list_file is None:
        raise _other_layout(root / "eval_modes" / name, f"a list, each line {_SNU_LINE}")
    lines = [_three_paths(line, list_file) for line in read_list(list_file)]
    if not lines:
        raise _other_layout(list_file, f"lines, each {_SNU_LINE}")
    dropped = _leading_parts_to_drop(root, lines[0][0])
    clips = []
    for line in lines:
        files = [PurePosixPath(*PurePosixPath(path).parts[dropped:]) for path in line]
        hidden = f"{difficulty}/{files[1].with_suffix('')}"
        clips.append(ClipPath("\n".join(map(str, files)), hidden, str(files[1].parent)))
    return ClipDataset(clips, TRIPLET, _options(options), open_clip=partial(_open_listed, root=root))


def x4k_train(
    data_root: str | Path, *, window: FrameWindow = X_TRAIN, **options: Unpack[BenchmarkOptions]
) -> ClipDataset:
    """X-TRAIN of X4K1000FPS (Sim et al., ICCV 2021): 4,408 clips of 65 frames, 768x768, 1000 frames per second.

    Layout: ``train/<scene>/<clip>/0000.png`` to ``0064.png``.

    Args:
        data_root: the folder that holds ``train``.
        window: by default all 65 frames, the middle one hidden: T = 64.
        options: see BenchmarkOptions; a clip's group is its scene.

    Raises:
        DatasetError: another layout; it says what was expected where.
    """
    root = Path(data_root) / "train"
    clips = _two_levels(root, "train/<scene>/<clip>/0000.png to 0064.png")
    return _dataset(clips, _numbered("{:04d}.png", 0, 64), window, options)


def x4k_test(data_root: str | Path, *, multiple: int = 8, **options: Unpack[BenchmarkOptions]) -> ClipDataset:
    """X-TEST of X4K1000FPS: 15 clips of 33 frames, 4096x2160; frames between the first and the last are hidden.

    Layout: ``test/Type{1,2,3}/TEST*/0000.png`` to ``0032.png``.

    Args:
        data_root: the folder that holds ``test``.
        multiple: how many times more frames are asked for. 8, as published, gives 7 samples a clip: frames 4, 8, … 28,
            at ``timestep`` 1/8 to 7/8. It divides 32.
        options: see BenchmarkOptions; a clip's group is its type.

    Raises:
        ConfigError: another multiple. DatasetError: another layout; it says what was expected where.
    """
    if multiple < 2 or 32 % multiple:
        raise ConfigError(f"a multiple of {multiple} does not divide 32", fix="Choose 2, 4, 8, 16 or 32.")
    step = 32 // multiple
    window = FrameWindow((0, 32), tuple(range(step, 32, step)), "require")
    clips = _two_levels(Path(data_root) / "test", "test/Type1/TEST*/0000.png to 0032.png")
    return _dataset(clips, _numbered("{:04d}.png", 0, 32), window, options)


def _vimeo(
    root: Path, list_name: str, names: Sequence[str], window: FrameWindow, options: BenchmarkOptions
) -> ClipDataset:
    expected = f"sequences/<category>/<clip>/{names[0]} to {names[-1]}, and {list_name}"
    for place in (root / "sequences", root / list_name):
        if not place.exists():
            raise _other_layout(place, expected)
    folders = root / "sequences"
    clips = [ClipPath(str(folders / line), line, line.partition("/")[0]) for line in read_list(root / list_name)]
    if not clips:
        raise _other_layout(root / list_name, "one <category>/<clip> a line")
    # Of the first alone, as in _dataset: the longest list has 64,612 lines.
    if not Path(clips[0].path).is_dir():
        raise _other_layout(Path(clips[0].path), f"a folder, because {list_name} names it")
    return _dataset(clips, names, window, options)


def _dataset(
    clips: Sequence[ClipPath], names: Sequence[str], window: FrameWindow, options: BenchmarkOptions
) -> ClipDataset:
    """Clips whose files have the same names in each folder.

    The first folder shows whether the layout is this one; a file that another lacks is an error, or a counted skip,
    when it is read: to look for hundreds of thousands of files would take minutes on a disk of a network.
    """
    first = Path(clips[0].path)
    lacking = [name for name in names if not (first / name).is_file()]
    if lacking:
        raise _other_layout(first / lacking[0], f"{len(names)} files, {names[0]} to {names[-1]}, in each clip")
    return ClipDataset(clips, window, _options(options), open_clip=partial(ImageFilesSource, names=names))


def _options(options: BenchmarkOptions) -> DatasetOptions:
    return replace(DatasetOptions(split="all"), **options)


def _open_listed(path: str, root: Path) -> FrameSource:
    return ImageFilesSource(root, path.split("\n"))


def _numbered(pattern: str, first: int, last: int) -> tuple[str, ...]:
    return tuple(pattern.format(number) for number in range(first, last + 1))


def _two_levels(root: Path, expected: str) -> list[ClipPath]:
    """The clips of ``root/<group>/<clip>``."""
    groups = _folders_in(root, expected)
    folders = [(group, clip) for group in groups for clip in _folders_in(group, expected)]
    return [ClipPath(str(clip), f"{group.name}/{clip.name}", group.name) for group, clip in folders]


def _folders_in(root: Path, expected: str) -> list[Path]:
    try:
        folders = [path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")]
    except OSError as error:
        raise _other_layout(root, expected) from error
    if not folders:
        raise _other_layout(root, expected)
    return sorted(folders, key=lambda folder: natural_key(folder.name))


def _three_paths(line: str, list_file: Path) -> list[str]:
    paths = line.split()
    if len(paths) != 3:
        raise DatasetError(f"a line is not {_SNU_LINE}: {line!r}", where=list_file, fix="Fetch the list again.")
    return paths


def _leading_parts_to_drop(root: Path, path: str) -> int:
    parts = PurePosixPath(path).parts
    for dropped in range(len(parts)):
        if root.joinpath(*parts[dropped:]).is_file():
            return dropped
    raise _other_layout(root / path, "the image that the first line of the list names")


def _other_layout(place: Path, expected: str) -> DatasetError:
    return DatasetError(
        "this is not the benchmark's layout: nothing usable is here",
        where=place,
        fix=f"Expected: {expected}. Give the folder that the published archive unpacks to.",
    )
