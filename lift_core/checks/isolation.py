"""Runs a student's code with its own random state and a time limit, and reports how it ended."""

from __future__ import annotations

import ctypes
import itertools
import linecache
import random
import signal
import sys
import sysconfig
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
_POLITE_TRIES = 3
_LIBRARY_PATHS = ("stdlib", "platstdlib", "purelib", "platlib")
_LIBRARIES = {Path(__file__).resolve().parents[1], *(Path(sysconfig.get_path(name)) for name in _LIBRARY_PATHS)}


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


@dataclass
class _Deadline:
    passed: bool = False


def run_isolated(call: Callable[[], Any], timeout_s: float) -> Outcome:
    """Run ``call`` with seeded random generators and stop it after ``timeout_s`` seconds.

    The generators are those of ``random``, numpy and torch on the CPU; torch's generators of other devices are left
    alone. Afterwards they are set back, and so are torch's default dtype and gradient mode and numpy's error handling.
    Ctrl-C passes through. Code that hangs inside a compiled library is stopped only when it returns to Python.
    """
    with _own_settings():
        try:
            with _time_limit(timeout_s) as deadline:
                outcome = _outcome_of(call)
        except _TimeIsUp:
            return OutOfTime(timeout_s)
    # Code may swallow the interruption and return, or raise something else in its place.
    return OutOfTime(timeout_s) if deadline.passed else outcome


def _outcome_of(call: Callable[[], Any]) -> Outcome:
    try:
        return Returned(_interruptible(call))
    except _TimeIsUp:
        raise
    except (Exception, SystemExit) as error:
        told = error if isinstance(error, Exception) else RuntimeError("the code called exit()")
        return Raised(told, _students_line(error))


def _interruptible(call: Callable[[], Any]) -> Any:
    """Marks the frames that may be interrupted: this one and those that it calls, never the clearing up after it."""
    return call()


def _may_interrupt(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_code is not _interruptible.__code__:
        frame = frame.f_back
    return frame is not None


@contextmanager
def _own_settings() -> Iterator[None]:
    kept = [(put_back, read()) for read, put_back in _SETTINGS]
    # A hook written in Python (a test runner's) would itself be interrupted while it reports.
    sys.unraisablehook = sys.__unraisablehook__
    random.seed(0)
    np.random.seed(0)
    torch.default_generator.manual_seed(0)
    try:
        yield
    finally:
        for put_back, setting in kept:
            put_back(setting)


_SETTINGS: tuple[tuple[Callable[[], Any], Callable[[Any], Any]], ...] = (
    (random.getstate, random.setstate),
    (np.random.get_state, np.random.set_state),
    (torch.get_rng_state, torch.set_rng_state),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (np.geterr, lambda setting: np.seterr(**setting)),
    (lambda: sys.unraisablehook, lambda hook: setattr(sys, "unraisablehook", hook)),
)


@contextmanager
def _time_limit(seconds: float) -> Iterator[_Deadline]:
    in_main_thread = threading.current_thread() is threading.main_thread()
    limit = _alarm if in_main_thread and hasattr(signal, "setitimer") else _watchdog
    with limit(seconds) as deadline:
        yield deadline


@contextmanager
def _alarm(seconds: float) -> Iterator[_Deadline]:
    """Raise in the main thread by a timer signal, again and again: a bare ``except`` may swallow it."""
    deadline, tries = _Deadline(), itertools.count()

    def stop(number: int, frame: FrameType | None) -> None:
        if not _may_interrupt(frame):
            return
        deadline.passed = True
        tried = next(tries)
        if tried >= _POLITE_TRIES:
            # A loop that mostly sleeps in its `try` meets every signal there; one shortly after meets it outside.
            signal.setitimer(signal.ITIMER_REAL, 1e-6 * (1 + 7 * tried % 40), _INSISTING_S)
        raise _TimeIsUp

    started = time.monotonic()
    previous = signal.signal(signal.SIGALRM, stop)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, _INSISTING_S)
    try:
        yield deadline
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        if left:
            # Someone else's timer (a test runner's) goes on as if it had not been interrupted.
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - started), 0.001), interval)


@contextmanager
def _watchdog(seconds: float) -> Iterator[_Deadline]:
    """Raise in this thread from another one, where there are no timer signals (Windows) or not in this thread."""
    runner, over, deadline = threading.get_ident(), threading.Event(), _Deadline()

    def interrupt(error: object) -> None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(runner), error)

    def watch() -> None:
        wait = seconds
        while not over.wait(wait):
            wait = _INSISTING_S
            if _may_interrupt(sys._current_frames().get(runner)):
                deadline.passed = True
                interrupt(ctypes.py_object(_TimeIsUp))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield deadline
    finally:
        # An interruption that was on its way when the code ended arrives here.
        while True:
            try:
                over.set()
                watcher.join()
                interrupt(None)
                break
            except _TimeIsUp:
                continue


def _students_line(error: BaseException) -> str:
    """The innermost line that is neither this package's nor an installed library's."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        line = (frame.line or linecache.getline(frame.filename, frame.lineno or 0)).strip()
        if line and not _is_library(Path(frame.filename)):
            return f"in {frame.name}, line {frame.lineno}: {line}"
    return ""


def _is_library(path: Path) -> bool:
    return "site-packages" in path.parts or any(folder in path.parents for folder in _LIBRARIES)
