"""Lab 02: the exercises on streams: dealing them out to workers, and shuffling them in a bounded memory."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice, pairwise
from typing import Any

import torch.utils.data._utils.worker as torch_worker
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from lift_core.checks.exercise import Call, Exercise, Probe

# --- 02.4 a stream for several workers ---

_NO_DATA: Dataset[Any] = Dataset()


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
    """Counts what one worker does with a stream."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.pulled = 0
        self.read: list[int] = []

    def items(self) -> Iterator[int]:
        for item in range(self.count):
            self.pulled += 1
            yield item

    def read_item(self, item: int) -> str:
        self.read.append(item)
        return f"sample {item}"


def _serve(candidate: Callable[..., Any], count: int, workers: int) -> dict[str, Any]:
    """What all workers serve together, and how lazily."""
    served: list[str] = []
    vain = early = 0
    for number in range(max(workers, 1)):
        book = _Book(count)
        with as_worker(number, workers):
            samples = iter(candidate(book.items, book.read_item))
            mine = list(islice(samples, 1))
            if mine:
                early = max(early, book.pulled)
            mine += islice(samples, 10 * count + 10)
        served += [str(sample) for sample in mine]
        vain += len(book.read) - len(mine)
    return {
        "served": sorted(served, key=lambda sample: (len(sample), sample)),
        "read in vain": _Free(vain),
        "pulled before the first sample": _Free(early),
    }


