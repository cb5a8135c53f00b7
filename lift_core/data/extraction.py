"""Extraction: video files to folders of numbered images in the Vimeo layout, in pieces that cross no scene cut."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lift_core.atomic import atomic_file
from lift_core.data.clip_writer import ImageFormat, write_sequence
from lift_core.data.cut_cache import cached_cuts
from lift_core.data.discovery import video_clips
from lift_core.data.open_source import open_source
from lift_core.data.source import FrameSource
from lift_core.errors import ConfigError, LiftError, OutputError, SourceError

_CHUNK_BYTES = 64_000_000
_RECORD = "extraction.json"


@dataclass(frozen=True)
class ExtractionConfig:
    """How videos are cut into sequences.

    Attributes:
        frames: images in each sequence; what is left of a shot and shorter is not written.
        every: take each ``every``-th frame.
        size: shorter side in pixels, by area averaging; frames that are smaller already stay as they are. None: as is.
        split_at_cuts: begin a new sequence at each scene cut.
        image_format: png or jpg.
        quality: of JPEG, 1 to 100.
    """

    frames: int = 64
    every: int = 1
    size: int | None = None
    split_at_cuts: bool = True
    image_format: ImageFormat = "png"
    quality: int = 95

    def __post_init__(self) -> None:
        if self.frames < 2 or self.every < 1:
            raise ConfigError(f"sequences of {self.frames} frames, every {self.every}", fix="At least 2, and 1.")
        if self.size is not None and self.size < 16:
            raise ConfigError(f"a shorter side of {self.size} pixels", fix="At least 16.")
        if not 1 <= self.quality <= 100:
            raise ConfigError(f"JPEG quality {self.quality}", fix="Choose 1 to 100.")


@dataclass(frozen=True)
class VideoToExtract:
    """A video file and the name of the folder that its sequences go to."""

    path: Path
    name: str


@dataclass(frozen=True)
class Extracted:
    """What became of one video.

    Attributes:
        name: the clip's folder under ``sequences``.
        written: sequences written now.
        kept: sequences that an earlier run had finished.
        frames_used, frames_total: frames of the video within sequences, and in all.
        error: why the video could not be extracted to its end, or None.
    """

    name: str
    written: int
    kept: int
    frames_used: int
    frames_total: int
    error: LiftError | None = None


def find_videos(inputs: Iterable[Path]) -> list[VideoToExtract]:
    """The videos among files, folders (at any depth) and lists, with names that are unique.

    A video is named after its file, without the suffix where that is clear, its folders joined by ``_``.

    Raises:
        SourceError: an input that does not exist or holds no video.
    """
    found: list[tuple[Path, str]] = []
    for place in inputs:
        if not place.exists():
            raise SourceError("nothing is there", where=place, fix="Check the path.")
        clips = video_clips(place)
        if not clips:
            raise SourceError("no videos in the folder", where=place, fix="Give video files or a folder of them.")
        found += [(Path(clip.path), _flat_name(clip.name)) for clip in clips]
    short = Counter(Path(name).stem for _, name in found)
    videos = [VideoToExtract(path, Path(name).stem if short[Path(name).stem] == 1 else name) for path, name in found]
    _refuse_equal_names(videos)
    return videos


def _flat_name(name: str) -> str:
    """A clip's name as one folder's: a list may name videos by ``../`` or from the root, and no name may be hidden."""
    path = Path(name)
    return "_".join(part for part in path.parts if part not in ("..", path.anchor)).lstrip(".")


def _refuse_equal_names(videos: Sequence[VideoToExtract]) -> None:
    for name, times in Counter(video.name for video in videos).items():
        if times > 1:
            raise SourceError(f"{times} videos are called {name}", fix="Extract them to different folders.")


def extract(videos: Iterable[VideoToExtract], out: Path, config: ExtractionConfig) -> Iterator[Extracted]:
    """Write ``OUT/sequences/<name>/<NNNN>/imNN.png`` for each video, and yield what became of it.

    A sequence appears when it is complete, so an interrupted run is taken up by running it again. A video that cannot
    be read is reported with its error, and the next one follows.

    Raises:
        OutputError: the place cannot be written to, or holds sequences made from another video or with other settings.
    """
    for video in videos:
        yield _extract_one(video, out / "sequences" / video.name, config)


def plan_sequences(length: int, cuts: Sequence[int], frames: int, every: int) -> list[range]:
    """The frame numbers of each sequence: as many whole ones as fit between cuts, from each shot's start."""
    bounds = [0, *cuts, length]
    span = (frames - 1) * every + 1
    return [
        range(start, start + span, every)
        for first, end in pairwise(bounds)
        for start in range(first, end - span + 1, frames * every)
    ]


def _extract_one(video: VideoToExtract, folder: Path, config: ExtractionConfig) -> Extracted:
    written = kept = total = 0
    error: LiftError | None = None
    try:
        source = open_source(video.path)
        total = len(source)
        _record_settings(folder, source, config)
        cuts = cached_cuts(source) if config.split_at_cuts else ()
        for number, indices in enumerate(plan_sequences(total, cuts, config.frames, config.every)):
            if (folder / f"{number:04d}").is_dir():
                kept += 1
                continue
            images = _images(source, indices, config.size)
            target = folder / f"{number:04d}"
            write_sequence(target, images, config.frames, image_format=config.image_format, quality=config.quality)
            written += 1
    except OutputError:
        raise
    except LiftError as caught:
        error = caught
    return Extracted(video.name, written, kept, (written + kept) * config.frames, total, error)


def _record_settings(folder: Path, source: FrameSource, config: ExtractionConfig) -> None:
    """Keep what the sequences are made from, so that a later run does not mix two kinds in one folder."""
    record = {"video": Path(source.name).name, "frames": len(source), "size": source.size, "settings": asdict(config)}
    text = json.dumps(record, indent=2) + "\n"
    path = folder / _RECORD
    if not path.exists():
        with atomic_file(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    elif path.read_text(encoding="utf-8") != text:
        raise OutputError(
            "the folder holds sequences of another video or of other settings",
            where=folder,
            fix="Choose another output folder, or delete this one.",
        )


def _images(source: FrameSource, indices: range, size: int | None) -> Iterator[NDArray[np.uint8]]:
    """Frames in order, scaled, with at most 64 MB of them held at a time."""
    height, width = source.size
    chunk = max(1, _CHUNK_BYTES // (height * width * 3))
    for start in range(0, len(indices), chunk):
        for frame in source.frames(indices[start : start + chunk]):
            yield scale_down(frame, size)


def scale_down(frame: NDArray[np.uint8], shorter_side: int | None) -> NDArray[np.uint8]:
    """Scale ``[H, W, 3]`` by area averaging until its shorter side is as asked; never up."""
    height, width = frame.shape[:2]
    if shorter_side is None or min(height, width) <= shorter_side:
        return frame
    scale = shorter_side / min(height, width)
    target = (round(width * scale), round(height * scale))
    return np.asarray(cv2.resize(frame, target, interpolation=cv2.INTER_AREA), np.uint8)
