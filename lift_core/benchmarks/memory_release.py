"""When `release_memory` gives something back, beside Python's collector alone, and what a call costs."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from statistics import median

import psutil
import torch

from lift_core.benchmarks.table import BenchOptions, Row, Table
from lift_core.benchmarks.training_steps import prepared_step
from lift_core.profiling.release import release_memory
from lift_core.training.config import TrainConfig

_MB = 10**6
_COLLECTED = "gc.collect() alone"
_STEP = "a training step"


def release(options: BenchOptions) -> Table:
    """Bytes that go back in several situations, one after the other in a process of their own, and what calls cost."""
    # Above 32 MB glibc always maps a block on its own, whatever was freed before.
    amount, side, number = (40, 32, 2) if options.quick else (200, 128, 12)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        freed = pool.submit(situations, amount).result()
        plain, followed, call = pool.submit(step_times, side, number).result()
    rows = [
        Row(name, released / _MB, "MB", _COLLECTED, beside_value=collected / _MB)
        for name, (collected, released) in freed.items()
    ]
    rows += [
        Row(_STEP, 1e3 * plain, "ms"),
        Row(f"{_STEP}, a call before each", 1e3 * followed, "ms", _STEP, plain / followed),
        Row("a call between steps", 1e3 * call, "ms", _STEP, plain / call),
    ]
    note = (
        f"First what goes back to the system, of {amount} MB or of what a step left; resident memory, on the CPU. Then"
        f" processor time of lift_tiny steps at {side}x{side}, medians: a step after a call asks for its memory anew,"
        " page by page. On a GPU a call also gives cached blocks to other processes, which was not measured here."
    )
    return Table("release_memory: when it helps and what it costs", tuple(rows), note)


class _Cycle:
    """Refers to itself: only the collector frees what it holds."""

    def __init__(self, megabytes: int) -> None:
        self.block = torch.ones(megabytes * _MB // 4)
        self.itself = self


def _cycle(megabytes: int) -> object:
    _Cycle(megabytes)
    return None


def _small_blocks(megabytes: int) -> object:
    # Below the size from which glibc maps blocks on their own; the last one keeps the heap from shrinking.
    blocks = [torch.ones(20_000) for _ in range(megabytes * _MB // 80_000)]
    end = torch.ones(20_000)
    del blocks
    return end


def _large_block(megabytes: int) -> object:
    torch.ones(megabytes * _MB // 4)
    return None


def _held(megabytes: int) -> object:
    return torch.ones(megabytes * _MB // 4)


def _after_training(megabytes: int) -> object:
    step = prepared_step(_config(64 if megabytes < 100 else 128))
    step()
    step()
    return None


SITUATIONS: dict[str, Callable[[int], object]] = {
    "a tensor in a cycle of references": _cycle,
    "many small freed tensors below one in use": _small_blocks,
    "what two training steps left": _after_training,
    "one large freed tensor": _large_block,
    "a tensor that a variable holds": _held,
}
"""Each makes its situation, of so many megabytes, and returns what stays alive."""


def situations(megabytes: int) -> dict[str, tuple[int, int]]:
    """Of each situation the bytes by which this process shrinks: by collecting alone, and by `release_memory`."""
    # Else the collector runs by itself at a moment that depends on what was made before.
    gc.disable()
    try:
        return {name: _given_back(situation, megabytes) for name, situation in SITUATIONS.items()}
    finally:
        gc.enable()


def _given_back(situation: Callable[[int], object], megabytes: int) -> tuple[int, int]:
    held = situation(megabytes)
    before = _rss()
    gc.collect()
    collected = _rss()
    release_memory()
    after = _rss()
    del held
    return max(before - collected, 0), max(before - after, 0)


def step_times(side: int, number: int) -> tuple[float, float, float]:
    """Seconds of processor time, medians: of a step after another, of one after a call, and of that call."""
    step = prepared_step(_config(side))
    step()
    plain = [_seconds(step) for _ in range(number)]
    both = [(_seconds(release_memory), _seconds(step)) for _ in range(number)]
    calls, followed = zip(*both, strict=True)
    return median(plain), median(followed), median(calls)


def _seconds(task: Callable[[], object]) -> float:
    start = time.process_time()
    task()
    return time.process_time() - start


def _config(side: int) -> TrainConfig:
    return TrainConfig(data=("unread",), steps=100, batch=4, phase2_crop=side, accelerator="cpu", workers=0)


def _rss() -> int:
    return int(psutil.Process().memory_info().rss)
