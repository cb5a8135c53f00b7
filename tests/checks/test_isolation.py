"""A student's code is stopped when its time is up, and leaves the process as it was."""

from __future__ import annotations

import linecache
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from lift_core.checks import isolation
from lift_core.checks.isolation import Outcome, OutOfTime, Raised, Returned, run_isolated
from lift_core.errors import ConfigError

# An interruption inside a collection of garbage is lost; the next one follows.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

needs_timers = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timer signals")


def in_another_thread(call: Callable[[], Any], timeout_s: float) -> Outcome:
    """As `run_isolated`, where no timer signal can reach."""
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(run_isolated(call, timeout_s)))
    thread.start()
    thread.join(20)
    assert outcomes, "the code was not stopped"
    return outcomes[0]


everywhere = pytest.mark.parametrize("run", [run_isolated, in_another_thread], ids=["main-thread", "another-thread"])


def loop() -> None:
    while True:
        pass


def loop_that_swallows() -> None:
    while True:
        try:
            sorted([2, 1])
        except:  # noqa: E722
            continue


def generator_that_swallows() -> None:
    def numbers() -> Iterator[int]:
        while True:
            try:
                yield 1
            except Exception:
                continue

    for _ in numbers():
        pass


def recursion_in_a_loop() -> None:
    def sink() -> None:
        sink()

    while True:
        try:
            sink()
        except Exception:
            continue


@everywhere
def test_what_is_returned_is_handed_on(run: Callable[..., Outcome]) -> None:
    value = object()
    assert run(lambda: value, 5) == Returned(value)


@everywhere
@pytest.mark.parametrize("code", [loop, loop_that_swallows, generator_that_swallows, recursion_in_a_loop])
def test_code_without_an_end_is_stopped(run: Callable[..., Outcome], code: Callable[[], None]) -> None:
    assert run(code, 0.05) == OutOfTime(0.05)


@needs_timers
def test_a_loop_that_sleeps_and_swallows_is_stopped() -> None:
    def code() -> None:
        while True:
            try:
                time.sleep(10)
            except:  # noqa: E722
                continue

    started = time.monotonic()
    assert run_isolated(code, 0.05) == OutOfTime(0.05)
    assert time.monotonic() - started < 8


@needs_timers
def test_a_long_sleep_is_cut_short() -> None:
    started = time.monotonic()
    assert run_isolated(partial(time.sleep, 30), 0.05) == OutOfTime(0.05)
    assert time.monotonic() - started < 5


@everywhere
def test_code_that_swallows_the_interruption_and_returns_is_out_of_time(run: Callable[..., Outcome]) -> None:
    def code() -> int:
        end = time.monotonic() + 0.3
        try:
            while time.monotonic() < end:
                pass
        except BaseException:
            return 1
        return 2

    assert run(code, 0.05) == OutOfTime(0.05)


@everywhere
def test_code_that_turns_the_interruption_into_an_error_is_out_of_time(run: Callable[..., Outcome]) -> None:
    def code() -> None:
        try:
            loop()
        except BaseException as error:
            raise ValueError from error

    assert run(code, 0.05) == OutOfTime(0.05)


@everywhere
def test_nothing_is_interrupted_afterwards(run: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "_INSISTING_S", 0.01)
    for _ in range(5):
        assert run(loop, 0.01) == OutOfTime(0.01)
        assert run(lambda: time.sleep(0.03), 5) == Returned(None)
    time.sleep(0.05)


class InterruptedOnce(threading.Event):
    """An event that an interruption keeps from being set the first time."""

    tried = False

    def set(self) -> None:
        if not self.tried:
            self.tried = True
            raise isolation._TimeIsUp
        super().set()


def test_a_watcher_ends_though_its_interruption_comes_late(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = SimpleNamespace(**{**vars(threading), "Event": InterruptedOnce})
    monkeypatch.setattr(isolation, "threading", ours)
    before = threading.active_count()
    assert in_another_thread(lambda: 1, 5) == Returned(1)
    assert threading.active_count() == before


@needs_timers
def test_clearing_up_is_not_interrupted_by_a_second_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "_INSISTING_S", 10)
    cleared = []

    def code() -> None:
        try:
            loop()
        finally:
            for number in range(1000):
                cleared.append(number)

    for _ in range(20):
        cleared.clear()
        assert run_isolated(code, 0.01) == OutOfTime(0.01)
        assert len(cleared) == 1000


@needs_timers
def test_ctrl_c_passes_through() -> None:
    # A shell may have started these tests in the background, with Ctrl-C ignored.
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_isolated(partial(os.kill, os.getpid(), signal.SIGINT), 5)
    finally:
        signal.signal(signal.SIGINT, previous)
    assert run_isolated(lambda: 1, 5) == Returned(1)


