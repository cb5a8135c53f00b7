"""Verifying clips: every frame is read, and what is missing, damaged, of another size or too short is reported."""

from __future__ import annotations

import csv
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Literal

from lift_core.atomic import atomic_file
from lift_core.data.image_decoding import decode_rgb
from lift_core.data.image_folder import ImageFilesSource
from lift_core.data.open_source import open_source
from lift_core.data.packed_clip import REPACK, PackedClipSource
from lift_core.data.source import FrameSource
from lift_core.data.verification_layouts import ClipToVerify
from lift_core.data.video_file import VideoFileSource
from lift_core.data.video_header import header_claims
from lift_core.errors import FrameReadError, LiftError, SourceError, os_errors_as

Kind = Literal["missing", "damaged", "odd size", "unreadable", "truncated", "short", "header"]

_CHUNK_BYTES = 32_000_000
_MOST_DAMAGED = 100
# Of fewer clips nothing can be told from their lengths.
_FEWEST_ALIKE = 5


@dataclass(frozen=True)
class Problem:
    """A row of the report.

    Attributes:
        clip: its name. frame: a file's name or a number; empty where all of the clip is meant.
        problem: its kind. ``header`` is a note: a video whose header states another number of frames than can be
            decoded, which no loader believes.
        detail: what exactly. advice: what to do.
    """

    clip: str
    frame: str
    problem: Kind
    detail: str
    advice: str

    @property
    def is_note(self) -> bool:
        return self.problem == "header"


@dataclass(frozen=True)
class Verified:
    """What became of one clip: its frames, whether they are whatever images its folder holds, and its problems."""

    name: str
    frames: int
    is_found_images: bool
    problems: tuple[Problem, ...]


def verify(clips: Iterable[ClipToVerify], *, workers: int = 1, min_frames: int = 1) -> Iterator[Verified]:
    """Read every frame of every clip, several clips at a time, and yield what became of each in their order.

    Args:
        clips: see `clips_to_verify`. workers: threads; decoders leave Python to the others while they work.
        min_frames: shorter clips are a problem.
    """
    waiting: deque[Future[Verified]] = deque()
    pool = ThreadPoolExecutor(max_workers=workers)
    try:
        for clip in clips:
            waiting.append(pool.submit(verify_clip, clip, min_frames=min_frames))
            if len(waiting) > 4 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def verify_clip(clip: ClipToVerify, *, min_frames: int = 1) -> Verified:
    """Read every frame of one clip; nothing of what it holds raises an error."""
    try:
        with os_errors_as(SourceError, "cannot be looked at", where=clip.path, fix="Check its name and its rights."):
            if clip.files is not None and not clip.path.is_dir():
                advice = "Fetch or extract the clip again."
                return _not_read(clip, Problem(clip.name, "", "missing", f"no folder {clip.path}", advice))
            source = open_source(clip.path) if clip.files is None else ImageFilesSource(clip.path, clip.files)
            count = len(source)
    except LiftError as error:
        return _not_read(clip, _unreadable(clip, error))
    problems = _image_problems(clip, source) if isinstance(source, ImageFilesSource) else _read_problems(clip, source)
    if isinstance(source, VideoFileSource):
        source.close()
        problems = [*_header_problems(clip, count), *problems]
    if count < min_frames:
        short = f"{count} frames, fewer than {min_frames}"
        problems.append(Problem(clip.name, "", "short", short, "Leave the clip out, or choose a shorter window."))
    return Verified(clip.name, count, clip.files is None and isinstance(source, ImageFilesSource), tuple(problems))


def _not_read(clip: ClipToVerify, problem: Problem) -> Verified:
    return Verified(clip.name, 0, False, (problem,))


def uncommon_lengths(verified: Sequence[Verified]) -> list[Problem]:
    """Folders of images that are shorter than most others: the numbers of files do not tell that the last is missing.

    Only where more than half of at least five folders have one length.
    """
    lengths = Counter(clip.frames for clip in verified if clip.is_found_images)
    common, alike = lengths.most_common(1)[0] if lengths else (0, 0)
    if alike < _FEWEST_ALIKE or 2 * alike <= lengths.total():
        return []
    advice = "Extract the clip again, if frames at its start or end are missing."
    return [
        Problem(clip.name, "", "short", f"{clip.frames} frames, most clips have {common}", advice)
        for clip in verified
        if clip.is_found_images and clip.frames < common
    ]


