"""Tests of the memory that interpolation is said to need: against what a process takes, and the tiles that fit it."""

from __future__ import annotations

import gc
import multiprocessing
import threading
from dataclasses import replace
from multiprocessing.connection import Connection

import numpy as np
import psutil
import pytest
import torch

from lift_core.errors import ConfigError
from lift_core.inference.interpolator import Interpolator
from lift_core.inference.tiles import cut
from lift_core.inference.working_memory import fitting_tiles, padded_size, working_memory
from lift_core.model.config import preset
from lift_core.model.weights import load_lift
from lift_core.profiling.measure import freed_at_once

TINY = preset("lift_tiny")


@pytest.mark.parametrize("budget", [3_000, 1_200, 900])
def test_the_fewest_tiles_that_fit_are_taken(budget):
    size = (2160, 3840)
    tiles = fitting_tiles(TINY, 6, size, budget * 10**6)
    assert working_memory(TINY, 6, size, tiles).total <= budget * 10**6
    height, width = padded_size(size)
    for core in (4096, 2048, 1536, 1024, 768):
        fewer = cut(height, width, core)
        if len(fewer) < len(tiles):
            assert working_memory(TINY, 6, size, fewer).total > budget * 10**6


def test_what_is_held_grows_with_the_context_and_shrinks_with_half_precision():
    one = cut(*padded_size((720, 1280)), 1280)
    by_context = [working_memory(TINY, context, (720, 1280), one) for context in (2, 6, 64)]
    assert by_context[0].features < by_context[1].features < by_context[2].features
    half = working_memory(TINY, 64, (720, 1280), one, "float16")
    assert half.features * 2 == by_context[2].features
    # s16 of 64 frames: 96 channels of 45x80 cells, rounded up to whole tokens.
    assert by_context[2].features - by_context[0].features == 62 * 96 * 46 * 80 * 4


def test_a_start_from_classical_flow_takes_memory_that_is_no_larger_for_large_frames():
    start = replace(TINY, start="quadratic")
    tiles = {size: cut(*padded_size(size), 64) for size in ((720, 1280), (1080, 1920), (2160, 3840))}
    flow, none = ({size: working_memory(config, 6, size, tiles[size]) for size in tiles} for config in (start, TINY))
    assert {memory.start for memory in none.values()} == {0}
    assert all(flow[size].held - flow[size].start == none[size].held for size in tiles)
    # Four flows, two accelerations and six pictures in 8 bits are the least that is kept.
    assert flow[720, 1280].start >= 736 * 1280 * (6 * 2 * 4 + 6 * 3)
    assert flow[2160, 3840].start <= flow[1080, 1920].start <= flow[720, 1280].start
    smallest = cut(*padded_size((720, 1280)), 64)
    assert flow[720, 1280].step >= none[720, 1280].step
    assert working_memory(start, 6, (720, 1280), smallest).step > 736 * 1280 * 80


def test_too_little_memory_says_what_is_needed():
    with pytest.raises(ConfigError, match=r"100 MB do not hold what lift_64 needs .* 64 frames .*--context"):
        fitting_tiles(preset("lift_64"), 64, (2160, 3840), 100 * 10**6)


def _grow(pipe: Connection, size: tuple[int, int]) -> None:
    """Interpolate in a process of its own and send by how much it grows at most."""
    torch.set_num_threads(1)
    interpolator = Interpolator("lift_tiny", device="cpu", memory=10**9)
    rng = np.random.default_rng(0)
    small, large = ([rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for _ in range(2)] for shape in ((64, 96), size))
    list(interpolator.frames(small, detect_cuts=False))
    gc.collect()
    process = psutil.Process()
    before = peak = process.memory_info().rss
    stop = threading.Event()

    def sample() -> None:
        nonlocal peak
        while not stop.wait(0.002):
            peak = max(peak, process.memory_info().rss)

    sampler = threading.Thread(target=sample)
    sampler.start()
    list(interpolator.frames(large, detect_cuts=False))
    stop.set()
    sampler.join()
    pipe.send(peak - before)


def test_a_process_grows_by_what_is_counted_and_no_more(monkeypatch):
    size = (416, 832)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_grow, args=(there, size))
    # What is seen is what is in use.
    with freed_at_once():
        process.start()
    there.close()
    grown = here.recv()
    process.join()
    counted = working_memory(load_lift("lift_tiny").config, 6, size, cut(*size, max(size))).total
    assert 0.5 * counted <= grown <= counted
