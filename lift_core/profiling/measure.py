"""Measuring side by side: times of tasks taken in turn, and the peak memory of a function in a process of its own."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

import psutil

from lift_core.errors import ConfigError

Clock = Callable[[], float]

_SAMPLING_S = 0.002

_MMAP_THRESHOLD = "MALLOC_MMAP_THRESHOLD_"


@dataclass(frozen=True)
class Timing:
    """What several runs of one task took, in seconds and in the order of the runs."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.seconds)

    @property
    def best(self) -> float:
        return min(self.seconds)

    @property
    def worst(self) -> float:
        return max(self.seconds)


def cpu_clock() -> float:
    """Seconds of processor time, user and system, of this process and of its children that have ended.

    Unlike the time on the wall it does not count what other programs do on the machine.
    """
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def wall_clock() -> float:
    """Seconds as they pass."""
    return time.perf_counter()


def in_turn(
    tasks: Mapping[str, Callable[[], object]], *, rounds: int = 5, clock: Clock = time.process_time
) -> dict[str, Timing]:
    """Time tasks beside each other: one warm-up of each, then A B C A B C …, so that a busy moment meets all alike.

    Args:
        tasks: what to run, by name.
        rounds: how often each is timed.
        clock: seconds; by default processor time of this process, which resolves microseconds. `cpu_clock` counts
            child processes too, in steps of a hundredth of a second on most systems.

    Raises:
        ConfigError: no tasks or no rounds.
    """
    if not tasks or rounds < 1:
        raise ConfigError(f"{len(tasks)} tasks in {rounds} rounds cannot be timed.", fix="Give at least one of each.")
    for task in tasks.values():
        task()
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            start = clock()
            task()
            taken[name].append(clock() - start)
    return {name: Timing(tuple(seconds)) for name, seconds in taken.items()}


def peak_rss(function: Callable[..., object], *args: Any, warm_up: tuple[Any, ...] | None = None) -> int:
    """Bytes by which the resident memory of a fresh process grows, at most, while it runs ``function(*args)``.

    The process is spawned and has imported the function's module before the count begins, so that the interpreter and
    libraries do not count. Memory is sampled every two milliseconds.

    Args:
        function: importable, so that another process finds it: of a module, not of a notebook or a lambda.
        args: sent to the process by pickling.
        warm_up: arguments of a call before the count begins, so that code which is loaded at its first use does not
            count either.

    Raises:
        ConfigError: the function failed there; the error's text says how.
    """
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_run_on_request, args=(there, function, args, warm_up))
    process.start()
    there.close()
    start, peak, stop = 0, [0], threading.Event()
    sampler = threading.Thread(target=_sample, args=(process.pid, peak, stop), daemon=True)
    try:
        here.recv()
        start = _rss(process.pid)
        sampler.start()
        here.send(None)
        failure = here.recv()
    except (EOFError, ConnectionError):
        failure = "the process died"
    finally:
        stop.set()
        here.close()
        process.join()
    if sampler.ident is not None:
        sampler.join()
    if failure is not None:
        raise ConfigError(f"the measured function failed: {failure}", where=function.__qualname__)
    return max(peak[0] - start, 0)


@contextmanager
def freed_at_once() -> Iterator[None]:
    """For processes that are started meanwhile: blocks from 64 kB on go back to the system when they are freed.

    By default glibc raises the size from which it does so with each large block that is freed, up to 32 MB; smaller
    ones stay with the process and hide what is allocated next. Other systems' allocators do not read the variable.
    """
    before = os.environ.get(_MMAP_THRESHOLD)
    os.environ[_MMAP_THRESHOLD] = "65536"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_MMAP_THRESHOLD]
        else:
            os.environ[_MMAP_THRESHOLD] = before


def _run_on_request(
    pipe: Connection, function: Callable[..., object], args: tuple[Any, ...], warm_up: tuple[Any, ...] | None
) -> None:
    if warm_up is not None:
        function(*warm_up)
    pipe.send("ready")
    pipe.recv()
    try:
        function(*args)
    except Exception as error:
        pipe.send(f"{type(error).__name__}: {error}")
    else:
        pipe.send(None)


def _sample(pid: int | None, peak: list[int], stop: threading.Event) -> None:
    while not stop.wait(_SAMPLING_S):
        peak[0] = max(peak[0], _rss(pid))


def _rss(pid: int | None) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
