"""Tasks are timed in turn, and memory is what a function adds to a fresh process."""

from __future__ import annotations

import os
import threading
import time
from itertools import count

import numpy as np
import pytest

from lift_core.errors import ConfigError
from lift_core.profiling.measure import Timing, cpu_clock, freed_at_once, in_turn, peak_rss


def hold(megabytes: int) -> None:
    pieces = [np.ones(1_000_000, np.uint8) for _ in range(megabytes)]
    # Long enough for several samples also where the machine is busy.
    time.sleep(0.4)
    assert len(pieces) == megabytes


def fail() -> None:
    raise ValueError("on purpose")


def die() -> None:
    os._exit(1)


def test_tasks_run_in_turn_after_a_warm_up_of_each():
    order: list[str] = []
    in_turn({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=2)
    assert "".join(order) == "ab" + "abab"


def test_times_are_differences_of_the_clock():
    ticks = count()
    timings = in_turn({"a": lambda: None, "b": lambda: None}, rounds=3, clock=lambda: float(next(ticks)))
    assert timings["a"].seconds == (1.0, 1.0, 1.0)
    assert timings["b"].median == 1.0


def test_a_timing_knows_its_middle_and_its_ends():
    timing = Timing((3.0, 1.0, 2.0))
    assert (timing.median, timing.best, timing.worst) == (2.0, 1.0, 3.0)


def test_the_cpu_clock_runs_with_work():
    start = cpu_clock()
    while cpu_clock() == start:
        sum(range(10_000))
    assert cpu_clock() > start


@pytest.mark.parametrize(("tasks", "rounds"), [({}, 1), ({"a": int}, 0)])
def test_nothing_to_time_is_refused(tasks: dict, rounds: int):
    with pytest.raises(ConfigError, match="cannot be timed"):
        in_turn(tasks, rounds=rounds)


def test_memory_grows_by_what_the_function_holds():
    assert peak_rss(hold, 60) == pytest.approx(60e6, rel=0.2)


def test_a_function_that_fails_in_its_process_is_told():
    with pytest.raises(ConfigError, match="ValueError: on purpose"):
        peak_rss(fail)


@pytest.mark.parametrize("warm_up", [None, ()])
def test_a_process_that_dies_is_told_and_leaves_no_thread_behind(warm_up: tuple[()] | None):
    threads = set(threading.enumerate())
    failures: list[str] = []

    def measure() -> None:
        try:
            peak_rss(die, warm_up=warm_up)
        except ConfigError as error:
            failures.append(str(error))

    caller = threading.Thread(target=measure, daemon=True)
    caller.start()
    caller.join(timeout=60)
    assert len(failures) == 1
    assert "the process died" in failures[0]
    assert set(threading.enumerate()) == threads


def test_what_a_warm_up_leaves_behind_does_not_count():
    assert peak_rss(keep, 50, warm_up=(50,)) < 10e6
    assert peak_rss(keep, 50) > 40e6


_KEPT: list[np.ndarray] = []


def keep(megabytes: int) -> None:
    """Loads something once, as code is loaded."""
    if not _KEPT:
        _KEPT.extend(np.ones(1_000_000, np.uint8) for _ in range(megabytes))
    hold(1)


@pytest.mark.parametrize("before", [None, "131072"])
def test_processes_that_free_at_once_are_told_so_and_later_ones_are_not(
    before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "MALLOC_MMAP_THRESHOLD_"
    if before is None:
        monkeypatch.delenv(name, raising=False)
    else:
        monkeypatch.setenv(name, before)
    with freed_at_once():
        assert os.environ[name] == "65536"
    assert os.environ.get(name) == before
