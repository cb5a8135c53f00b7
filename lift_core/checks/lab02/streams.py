"""Lab 02: the exercise on dealing a stream out to workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import torch.utils.data._utils.worker as torch_worker
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from lift_core.checks.exercise import Call, Exercise, Probe
from lift_core.checks.noted import Noted

_NO_DATA: Dataset[Any] = Dataset()
# Nobody takes so many items at once but who takes all of them.
_LONG = 3000


@contextmanager
def as_worker(number: int, workers: int) -> Iterator[None]:
    """Let ``get_worker_info`` answer in this process as it does in a worker; without workers, as it does outside."""
    kept = torch_worker._worker_info
    torch_worker._worker_info = (
        torch_worker.WorkerInfo(id=number, num_workers=workers, seed=number, dataset=_NO_DATA) if workers else None
    )
    try:
        yield
    finally:
        torch_worker._worker_info = kept


class _Stream(IterableDataset[Any]):
    """What ``read`` makes of the items of a stream, dealt out to all workers."""

    def __init__(self, items: Callable[[], Iterable[Any]], read: Callable[[Any], Any]) -> None:
        self.items, self.read = items, read

    def __iter__(self) -> Iterator[Any]:
        first, step = self.share()
        for item in self.dealt(first, step):
            yield self.read(item)

    def share(self) -> tuple[int, int]:
        info = get_worker_info()
        return (0, 1) if info is None else (info.id, info.num_workers)

    def dealt(self, first: int, step: int) -> Iterable[Any]:
        return islice(self.items(), first, None, step)


class _Book:
    """Counts what one worker does with a stream. An item is a list: no number, no hash, and the first is empty."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.pulled = 0
        self.read: list[int] = []

    def items(self) -> Iterator[list[int]]:
        for number in range(self.count):
            self.pulled += 1
            yield [number] if number else []

    def read_item(self, item: list[int]) -> str:
        number = item[0] if item else 0
        self.read.append(number)
        return f"sample {number}"


def _serve(candidate: Callable[..., Any], count: int, workers: int) -> dict[str, Any]:
    """What all workers serve together in each of two epochs, and how lazily."""
    served: list[list[str]] = [[], []]
    vain, idle, at_once = 0, 0, False
    for number in range(max(workers, 1)):
        book = _Book(count)
        # As in a training: made where there is no worker, gone through in one.
        dataset = candidate(book.items, book.read_item)
        with as_worker(number, workers):
            samples = iter(dataset)
            first = list(islice(samples, 1))
            at_once |= bool(first) and book.pulled == count
            epochs = [first + list(islice(samples, 10 * count + 10)), list(islice(iter(dataset), 10 * count + 10))]
        for all_workers, mine in zip(served, epochs, strict=True):
            all_workers += map(str, mine)
        vain += len(book.read) - sum(map(len, epochs))
        idle += not epochs[0]
    return {
        "served": sorted(served[0], key=_by_number),
        "served in the second epoch": sorted(served[1], key=_by_number),
        "read in vain": Noted(vain),
        "idle workers": Noted(idle),
        "all taken before the first sample": Noted(at_once),
    }


def _by_number(sample: str) -> tuple[int, str]:
    return len(sample), sample


_DEALT = (
    "in each epoch all workers together serve every item once, for any number of items and of workers; without workers,"
    " the training process serves them all"
)
_SHARED = "of 40 items or more, each worker serves some"
_OWN = "a worker calls read for the items that it serves, and for no others"
_FLOWS = "the stream may be long and its length unknown: no list of all items is made before the first sample"

stream = Exercise(
    "02.4",
    "Stream",
    _Stream,
    lambda: [
        Probe(f"{count} items and {workers} workers", (count, workers))
        for count, workers in ((40, 0), (40, 1), (41, 2), (43, 3), (45, 4), (2, 3), (0, 2), (_LONG, 2))
    ],
    contract=(_DEALT, _SHARED, _OWN, _FLOWS),
    drive=_serve,
)