@needs_timers
def test_someone_elses_timer_goes_on_afterwards() -> None:
    rung = []
    previous = signal.signal(signal.SIGALRM, lambda *_: rung.append(time.monotonic()))
    outer, interval = signal.setitimer(signal.ITIMER_REAL, 0.6)
    started = time.monotonic()
    try:
        assert run_isolated(loop, 0.1) == OutOfTime(0.1)
        assert not rung
        while not rung and time.monotonic() - started < 5:
            time.sleep(0.01)
        assert len(rung) == 1
        assert 0.55 < rung[0] - started < 5
    finally:
        signal.signal(signal.SIGALRM, previous)
        signal.setitimer(signal.ITIMER_REAL, max(outer - (time.monotonic() - started), 0) if outer else 0, interval)


@needs_timers
def test_someone_elses_timer_that_fell_due_meanwhile_rings_at_once() -> None:
    rung = []
    previous = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    outer, interval = signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        run_isolated(partial(time.sleep, 0.1), 5)
        time.sleep(0.05)
        assert rung
    finally:
        signal.signal(signal.SIGALRM, previous)
        signal.setitimer(signal.ITIMER_REAL, outer, interval)


@needs_timers
def test_without_another_timer_none_is_left_running() -> None:
    kept = signal.setitimer(signal.ITIMER_REAL, 0)
    handler = signal.getsignal(signal.SIGALRM)
    try:
        run_isolated(loop, 0.01)
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
        assert signal.getsignal(signal.SIGALRM) is handler
    finally:
        signal.setitimer(signal.ITIMER_REAL, *kept)


def drawn() -> tuple[float, ...]:
    weight = torch.nn.Linear(1, 1).weight.detach()
    return random.random(), float(np.random.rand()), float(torch.rand(())), float(weight)


@everywhere
def test_the_same_random_numbers_are_drawn_each_time(run: Callable[..., Outcome]) -> None:
    first = run(drawn, 5)
    drawn()
    assert run(drawn, 5) == first


@everywhere
@pytest.mark.parametrize("code", [drawn, loop, lambda: 1 / 0], ids=["returns", "hangs", "raises"])
def test_random_states_are_set_back(run: Callable[..., Outcome], code: Callable[[], Any]) -> None:
    def seed() -> None:
        random.seed(7)
        np.random.seed(7)
        torch.manual_seed(7)

    seed()
    expected = drawn()
    seed()
    run(code, 0.05)
    assert drawn() == expected


def test_generators_of_other_devices_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seeded: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    run_isolated(drawn, 5)
    assert seeded == []
    torch.manual_seed(7)
    assert seeded == [7]


def test_global_settings_are_set_back() -> None:
    def code() -> None:
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        np.seterr(all="raise")
        raise ValueError

    before = np.geterr()
    assert isinstance(run_isolated(code, 5), Raised)
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()
    assert np.geterr() == before


def test_exit_is_reported() -> None:
    outcome = run_isolated(sys.exit, 5)
    assert isinstance(outcome, Raised)
    assert str(outcome.error) == "the code called exit()"


def cell(source: str, name: str, tmp_path: Path) -> dict[str, Any]:
    """Run source as a notebook does: in memory, under the name of a file that does not exist."""
    file = str(tmp_path / "ipykernel_1" / "123.py")
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    scope: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, file, "exec"), scope)
    return {"code": scope[name]}


@pytest.mark.parametrize(
    ("source", "where"),
    [
        ("def mine():\n    x = 1\n    return x / 0\n", "in mine, line 3: return x / 0"),
        ("import torch\ndef mine():\n    return torch.ones(2) @ torch.ones(3)\n", "in mine, line 3: return torch.ones"),
        ("import json\ndef mine():\n    return json.loads('{')\n", "in mine, line 3: return json.loads('{')"),
        (
            "from lift_core.data.source import Crop\nimport numpy as np\ndef mine():\n"
            "    return Crop(0, 0, 9, 9).apply(np.zeros((2, 2, 3)))\n",
            "in mine, line 4: return Crop(0, 0, 9, 9).apply(",
        ),
        ("def mine():\n    help_me()\ndef help_me():\n    raise ValueError\n", "in help_me, line 4: raise ValueError"),
        (
            "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int\ndef mine():\n    return A()\n",
            "in mine, line 6: return A()",
        ),
    ],
)
def test_the_students_own_line_is_named(source: str, where: str, tmp_path: Path) -> None:
    outcome = run_isolated(cell(source, "mine", tmp_path)["code"], 5)
    assert isinstance(outcome, Raised)
    assert outcome.where.startswith(where)


def test_an_error_outside_the_students_code_has_no_line() -> None:
    outcome = run_isolated(lambda: ConfigError, 5)
    assert outcome == Returned(ConfigError)
    outcome = run_isolated(partial(int, "x"), 5)
    assert isinstance(outcome, Raised)
    assert outcome.where == ""


def test_isolated_code_may_isolate_code_of_its_own() -> None:
    def code() -> Outcome:
        inner = run_isolated(loop, 0.02)
        loop()
        return inner

    assert run_isolated(lambda: run_isolated(loop, 0.02), 5) == Returned(OutOfTime(0.02))
    assert run_isolated(code, 0.1) == OutOfTime(0.1)
