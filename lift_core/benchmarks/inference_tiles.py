"""Tiles beside whole frames: the memory that is stated and taken, the time, and how far the frames are apart."""

from __future__ import annotations

import time

import cv2
import numpy as np

from lift_core.benchmarks.model_memory import Prepared, measured_growth
from lift_core.benchmarks.table import BenchOptions, Row, Table
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.inference.frames import Image
from lift_core.inference.interpolator import Interpolator
from lift_core.inference.lift_method import LiftMethod
from lift_core.model.weights import load_lift

_WHOLE = "whole frames"


def tiles(options: BenchOptions) -> Table:
    """One new frame of 4K between two, in whole and within budgets."""
    size = (544, 960) if options.quick else (2160, 3840)
    budgets = (150,) if options.quick else (2000, 1000)
    first, second = _pair(size, options.seed)
    whole = LiftMethod(load_lift("lift_tiny"), memory=2**40)
    expected = _new_frame(whole, first, second)
    taken, grown = _seconds(whole, first, second), _memory(None, size, options.seed)
    rows = [Row(f"{_WHOLE}: memory", grown, "MB"), Row(f"{_WHOLE}: time", taken, "s")]
    for budget in budgets:
        method = LiftMethod(load_lift("lift_tiny"), memory=budget * 10**6)
        made = _new_frame(method, first, second)
        seconds = _seconds(method, first, second)
        memory = _memory(budget, size, options.seed)
        apart = np.abs(made.astype(int) - expected.astype(int))
        label = f"{len(method.tiles(size))} tiles for {budget} MB"
        rows.append(
            Row(
                f"{label}: memory", memory, "MB", _WHOLE, grown / memory,
                condition=f"≤ {budget} MB", holds=memory <= budget,
            )
        )  # fmt: skip
        rows.append(Row(f"{label}: time", seconds, "s", _WHOLE, taken / seconds))
        rows.append(
            Row(
                f"{label}: largest difference", float(apart.max()), "grey levels",
                note=f"{float(apart.mean()):.3f} on average",
            )
        )  # fmt: skip
    note = (
        f"lift_tiny, one new frame of {size[0]}x{size[1]} between two, one thread of a CPU. Memory: what a process"
        " grows by, at most. Time: processor time."
    )
    return Table("Tiles", tuple(rows), note)


def new_frame_within(budget: int | None, size: tuple[int, int], seed: int) -> Prepared:
    """One new frame between two, with so many MB."""
    first, second = _pair(size, seed)
    method = LiftMethod(load_lift("lift_tiny"), memory=2**40 if budget is None else budget * 10**6)
    return lambda: _new_frame(method, first, second), []


def _memory(budget: int | None, size: tuple[int, int], seed: int) -> float:
    return measured_growth(new_frame_within, budget, size, seed) / 1e6


def _seconds(method: LiftMethod, first: Image, second: Image) -> float:
    started = time.process_time()
    _new_frame(method, first, second)
    return time.process_time() - started


def _new_frame(method: LiftMethod, first: Image, second: Image) -> Image:
    return np.asarray(Interpolator.with_method(method)(first, second))


def _pair(size: tuple[int, int], seed: int) -> tuple[Image, Image]:
    """Two frames of a moving scene, drawn at a quarter of the size and enlarged: what 4K shows of fine detail."""
    height, width = (side // 4 for side in size)
    clip = ProceduralClip(ClipConfig(frames=2, height=height, width=width, seed=seed, max_speed=4.0))
    first, second = (
        np.asarray(cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_CUBIC), np.uint8)
        for image in clip.frames(range(2))
    )
    return first, second
