"""Lab 02: the exercise on reading ahead in a thread."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from lift_core.checks.exercise import Call, Exercise, Probe
from lift_core.checks.noted import Noted

_SETTLING_S = 1.0
_QUIET_S = 0.03


class _Spied:
    """Items that are handed out one by one, counted, with an error at the end where one is wanted."""

    def __init__(self, items: Iterable[Any], error: str | None = None, *, watched: bool = False) -> None:
        self.items, self.error, self.watched = list(items), error, watched
        self.read = 0

    def __iter__(self) -> Iterator[Any]:
        for item in self.items:
            self.read += 1
            yield item
        if self.error is not None:
            raise ValueError(self.error)


def _read_ahead(batches: Iterable[Any], ahead: int) -> Iterator[Any]:
    waiting: queue.Queue[tuple[str, Any]] = queue.Queue(ahead)

    def read() -> None:
        try:
            for batch in batches:
                waiting.put(("batch", batch))
            waiting.put(("end", None))
        except Exception as error:
            waiting.put(("error", error))

    threading.Thread(target=read, daemon=True).start()
    while True:
        kind, value = waiting.get()
        if kind == "end":
            return
        if kind == "error":
            raise value
        yield value


def _use(candidate: Callable[..., Any], batches: _Spied, ahead: int) -> dict[str, Any]:
    """Take one item, see how far the reading goes meanwhile, then take the others."""
    got: list[Any] = []
    further = None
    told = "none"
    threads_before = set(threading.enumerate())
    try:
        for item in candidate(batches, ahead):
            got.append(f"{type(item).__name__}: {item}" if isinstance(item, Exception) else item)
            if further is None and batches.watched:
                further = _settled(batches, ahead, threads_before) - 1
    except ValueError as error:
        told = str(error)
    return {"got": got, "error": told, "further": Noted(further)}


def _settled(batches: _Spied, ahead: int, threads_before: set[threading.Thread]) -> int:
    """How many items are read while nobody asks, once that stands still."""
    end = time.monotonic() + _SETTLING_S
    wanted = min(1 + ahead, len(batches.items))
    while batches.read < wanted and time.monotonic() < end and set(threading.enumerate()) - threads_before:
        time.sleep(0.002)
    while True:
        seen = batches.read
        time.sleep(_QUIET_S)
        if batches.read == seen:
            return seen


_AHEAD = (
    "while the caller works on a batch, a thread reads on: ahead batches further, or ahead + 1 with the one in its"
    " hand; then it waits"
)
_ERROR = "an error that batches raises is raised in the caller's loop, after the batches before it"

read_ahead = Exercise(
    "02.2",
    "read_ahead",
    _read_ahead,
    lambda: [
        Probe("11 batches, 4 ahead", (_Spied([f"batch {n}" for n in range(11)], watched=True), 4)),
        Probe("12 batches, 1 ahead", (_Spied(range(12), watched=True), 1)),
        Probe("batches of which one is None and one an array", (_Spied([1, None, np.arange(3), 4, 5]), 2)),
        Probe("no batches", (_Spied([]), 2)),
        Probe("an error after 4 batches, 2 ahead", (_Spied(range(4), "frame 7 is broken"), 2)),
        Probe("an error after 3 batches, 4 ahead", (_Spied(range(3), "frame 4 is broken", watched=True), 4)),
    ],
    contract=("yields what batches yields, None included, in the same order, and ends when it ends", _AHEAD, _ERROR),
    kind="optional",
    drive=_use,
    timeout_s=4.0,
)


@read_ahead.prop(_AHEAD)
def _reads_ahead(call: Call) -> str | None:
    _, ahead = call.probe.args
    further = call.output["further"].value
    if further is None or call.output["error"] != "none":
        return None
    if further == 0:
        return "nothing was read while the caller worked"
    if further < ahead:
        return f"only {further} further batches were read while the caller worked, with ahead = {ahead}"
    return f"{further} further batches were read while the caller worked" if further > ahead + 1 else None


@read_ahead.mistake(
    "the queue has no bound", "A slow training would find the whole data set in memory. Give the queue a maxsize."
)
def _unbounded(batches: Iterable[Any], ahead: int) -> Iterator[Any]:
    yield from _read_ahead(batches, 0)


@read_ahead.mistake(
    "an error ends the stream in silence",
    "An error in a thread stays in that thread. Catch it there, hand it over, raise it in the caller's loop.",
)
def _silenced(batches: Iterable[Any], ahead: int) -> Iterator[Any]:
    try:
        yield from _read_ahead(batches, ahead)
    except ValueError:
        return


@read_ahead.mistake("None is taken for the end", "A batch may be None. Use an object of your own as the sign.")
def _none_ends(batches: Iterable[Any], ahead: int) -> Iterator[Any]:
    for batch in _read_ahead(batches, ahead):
        if batch is None:
            return
        yield batch


@read_ahead.mistake("the error is handed over as if it were a batch", "Raise it, so that the training stops.")
def _error_as_batch(batches: Iterable[Any], ahead: int) -> Iterator[Any]:
    try:
        yield from _read_ahead(batches, ahead)
    except ValueError as error:
        yield error


@read_ahead.mistake("the last batch is lost", "Hand over what was read before you hand over the sign of the end.")
def _last_lost(batches: Iterable[Any], ahead: int) -> Iterator[Any]:
    kept: list[Any] = []
    for batch in _read_ahead(batches, ahead):
        yield from kept
        kept = [batch]


@read_ahead.mistake("everything is read before the first batch", "list(...) reads to the end. Hand over one by one.")
def _all_first(batches: Iterable[Any], ahead: int) -> Iterator[Any]:
    yield from list(batches)


@read_ahead.mistake("nothing is read ahead", "Start a thread that reads, and hand the batches over in a queue.")
def _on_demand(batches: Iterable[Any], ahead: int) -> Iterator[Any]:
    yield from batches
