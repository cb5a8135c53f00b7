"""Evaluation: hide every second frame of a clip, make it again, compare; per clip and method, T in every row."""

from __future__ import annotations

import csv
import io
import json
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import islice
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from lift_core.data.extraction import scale_down
from lift_core.data.scene_cuts import find_cuts, in_order
from lift_core.data.source import FrameSource
from lift_core.errors import ConfigError, SourceError
from lift_core.inference.frames import to_image
from lift_core.inference.methods import Method
from lift_core.inference.streaming import Pair, StreamFrame, pairs
from lift_core.metrics import psnr, ssim

Image = NDArray[np.uint8]

EXACT_PSNR = 100.0
"""What a frame that is reproduced to the last bit counts in a mean, in dB; its true PSNR is infinite."""

MEAN = "mean of clips"


@dataclass(frozen=True)
class Row:
    """What one method made of one clip, or of all (``clip`` is then ``"mean of clips"``).

    Attributes:
        method: its name.
        context: T, the frames it looked at.
        clip: the clip's name.
        frames: hidden frames that were compared.
        psnr: mean of the frames' PSNR in dB.
        ssim: mean of the frames' SSIM.
        seconds: for one new frame, its share of the encoding included.
        cuts: hidden frames left out because a scene cut lies between their neighbours.
        still: hidden frames left out because their neighbours are equal to the last bit.
    """

    method: str
    context: int
    clip: str
    frames: int
    psnr: float
    ssim: float
    seconds: float
    cuts: int
    still: int


@dataclass(frozen=True)
class EvaluationConfig:
    """How a clip is evaluated.

    Attributes:
        max_frames: use only so many frames from the clip's start; None for all.
        shorter_side: scale frames down to this many pixels first, by area; None to leave them. Smaller frames are
            left as they are.
    """

    max_frames: int | None = None
    shorter_side: int | None = None

    def __post_init__(self) -> None:
        if self.max_frames is not None and self.max_frames < 3:
            raise ConfigError(f"{self.max_frames} frames hide none.", fix="Use 3 or more.")
        if self.shorter_side is not None and self.shorter_side < 16:
            raise ConfigError(f"frames of {self.shorter_side} pixels are too small.", fix="Use 16 or more.")


def evaluate(
    clips: Mapping[str, FrameSource],
    methods: Mapping[str, Method],
    config: EvaluationConfig,
    *,
    on_row: Callable[[Row], None] | None = None,
) -> list[Row]:
    """Evaluate every method on every clip; the rows of the means of clips come last, one for each method.

    Args:
        clips: the clips, by the name that the rows carry.
        methods: what makes the frames, by the name that the rows carry.
        config: how much of each clip is used.
        on_row: called with each clip's row when it is known.

    Raises:
        ConfigError: no clip or no method.
        Others as `evaluate_clip` raises them.
    """
    if not clips or not methods:
        raise ConfigError("an evaluation needs clips and methods.", fix="Name at least one of each.")
    rows = []
    for clip, source in clips.items():
        cuts = clip_cuts(source, config)
        for name, method in methods.items():
            row = replace(evaluate_clip(source, method, config, cuts=cuts), method=name, clip=clip)
            rows.append(row)
            if on_row is not None:
                on_row(row)
    return rows + [mean_row([row for row in rows if row.method == name]) for name in methods]


def evaluate_clip(
    source: FrameSource, method: Method, config: EvaluationConfig, *, cuts: Sequence[int] | None = None
) -> Row:
    """Hide the frames 1, 3, 5, … of a clip, make each from the even ones, and compare.

    The window of a hidden frame holds the T even frames around it (``FrameWindow.uniform(T, stride=2)``), and its time
    between its neighbours is the true one where the clip has timestamps. The clip is streamed.

    Args:
        source: the clip.
        method: what makes the frames.
        config: how much of the clip is used.
        cuts: sorted numbers of the frames that begin a shot; by default they are looked for.

    Raises:
        SourceError: fewer than three frames, or no frame that can be compared.
        ShapeError: frames smaller than 11x11.
    """
    if _used(source, config) < 3:
        raise SourceError("a clip of fewer than three frames has none to hide", where=source.name)
    shots = clip_cuts(source, config) if cuts is None else cuts
    scores: list[tuple[float, float, float]] = []
    skipped = {"cut": 0, "still": 0}
    for hidden in hidden_frames(source, method, config, shots):
        if hidden.pair.kind == "moving":
            scores.append(_score(hidden))
        else:
            skipped[hidden.pair.kind] += 1
    if not scores:
        raise SourceError("no frame to compare: all are at cuts or between equal frames", where=source.name)
    quality, similarity, seconds = (fmean(column) for column in zip(*scores, strict=True))
    return Row(
        method=method.name,
        context=method.context,
        clip=source.name,
        frames=len(scores),
        psnr=quality,
        ssim=similarity,
        seconds=seconds,
        cuts=skipped["cut"],
        still=skipped["still"],
    )