class _Free:
    """A count for the checks of the contract, never compared."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


_DEALT = (
    "all workers together serve every item once, for any number of items and of workers; without workers, the training"
    " process serves them all"
)
_OWN = "a worker calls read for the items that it serves, and for no others"
_FLOWS = "the stream may be long and its length unknown: no list of all items is made before the first sample"

stream = Exercise(
    "02.4",
    "Stream",
    _Stream,
    lambda: [
        Probe(f"{count} items and {workers} workers", (count, workers))
        for count, workers in ((40, 0), (40, 1), (40, 2), (41, 2), (43, 3), (45, 4), (2, 3), (0, 2))
    ],
    contract=(_DEALT, _OWN, _FLOWS),
    drive=_serve,
)


@stream.prop(_DEALT)
def _each_once(call: Call) -> str | None:
    count = call.probe.args[0]
    served = call.output["served"]
    twice = len(served) - len(set(served))
    if twice:
        return f"{twice} samples were served that had been served already"
    missing = {f"sample {item}" for item in range(count)} - set(served)
    return f"{len(missing)} of {count} items were never served" if missing else None


@stream.prop(_OWN)
def _reads_only_its_own(call: Call) -> str | None:
    vain = call.output["read in vain"].value
    return f"{vain} items were read that the worker did not serve" if vain > 0 else None


@stream.prop(_FLOWS)
def _flows(call: Call) -> str | None:
    count, workers = call.probe.args
    pulled = call.output["pulled before the first sample"].value
    few = 2 * max(workers, 1) + 2
    return f"{pulled} of {count} items were taken before the first sample" if pulled > few else None


@stream.mistake(
    "every worker serves the whole stream", "Each worker has a copy of the data set: ask which one this is."
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


# --- 02.6 shuffling a stream ---


def _shuffled(items: Iterable[Any], size: int, seed: int) -> Iterator[Any]:
    draw = random.Random(seed)
    held: list[Any] = []
    for item in items:
        held.append(item)
        if len(held) >= size:
            place = draw.randrange(len(held))
            held[place], held[-1] = held[-1], held[place]
            yield held.pop()
    draw.shuffle(held)
    yield from held


def _shuffle(candidate: Callable[..., Any], count: int, size: int, seed: int) -> dict[str, Any] | None:
    runs = []
    most = 0
    for number in (seed, seed, seed + 1):
        book = _Book(count)
        given: list[Any] = []
        shuffled = candidate(book.items(), size, number)
        if shuffled is None:
            return None
        for item in islice(iter(shuffled), 10 * count + 10):
            most = max(most, book.pulled - len(given))
            given.append(item)
        runs.append(given)
    first, again, other = runs
    return {
        "items": sorted(first),
        "held": _Free(most),
        "again": again == first,
        "another seed": other == first,
        "order": _Free(sum(later - earlier != 1 for earlier, later in pairwise(first))),
        "late": _Free(max((place - item for place, item in enumerate(first)), default=0)),
    }


_ALL = "yields every item of items exactly once"
_BOUND = "holds at most size items at a time: of the items taken, at most size have not been yielded"
_RANDOM = "the order is another one than that of items, for size 2 or more; for size 1 it is the same"
_SEEDED = "the same seed gives the same order again, another seed another one, for size 2 or more"
_WIDE = "any of the size items held may come next: over 300 items and with size 32, some come 16 places or more late"

shuffled = Exercise(
    "02.6",
    "shuffled",
    _shuffled,
    lambda: [
        Probe("300 items, size 32", (300, 32, 0)),
        Probe("41 items, size 7", (41, 7, 3)),
        Probe("41 items, size 1", (41, 1, 3)),
        Probe("11 items, size 50", (11, 50, 0)),
        Probe("no items", (0, 5, 0)),
    ],
    contract=(_ALL, _BOUND, _RANDOM, _SEEDED, _WIDE),
    kind="optional",
    drive=_shuffle,
)


@shuffled.prop(_BOUND)
def _holds_few(call: Call) -> str | None:
    held, size = call.output["held"].value, call.probe.args[1]
    return f"{held} items were held at one time, with size {size}" if held > size else None


@shuffled.prop(_RANDOM)
def _is_shuffled(call: Call) -> str | None:
    count, size, _ = call.probe.args
    moved = call.output["order"].value
    if size == 1:
        return "the order is another one" if moved else None
    return "the items come in their own order" if count > 2 and moved == 0 else None


@shuffled.prop(_SEEDED)
def _seeded(call: Call) -> str | None:
    count, size, _ = call.probe.args
    if not call.output["again"]:
        return "a second pass with the same seed gave another order"
    return "another seed gave the same order" if min(count, size) > 2 and call.output["another seed"] else None


@shuffled.prop(_WIDE)
def _mixes_widely(call: Call) -> str | None:
    count, _, _ = call.probe.args
    late = call.output["late"].value
    return f"no item comes more than {late} places late" if count == 300 and late < 16 else None


@shuffled.mistake("everything is held", "list(items) holds the whole stream. Keep at most size items.")
def _everything(items: Iterable[Any], size: int, seed: int) -> Iterator[Any]:
    held = list(items)
    if size > 1:
        random.Random(seed).shuffle(held)
    yield from held


@shuffled.mistake("what is left at the end is lost", "When the stream ends, the buffer still holds items: yield them.")
def _rest_lost(items: Iterable[Any], size: int, seed: int) -> Iterator[Any]:
    draw = random.Random(seed)
    held: list[Any] = []
    for item in items:
        held.append(item)
        if len(held) >= size:
            yield held.pop(draw.randrange(len(held)))


@shuffled.mistake("first in, first out", "A queue keeps the order. Take a random one of the items that are held.")
def _queue(items: Iterable[Any], size: int, seed: int) -> Iterator[Any]:
    yield from items


@shuffled.mistake("the seed is not used", "Make a generator of your own from the seed.")
def _seedless(items: Iterable[Any], size: int, seed: int) -> Iterator[Any]:
    yield from _shuffled(items, size, 0)


@shuffled.mistake("another order in every pass", "Use a generator made from the seed, not the global one.")
def _global(items: Iterable[Any], size: int, seed: int) -> Iterator[Any]:
    yield from _shuffled(items, size, random.randrange(2**30))


@shuffled.mistake(
    "an item stays in the buffer after it was yielded", "Take it out: pop it, or put the next in its place."
)
def _kept(items: Iterable[Any], size: int, seed: int) -> Iterator[Any]:
    draw = random.Random(seed)
    held: list[Any] = []
    for item in items:
        held.append(item)
        if len(held) >= size:
            yield draw.choice(held)
            held.pop(0)
    yield from held


@shuffled.mistake("one item too many is held", "Yield as soon as size items are held, before you take the next.")
def _one_more(items: Iterable[Any], size: int, seed: int) -> Iterator[Any]:
    yield from _shuffled(items, size + 1, seed)
