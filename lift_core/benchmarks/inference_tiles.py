"""Tiles beside whole frames: the memory that is stated and taken, the time, and how far the frames are apart."""

from __future__ import annotations

import time

import cv2
import numpy as np

from lift_core.benchmarks.table import BenchOptions, Row, Table
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.inference.frames import Image
from lift_core.inference.interpolator import Interpolator
from lift_core.inference.lift_method import LiftMethod
from lift_core.model.weights import load_lift
from lift_core.profiling.measure import freed_at_once, peak_rss

_WHOLE = "whole frames"


def tiles(options: BenchOptions) -> Table:
    """One new frame of 4K between two, in whole and within budgets."""
    size = (448, 768) if options.quick else (2160, 3840)
    budgets = (120,) if options.quick else (2000, 1000)
    _made(None, (64, 96), options.seed)  # What is loaded at its first use takes time that is not counted.
    expected, taken, _ = _made(None, size, options.seed)
    grown = _memory(None, size, options.seed)
    rows = [Row(f"{_WHOLE}: memory", grown, "MB"), Row(f"{_WHOLE}: time", taken, "s")]
    for budget in budgets:
        made, seconds, count = _made(budget, size, options.seed)
        memory = _memory(budget, size, options.seed)
        apart = np.abs(made.astype(int) - expected.astype(int))
        label = f"{count} tiles for {budget} MB"
        wanted = f"≤ {budget} MB"
        mean = f"{float(apart.mean()):.3f} on average"
        rows += [
            Row(
                f"{label}: memory",
                memory,
                "MB",
                _WHOLE,
                grown / memory,
                condition=wanted,
                holds=memory <= budget,
            ),
            Row(f"{label}: time", seconds, "s", _WHOLE, taken / seconds),
            Row(f"{label}: largest difference", float(apart.max()), "grey levels", note=mean),
        ]
    note = (
        f"lift_tiny, one new frame of {size[0]}x{size[1]} between two, one thread of a CPU. Memory: what a process"
        " grows by, at most, its two frames and the weights included. Time: processor time."
    )
    return Table("Tiles", tuple(rows), note)


def make_frame(budget: int | None, size: tuple[int, int], seed: int) -> None:
    """One new frame between two, with so many MB."""
    _made(budget, size, seed)


def _memory(budget: int | None, size: tuple[int, int], seed: int) -> float:
    with freed_at_once():
        return peak_rss(make_frame, budget, size, seed, warm_up=(None, (64, 96), seed)) / 1e6


def _made(budget: int | None, size: tuple[int, int], seed: int) -> tuple[Image, float, int]:
    """The new frame, seconds of processor time, and the number of tiles."""
    first, second = _pair(size, seed)
    method = LiftMethod(load_lift("lift_tiny"), memory=2**40 if budget is None else budget * 10**6)
    started = time.process_time()
    frame = np.asarray(Interpolator.with_method(method)(first, second))
    return frame, time.process_time() - started, len(method.tiles(size))


def _pair(size: tuple[int, int], seed: int) -> tuple[Image, Image]:
    """Two frames of a moving scene, drawn at a quarter of the size and enlarged: what 4K shows of fine detail."""
    height, width = (side // 4 for side in size)
    clip = ProceduralClip(ClipConfig(frames=2, height=height, width=width, seed=seed, max_speed=4.0))
    first, second = (
        np.asarray(cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_CUBIC), np.uint8)
        for image in clip.frames(range(2))
    )
    return first, second