@stream.prop(_DEALT)
def _each_once(call: Call) -> str | None:
    wanted = {f"sample {item}" for item in range(call.probe.args[0])}
    for name, epoch in (("served", ""), ("served in the second epoch", " in a second epoch")):
        served = call.output[name]
        twice, missing = len(served) - len(set(served)), len(wanted - set(served))
        if twice:
            return f"{twice} samples were served{epoch} that had been served already"
        if missing:
            return f"{missing} of {len(wanted)} items were never served{epoch}"
    return None


@stream.prop(_SHARED)
def _all_work(call: Call) -> str | None:
    count, workers = call.probe.args
    idle = call.output["idle workers"].value
    return f"{idle} of {workers} workers served nothing" if count >= 40 and idle else None


@stream.prop(_OWN)
def _reads_only_its_own(call: Call) -> str | None:
    vain = call.output["read in vain"].value
    return f"{vain} items were read that the worker did not serve" if vain > 0 else None


@stream.prop(_FLOWS)
def _flows(call: Call) -> str | None:
    count, _ = call.probe.args
    every = count == _LONG and call.output["all taken before the first sample"].value
    return f"all {count} items were taken before the first sample" if every else None


@stream.mistake(
    "every worker serves the whole stream",
    "Each worker has a copy of the data set: ask which one this is, and ask in __iter__. Where the object is made there"
    " is no worker yet.",
)
class _Duplicated(_Stream):
    def share(self) -> tuple[int, int]:
        return 0, 1


class _Blocks(_Stream):
    def block(self, items: list[Any]) -> list[Any]:
        first, step = self.share()
        size = len(items) // step
        return items[first * size : (first + 1) * size]

    def dealt(self, first: int, step: int) -> Iterable[Any]:
        return self.block(list(self.items()))


@stream.mistake("the rest of the division is lost", "10 items over 3 workers are not 3 x 3. Deal them out like cards.")
class _RestLost(_Blocks):
    pass


@stream.mistake("without workers it fails", "get_worker_info() is None in the training process.")
class _OnlyInWorkers(_Stream):
    def share(self) -> tuple[int, int]:
        info = get_worker_info()
        return info.id, info.num_workers  # type: ignore[union-attr]


@stream.mistake(
    "the rest is lost, and without workers it fails",
    "That is the colleague's code. Both of its mistakes are still there.",
)
class _Colleagues(_Blocks):
    def share(self) -> tuple[int, int]:
        info = get_worker_info()
        return info.id, info.num_workers  # type: ignore[union-attr]


@stream.mistake("the first item is never served", "Workers are numbered from 0, and so are items.")
class _FirstLost(_Stream):
    def share(self) -> tuple[int, int]:
        info = get_worker_info()
        return (0, 1) if info is None else (info.id + 1, info.num_workers)


@stream.mistake(
    "each worker begins later but takes every item", "Begin with the worker's number, then take every n-th."
)
class _NoStep(_Stream):
    def share(self) -> tuple[int, int]:
        return super().share()[0], 1


@stream.mistake("everything is read, and what is not the worker's own dropped", "Deal out first, read afterwards.")
class _ReadsAll(_Stream):
    def __iter__(self) -> Iterator[Any]:
        first, step = self.share()
        return islice(map(self.read, self.items()), first, None, step)


@stream.mistake("a list of all items is made first", "The stream may not fit in memory. Take every n-th as it comes.")
class _Listed(_Stream):
    def dealt(self, first: int, step: int) -> Iterable[Any]:
        return list(self.items())[first::step]


@stream.mistake("the stream is begun only once", "Call items() in __iter__: each epoch begins the stream anew.")
class _BegunOnce(_Stream):
    def __init__(self, items: Callable[[], Iterable[Any]], read: Callable[[Any], Any]) -> None:
        super().__init__(items, read)
        self.begun = iter(items())

    def dealt(self, first: int, step: int) -> Iterable[Any]:
        return islice(self.begun, first, None, step)


@stream.mistake("one worker serves the whole stream", "The others have nothing to do. Give each worker its part.")
class _OneServes(_Stream):
    def dealt(self, first: int, step: int) -> Iterable[Any]:
        return () if first else self.items()