@dataclass(frozen=True)
class HiddenFrame:
    """A frame that was hidden, and the pair of frames between which it stood.

    Attributes:
        number: its place in the clip.
        truth: the frame itself, scaled as the configuration says.
        pair: its neighbours, scaled likewise.
        timestep: where it stood between them, from 0 to 1.
    """

    number: int
    truth: Image
    pair: Pair
    timestep: float


def hidden_frames(
    source: FrameSource, method: Method, config: EvaluationConfig, cuts: Sequence[int]
) -> Iterator[HiddenFrame]:
    """Stream a clip's even frames and give each odd one with the pair around it, from which it can be made again.

    Args:
        source: the clip.
        method: what will make the frames.
        config: how much of the clip is used.
        cuts: sorted numbers of the frames that begin a shot.
    """
    aside: dict[int, Image] = {}
    for position, pair in enumerate(pairs(method, _even_frames(source, config, cuts, aside))):
        number = 2 * position + 1
        yield HiddenFrame(number, aside.pop(number), pair, _timestep(source, number))


def mean_row(rows: Sequence[Row]) -> Row:
    """The mean of one method's clips, every clip counting once; counts are summed."""
    return Row(
        method=rows[0].method,
        context=rows[0].context,
        clip=MEAN,
        frames=sum(row.frames for row in rows),
        psnr=fmean(row.psnr for row in rows),
        ssim=fmean(row.ssim for row in rows),
        seconds=fmean(row.seconds for row in rows),
        cuts=sum(row.cuts for row in rows),
        still=sum(row.still for row in rows),
    )


def clip_cuts(source: FrameSource, config: EvaluationConfig) -> tuple[int, ...]:
    """The scene cuts of the part of a clip that is used."""
    return find_cuts(islice(in_order(source), _used(source, config)))


def format_table(rows: Sequence[Row]) -> str:
    """The rows as a text table, each clip's methods together, best PSNR of a clip marked with a star."""
    best = {clip: max(row.psnr for row in rows if row.clip == clip) for clip in {row.clip for row in rows}}
    header = ("clip", "method", "T", "frames", "PSNR", "SSIM", "ms/frame")
    body = [
        (
            row.clip,
            row.method,
            str(row.context),
            str(row.frames),
            f"{row.psnr:.2f}" + ("*" if row.psnr == best[row.clip] else " "),
            f"{row.ssim:.4f}",
            f"{1000 * row.seconds:.1f}",
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in [header, *body]) for column in range(len(header))]
    lines = ["  ".join(_aligned(line, widths)).rstrip() for line in [header, *body]]
    left_out = "".join(
        f"\n{clip}: left out {cuts} at cuts, {still} between equal frames"
        for clip, cuts, still in dict.fromkeys((row.clip, row.cuts, row.still) for row in rows)
        if (cuts or still) and clip != MEAN
    )
    return "\n".join(lines) + left_out


def to_csv(rows: Sequence[Row]) -> str:
    """The rows as CSV with a header line."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Row)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return text.getvalue()


def to_json(rows: Sequence[Row], config: EvaluationConfig) -> str:
    """The configuration and the rows as JSON."""
    return json.dumps({"config": asdict(config), "rows": [asdict(row) for row in rows]}, indent=2) + "\n"


def _score(hidden: HiddenFrame) -> tuple[float, float, float]:
    """PSNR, SSIM and seconds of one new frame; frames are encoded when first needed, so the seconds hold all."""
    started = time.perf_counter()
    made = to_image(hidden.pair.at(hidden.timestep))
    seconds = time.perf_counter() - started
    return min(psnr(made, hidden.truth), EXACT_PSNR), ssim(made, hidden.truth), seconds


def _even_frames(
    source: FrameSource, config: EvaluationConfig, cuts: Sequence[int], aside: dict[int, Image]
) -> Iterator[StreamFrame]:
    """Give the even frames and put the odd ones into ``aside``."""
    for number, frame in enumerate(islice(in_order(source), _used(source, config))):
        image = scale_down(frame, config.shorter_side)
        if number % 2:
            aside[number] = image
            continue
        moment = None if source.timestamps is None else float(source.timestamps[number])
        begins_shot = bisect_right(cuts, number) > bisect_right(cuts, number - 2)
        yield StreamFrame(image, moment, begins_shot)


def _timestep(source: FrameSource, number: int) -> float:
    """Where a frame lies between its neighbours, from 0 to 1."""
    if source.timestamps is None:
        return 0.5
    before, hidden, after = source.timestamps[number - 1 : number + 2]
    return float((hidden - before) / (after - before))


def _used(source: FrameSource, config: EvaluationConfig) -> int:
    return len(source) if config.max_frames is None else min(len(source), config.max_frames)


def _aligned(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    texts = [cell.ljust(width) for cell, width in zip(line[:2], widths[:2], strict=True)]
    return texts + [cell.rjust(width) for cell, width in zip(line[2:], widths[2:], strict=True)]
