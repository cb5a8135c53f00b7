"""Runs a student's code with its own random state and a time limit, and reports how it ended."""

from __future__ import annotations

import ctypes
import linecache
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch

_INSISTING_S = 0.25
_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Returned:
    """The call ended with a value."""

    value: Any


@dataclass(frozen=True)
class Raised:
    """The call ended with an error; ``where`` names the line of the student's code, "" where there is none."""

    error: Exception
    where: str = ""


@dataclass(frozen=True)
class OutOfTime:
    """The call was stopped when its time was up."""

    seconds: float


Outcome = Returned | Raised | OutOfTime


class _TimeIsUp(BaseException):
    """Raised inside code that runs too long; no ``except Exception`` catches it."""


def run_isolated(call: Callable[[], Any], timeout_s: float) -> Outcome:
    """Run ``call`` with seeded random generators and stop it after ``timeout_s`` seconds.

    The generators of ``random``, numpy and torch are set back afterwards. Ctrl-C passes through. Code that hangs
    inside a compiled library is stopped only when it returns to Python.
    """
    with _own_random_state():
        try:
            with _time_limit(timeout_s):
                return Returned(call())
        except _TimeIsUp:
            return OutOfTime(timeout_s)
        except (Exception, SystemExit) as error:
            shown = error if isinstance(error, Exception) else RuntimeError("the code called exit()")
            return Raised(shown, _students_line(error))


@contextmanager
def _own_random_state() -> Iterator[None]:
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    in_main_thread = threading.current_thread() is threading.main_thread()
    limit = _alarm if in_main_thread and hasattr(signal, "setitimer") else _watchdog
    with limit(seconds):
        yield


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise in the main thread by a timer signal, again and again: a bare ``except`` may swallow the first."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise _TimeIsUp

    started = time.monotonic()
    previous = signal.signal(signal.SIGALRM, stop)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, _INSISTING_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        if left:
            # Someone else's timer (a test runner's) goes on as if it had not been interrupted.
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - started), 0.001), interval)


@contextmanager
def _watchdog(seconds: float) -> Iterator[None]:
    """Raise in this thread from another one, where there are no timer signals (Windows) or not in this thread."""
    runner, over = threading.get_ident(), threading.Event()

    def watch() -> None:
        if not over.wait(seconds):
            while not over.wait(_INSISTING_S):
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(runner), ctypes.py_object(_TimeIsUp))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _students_line(error: BaseException) -> str:
    """The innermost line that is neither this package's nor an installed library's."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if _PACKAGE not in path.parents and not _is_library(path):
            line = (frame.line or linecache.getline(frame.filename, frame.lineno or 0)).strip()
            return f"in {frame.name}, line {frame.lineno}: {line}"
    return ""


def _is_library(path: Path) -> bool:
    prefixes = {Path(prefix) for prefix in (sys.prefix, sys.base_prefix)}
    return path.name.startswith("<frozen") or any(prefix in path.parents for prefix in prefixes)
