"""Ways to make a new frame beside each other: LIFT, DIS flow straight and bent, cross-fade, ffmpeg's minterpolate."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from fractions import Fraction
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from lift_core.benchmarks.table import BenchOptions, Row, Table
from lift_core.classical import blend, interpolate_dis
from lift_core.data.clip_writer import write_video
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.inference.frames import Image
from lift_core.inference.lift_method import LiftMethod, Precision
from lift_core.inference.methods import BaselineMethod, Method
from lift_core.inference.streaming import StreamFrame, pairs
from lift_core.metrics import psnr
from lift_core.model.weights import load_lift
from lift_core.profiling.measure import cpu_clock, in_turn

_LIFT = "lift_tiny, T=6"


def methods(options: BenchOptions) -> Table:
    """Processor time of one new frame in the middle between two, at two sizes."""
    sizes, frames, rounds = (((128, 192),), 16, 1) if options.quick else (((256, 448), (720, 1280)), 16, 3)
    rows = [row for size in sizes for row in _beside_each_other(size, frames, rounds, options.seed)]
    note = (
        "Processor time of one new frame, median; one thread. LIFT and quadratic stream: what a pair shares with"
        " the one before is done once."
        " minterpolate (motion-compensated): ffmpeg with the filter less ffmpeg without it, per new frame."
    )
    return Table("One new frame, by method", tuple(rows), note)


def _beside_each_other(size: tuple[int, int], count: int, rounds: int, seed: int) -> list[Row]:
    clip = ProceduralClip(ClipConfig(frames=count, height=size[0], width=size[1], seed=seed, max_speed=8.0))
    images = list(clip.frames(range(count)))
    tasks: dict[str, Callable[[], object]] = {
        _LIFT: _streamed(LiftMethod(load_lift("lift_tiny"), memory=2**40), images),
        "quadratic": _streamed(BaselineMethod("quadratic"), images),
        "dis": lambda: interpolate_dis(images[0], images[1], 0.5),
        "blend": lambda: blend(images[0], images[1], 0.5),
    }
    seconds = {name: taken.median for name, taken in in_turn(tasks, rounds=rounds).items()}
    if shutil.which("ffmpeg") is not None:
        seconds["ffmpeg minterpolate"] = _minterpolate(images, rounds)
    shape = f"{size[0]}x{size[1]}"
    lift = 1e3 * seconds[_LIFT]
    rows = [Row(f"{shape}: {_LIFT}", lift, "ms")]
    for name in list(seconds)[1:]:
        other = 1e3 * seconds[name]
        rows.append(Row(f"{shape}: {name}", other, "ms", _LIFT, lift / other))
    return rows


def _streamed(method: Method, images: list[Image]) -> Callable[[], object]:
    stream = pairs(method, map(StreamFrame, cycle(images)))
    for _ in range(method.context // 2):
        next(stream)
    return lambda: next(stream).at(0.5)


def _minterpolate(images: list[Image], rounds: int) -> float:
    """Seconds of processor time for one new frame."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write_video(path, images, fps=Fraction(30), crf=0)
        taken = in_turn(
            {
                "with": lambda: _ffmpeg(path, ["-vf", "minterpolate=fps=60:mi_mode=mci:scd=none"]),
                "without": lambda: _ffmpeg(path, []),
            },
            rounds=rounds,
            clock=cpu_clock,
        )
    return max(taken["with"].median - taken["without"].median, 1e-4) / (len(images) - 1)


def _ffmpeg(path: Path, options: list[str]) -> None:
    command = ["ffmpeg", "-v", "error", "-threads", "1", "-filter_threads", "1", "-i", str(path), *options]
    subprocess.run([*command, "-f", "null", "-"], check=True, stdin=subprocess.DEVNULL)


def precisions(options: BenchOptions) -> Table:
    """Processor time of one new frame in half precision beside float32, and how far the frames are apart."""
    size, rounds = ((64, 96), 1) if options.quick else ((256, 448), 5)
    clip = ProceduralClip(ClipConfig(frames=8, height=size[0], width=size[1], seed=options.seed, max_speed=6.0))
    images = list(clip.frames(range(8)))
    model = load_lift("lift_tiny")
    kinds: tuple[Precision, ...] = ("fp32", "bf16", "fp16")
    made = {kind: _first_new_frame(LiftMethod(model, precision=kind, memory=2**40), images) for kind in kinds}
    taken = in_turn({kind: _streamed_in(kind, images) for kind in kinds}, rounds=rounds)
    exact = 1e3 * taken["fp32"].median
    rows = [Row("fp32", exact, "ms")]
    for kind in kinds[1:]:
        apart = psnr(made[kind], made["fp32"])
        half = 1e3 * taken[kind].median
        rows.append(Row(kind, half, "ms", "fp32", exact / half, note=f"{apart:.1f} dB from fp32"))
    note = f"lift_tiny on a CPU, one thread, {size[0]}x{size[1]}, streamed; processor time of one new frame, median."
    return Table("Half precision on a CPU", tuple(rows), note)


def _first_new_frame(method: LiftMethod, images: list[Image]) -> Image:
    with torch.inference_mode():
        return np.asarray(next(pairs(method, map(StreamFrame, images))).at(0.5))


def _streamed_in(precision: Precision, images: list[Image]) -> Callable[[], object]:
    return _streamed(LiftMethod(load_lift("lift_tiny"), precision=precision, memory=2**40), images)
