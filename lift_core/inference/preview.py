"""Previews of an interpolated video: a contact sheet of old and new frames, or both videos side by side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lift_core.atomic import atomic_file
from lift_core.data.clip_writer import write_image
from lift_core.data.scene_cuts import in_order
from lift_core.data.source import scaled
from lift_core.data.video_file import VideoFileSource
from lift_core.errors import OutputError
from lift_core.inference.frames import Image
from lift_core.inference.output_checks import check_output_file
from lift_core.inference.video_style import read_style, read_timeline
from lift_core.inference.video_writer import CONTAINERS, VideoWriter
from lift_core.viz.figures import contact_sheet

_SHEET = ".png"

_ROWS = 4
_CELL_WIDTH = 480

_WIDEST = 1920
"""Pixels that one of two videos side by side is wide at most."""

_SAME = 0.6e-3
"""Seconds by which the times of one frame in two containers differ at most: MKV rounds to milliseconds."""


def check_preview(preview: Path, source: Path, result: Path, *, force: bool) -> None:
    """Refuse a preview of an unknown kind, or in the place of something else, before there is a result.

    Raises:
        OutputError: another suffix than .png or that of a video, or the source, the result, or a file that exists.
    """
    check_output_file(source, preview, force, (_SHEET, *CONTAINERS))
    if preview.resolve() == result.resolve():
        raise OutputError("the preview is the output", where=preview, fix="Name another file.")


def write_preview(source: Path, result: Path, preview: Path) -> None:
    """Write a preview of ``result``, made from the video ``source``; its suffix says of which kind.

    Raises:
        SourceError, FrameReadError: a video that cannot be read.
        OutputError: the place cannot be written to.
    """
    old, new = VideoFileSource(source, threads=0), VideoFileSource(result, threads=0)
    if preview.suffix.lower() == _SHEET:
        with atomic_file(preview) as partial:
            write_image(partial, _sheet(old, new))
    else:
        _write_side_by_side(old, new, result, preview)


def _sheet(old: VideoFileSource, new: VideoFileSource) -> Image:
    """Evenly spaced new frames, each between the old ones around it; one old frame where none is new."""
    shown, old_times, new_times = _shown(old, new), _times(old), _times(new)
    made = np.flatnonzero((np.abs(new_times - old_times[shown]) > _SAME) & (shown + 1 < len(old)))
    frames, labels = [], []
    for number in made[np.linspace(0, len(made) - 1, min(_ROWS, len(made))).round().astype(int)]:
        before = int(shown[number])
        frames += [old.frame(before), new.frame(int(number)), old.frame(before + 1)]
        times = (old_times[before], new_times[number], old_times[before + 1])
        labels += [f"{kind}, {time:.3f} s" for kind, time in zip(("old", "new", "old"), times, strict=True)]
    if not frames:
        return contact_sheet([old.frame(0)], labels=["old; no frame is new"])
    return contact_sheet(frames, columns=3, cell_width=_CELL_WIDTH, labels=labels)


def _write_side_by_side(old: VideoFileSource, new: VideoFileSource, result: Path, preview: Path) -> None:
    timeline, style = read_timeline(result, new), read_style(result, new)
    height, width = new.size
    if width > _WIDEST:
        height, width = max(1, round(height * _WIDEST / width)), _WIDEST
    times = zip(timeline.ticks.tolist(), timeline.durations.tolist(), strict=True)
    with (
        atomic_file(preview) as partial,
        VideoWriter(partial, (height, 2 * width), timeline.time_base, style, place=preview) as writer,
    ):
        both = zip(_held(old, _shown(old, new)), in_order(new), strict=True)
        for images, (tick, duration) in zip(both, times, strict=True):
            writer.write(np.hstack([scaled(image, (height, width)) for image in images]), tick, duration)


def _held(old: VideoFileSource, shown: NDArray[np.int64]) -> Iterator[Image]:
    """The old frame that is shown at each new one."""
    frames, number = in_order(old), 0
    image = next(frames)
    for wanted in shown.tolist():
        while number < wanted:
            image, number = next(frames), number + 1
        yield image


def _shown(old: VideoFileSource, new: VideoFileSource) -> NDArray[np.int64]:
    """The number of the old frame that is shown at each new frame's time."""
    return np.maximum(np.searchsorted(_times(old), _times(new) + _SAME, side="right") - 1, 0)


def _times(clip: VideoFileSource) -> NDArray[np.float64]:
    """Seconds from the first frame; a container may move all streams alike."""
    times = clip.timestamps
    if times is None:
        return np.arange(len(clip)) / float(clip.frame_rate or 30)
    return times - times[0]