def write_report(path: Path, problems: Iterable[Problem]) -> None:
    """Write the problems as CSV with a header line; the file appears when it is whole.

    Raises:
        OutputError: the place cannot be written to.
    """
    with (
        atomic_file(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file,
    ):
        writer = csv.writer(file)
        writer.writerow([column.name for column in fields(Problem)])
        writer.writerows(astuple(problem) for problem in problems)


def _image_problems(clip: ClipToVerify, source: ImageFilesSource) -> list[Problem]:
    problems: list[Problem] = []
    sizes: dict[str, tuple[int, int]] = {}
    for index in range(len(source)):
        path = source.path_of(index)
        # A list may name files elsewhere.
        frame = (path.relative_to(clip.path) if path.is_relative_to(clip.path) else path).as_posix()
        try:
            sizes[frame] = decode_rgb(path.read_bytes()).shape[:2]
        except FileNotFoundError:
            problems.append(Problem(clip.name, frame, "missing", "no such file", "Extract or fetch the clip again."))
        except OSError as error:
            advice = "Check the file's rights and the disk."
            problems.append(Problem(clip.name, frame, "unreadable", error.strerror or str(error), advice))
        except ValueError as error:
            problems.append(Problem(clip.name, frame, "damaged", str(error), "Extract or fetch this frame again."))
    return problems + _odd_sizes(clip, sizes)


def _odd_sizes(clip: ClipToVerify, sizes: dict[str, tuple[int, int]]) -> list[Problem]:
    """The frames whose size is not that of most."""
    common = Counter(sizes.values()).most_common(1)[0][0] if sizes else (0, 0)
    advice = f"Scale it to {common[0]}x{common[1]}, or move it away."
    return [
        Problem(clip.name, frame, "odd size", f"{h}x{w}, most frames are {common[0]}x{common[1]}", advice)
        for frame, (h, w) in sizes.items()
        if (h, w) != common
    ]


def _read_problems(clip: ClipToVerify, source: FrameSource) -> list[Problem]:
    """Read a video, a raw or a packed clip from end to end; after 100 frames that cannot be read it is given up."""
    problems: list[Problem] = []
    try:
        if isinstance(source, PackedClipSource):
            return [] if source.is_whole() else [_not_as_packed(clip)]
        height, width = source.size
        chunk = max(1, _CHUNK_BYTES // (height * width * 3))
        for start in range(0, len(source), chunk):
            problems += _chunk_problems(clip, source, range(start, min(start + chunk, len(source))))
            if len(problems) >= _MOST_DAMAGED:
                rest = f"after {len(problems)} damaged frames the rest is not read"
                problems.append(Problem(clip.name, "", "damaged", rest, "Fetch or convert the video again."))
                break
    except LiftError as error:
        problems.append(_unreadable(clip, error))
    return problems


def _chunk_problems(clip: ClipToVerify, source: FrameSource, indices: range) -> list[Problem]:
    try:
        source.frames(indices)
        return []
    except FrameReadError:
        pass
    problems: list[Problem] = []
    for index in indices:
        try:
            source.frames([index])
        except FrameReadError as error:
            advice = error.fix or "Fetch or convert the video again."
            problems.append(Problem(clip.name, str(index), "damaged", error.what, advice))
            if len(problems) >= _MOST_DAMAGED:
                break
    return problems


def _header_problems(clip: ClipToVerify, decodable: int) -> list[Problem]:
    """What the header claims of the length, against the file."""
    claims = header_claims(clip.path)
    if claims.missing:
        detail = f"{claims.missing}; {decodable} can be decoded"
        return [Problem(clip.name, "", "truncated", detail, "Fetch it again; until then it ends early.")]
    if claims.frames in (0, decodable):
        return []
    detail = f"its header announces {claims.frames} frames, {decodable} can be decoded"
    return [Problem(clip.name, "", "header", detail, "Nothing: the frames are counted, the header is not believed.")]


def _not_as_packed(clip: ClipToVerify) -> Problem:
    return Problem(clip.name, "", "damaged", f"the frames in {clip.path} are not those that were packed", REPACK)


def _unreadable(clip: ClipToVerify, error: LiftError) -> Problem:
    return Problem(clip.name, "", "unreadable", error.what, error.fix or "Fetch or extract it again.")
