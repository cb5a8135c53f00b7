"""The demonstration: frames are hidden, made again and compared, and a video is written at twice the frame rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice, repeat
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from lift_core.atomic import atomic_file
from lift_core.data.clip_writer import write_video
from lift_core.data.extraction import scale_down
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.data.scene_cuts import in_order
from lift_core.data.source import FrameSource
from lift_core.data.video_file import VideoFileSource
from lift_core.errors import ConfigError, SourceError
from lift_core.inference.evaluate import EXACT_PSNR
from lift_core.inference.frames import to_image
from lift_core.inference.hidden_frames import EvaluationConfig, clip_cuts, hidden_frames
from lift_core.inference.methods import Method
from lift_core.inference.moments import multiplied
from lift_core.inference.output_checks import check_output_file
from lift_core.inference.streaming import StreamFrame, detect_shots, interpolate_stream
from lift_core.inference.video_style import read_style, read_timeline
from lift_core.inference.video_writer import VideoWriter
from lift_core.metrics import psnr
from lift_core.viz.figures import before_after, save_figure

Image = NDArray[np.uint8]

CLIP = ClipConfig(frames=33, height=192, width=320, seed=11, max_speed=6.0)
"""The generated clip: 33 frames, 17 of which the methods see."""

_MOST_COMPARED = 33

_HALF_RATE, _INTERPOLATED, _FIGURE = "half_rate.mp4", "interpolated.mp4", "before_after.png"


@dataclass(frozen=True)
class Demonstration:
    """What the demonstration found and wrote.

    Attributes:
        clip: what was interpolated, in words.
        psnr: mean PSNR in dB of the frames made again, by method.
        compared: how many frames that were.
        files: what was written, with what it shows.
        figure_text: a sentence that says what the figure shows.
    """

    clip: str
    psnr: Mapping[str, float]
    compared: int
    files: Mapping[Path, str]
    figure_text: str


def demonstrate_generated(methods: Mapping[str, Method], folder: Path) -> Demonstration:
    """Hide every second frame of a generated clip, make it again, and write videos and a figure.

    Args:
        methods: what makes the frames, by name; the first one's video is written.
        folder: gets ``half_rate.mp4``, ``interpolated.mp4`` and ``before_after.png``; earlier ones are replaced.

    Raises:
        OutputError: the folder cannot be written to.
    """
    clip = ProceduralClip(CLIP)
    comparison = _compare(clip, methods, EvaluationConfig())
    first = next(iter(methods))
    frames = list(in_order(clip))
    for number, made in comparison.made[first].items():
        frames[number] = made
    half, full = folder / _HALF_RATE, folder / _INTERPOLATED
    write_video(half, frames[::2], fps=Fraction(15))
    write_video(full, frames, fps=Fraction(30))
    figure, text = _write_figure(comparison, folder)
    height, width = clip.size
    return Demonstration(
        clip=f"a generated clip, {len(clip)} frames of {height}x{width}",
        psnr=comparison.means(),
        compared=len(comparison.scenes),
        files={half: "what the methods saw, 15 frames/s", full: f"made by {first}, 30 frames/s", **figure},
        figure_text=text,
    )


def demonstrate_video(
    methods: Mapping[str, Method], source: Path, folder: Path, *, seconds: float, shorter_side: int
) -> Demonstration:
    """Double the frame rate of a video's beginning, scaled down, and compare on frames hidden from it.

    Args:
        methods: what makes the frames, by name; the first one's video is written.
        source: the video.
        folder: gets ``interpolated.mp4`` (without sound) and ``before_after.png``; earlier ones are replaced.
        seconds: how much of the video is used.
        shorter_side: frames are scaled down to so many pixels.

    Raises:
        ConfigError: no time at all, or frames too small.
        SourceError: no video, or fewer than three frames in that time.
        OutputError: the folder cannot be written to, or the video is one of the files to be written.
    """
    for name in (_INTERPOLATED, _FIGURE):
        check_output_file(source, folder / name, force=True, suffixes=(".mp4", ".png"))
    clip = VideoFileSource(source, threads=0)
    count = _frames_within(clip, seconds)
    if count < 3:
        raise SourceError(
            f"a comparison needs three frames, and the first {seconds:g} seconds hold {count}",
            where=source,
            fix="Use more seconds, or a longer video.",
        )
    config = EvaluationConfig(max_frames=min(count, _MOST_COMPARED), shorter_side=shorter_side)
    comparison = _compare(clip, methods, config)
    first = next(iter(methods))
    full = folder / _INTERPOLATED
    _double(methods[first], clip, source, full, count, shorter_side)
    figure, text = _write_figure(comparison, folder)
    return Demonstration(
        clip=f"the first {count} frames of {source.name}",
        psnr=comparison.means(),
        compared=len(comparison.scenes),
        files={full: f"twice the frame rate, made by {first}", **figure},
        figure_text=text,
    )


@dataclass(frozen=True)
class _Scene:
    """A hidden frame and its neighbours."""

    before: Image
    truth: Image
    after: Image


@dataclass(frozen=True)
class _Comparison:
    """The hidden frames of a clip by number, and what each method made of them."""

    scenes: Mapping[int, _Scene]
    made: Mapping[str, Mapping[int, Image]]

    def quality(self, method: str, number: int) -> float:
        return min(psnr(self.made[method][number], self.scenes[number].truth), EXACT_PSNR)

    def means(self) -> dict[str, float]:
        return {name: fmean(self.quality(name, number) for number in self.scenes) for name in self.made}

    def hardest(self, method: str) -> int:
        """The number of the hidden frame that a method makes worst."""
        return min(self.scenes, key=lambda number: self.quality(method, number))


def _compare(source: FrameSource, methods: Mapping[str, Method], config: EvaluationConfig) -> _Comparison:
    cuts = clip_cuts(source, config)
    scenes: dict[int, _Scene] = {}
    made: dict[str, dict[int, Image]] = {name: {} for name in methods}
    for name, method in methods.items():
        for hidden in hidden_frames(source, method, config, cuts):
            if hidden.pair.kind == "moving":
                made[name][hidden.number] = to_image(hidden.pair.at(hidden.timestep))
                first, second = to_image(hidden.pair.first.frame), to_image(hidden.pair.second.frame)
                scenes[hidden.number] = _Scene(first, hidden.truth, second)
    if not scenes:
        raise SourceError("nothing moves here, or there are fewer than three frames", where=source.name)
    return _Comparison(scenes, made)


def _write_figure(comparison: _Comparison, folder: Path) -> tuple[dict[Path, str], str]:
    """Draw the frame that the last method, the simplest, finds hardest."""
    simplest = list(comparison.made)[-1]
    number = comparison.hardest(simplest)
    scene = comparison.scenes[number]
    made = {name: comparison.made[name][number] for name in reversed(list(comparison.made))}
    title = f"frame {number}, hidden: of all hidden frames the one that {simplest} makes worst"
    figure, text = before_after((scene.before, scene.after), scene.truth, made, title=title)
    path = folder / _FIGURE
    save_figure(figure, path, text)
    return {path: "one hidden frame: the truth, what each method made, its errors"}, text


def _double(method: Method, clip: VideoFileSource, source: Path, output: Path, count: int, shorter_side: int) -> None:
    """Write the first ``count`` frames of a video, scaled down, at twice their rate."""
    whole = read_timeline(source, clip)
    plan = multiplied(replace(whole, ticks=whole.ticks[:count]), 2)
    style = read_style(source, clip)
    images = (scale_down(image, shorter_side) for image in islice(in_order(clip), count))
    shots = detect_shots(StreamFrame(*pair) for pair in _timed(images, clip))
    frames = interpolate_stream(method, shots, plan.moments())
    height, width = scale_down(clip.frame(0), shorter_side).shape[:2]
    shown = zip(plan.timeline.ticks.tolist(), plan.timeline.durations.tolist(), strict=True)
    with (
        atomic_file(output) as partial,
        VideoWriter(
            partial, (height, width), plan.timeline.time_base, style.at_rate(2 * style.rate), place=output
        ) as writer,
    ):
        for frame, (tick, duration) in zip(frames, shown, strict=True):
            writer.write(to_image(frame), tick, duration)


def _timed(images: Iterable[Image], clip: FrameSource) -> Iterable[tuple[Image, float | None]]:
    times = repeat(None) if clip.timestamps is None else clip.timestamps.tolist()
    return zip(images, times, strict=False)


def _frames_within(clip: FrameSource, seconds: float) -> int:
    if not seconds > 0:
        raise ConfigError(f"{seconds} seconds hold no frames.", fix="Choose a positive number of seconds.")
    if clip.timestamps is None:
        return min(len(clip), round(30 * seconds))
    return int(np.searchsorted(clip.timestamps, clip.timestamps[0] + seconds, side="right"))
