"""Lab 02: the homework's exercise on shuffling a stream in a bounded memory."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, pairwise, takewhile
from typing import Any

from lift_core.checks.exercise import Call, Exercise, Probe
from lift_core.checks.noted import Noted

_MIXED_ITEMS = [7, None, 7, [1, 2], 0, "frame", 0.5, None, (3,), 11, 12, 13]


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


class _Stream:
    """Items that can be gone through once, counted."""

    def __init__(self, items: Iterable[Any]) -> None:
        self.rest = iter(items)
        self.pulled = 0

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        item = next(self.rest)
        self.pulled += 1
        return item


def _shuffle(candidate: Callable[..., Any], items: list[Any], size: int, seed: int, as_list: bool) -> Any:
    """What comes of a stream (or a list) with one seed, with the same again, and with another one."""
    runs: list[list[Any]] = []
    most = 0
    for number in (seed, seed, seed + 1):
        stream = _Stream(items)
        shuffled = candidate(items if as_list else stream, size, number)
        if shuffled is None:
            return None
        runs.append([])
        for item in islice(iter(shuffled), 10 * len(items) + 10):
            runs[-1].append(item)
            most = max(most, stream.pulled - len(runs[-1]))
    first, again, other = (list(map(repr, run)) for run in runs)
    return {
        "items": sorted(first),
        "items afterwards": list(map(repr, items)),
        "again": again == first,
        "another seed": other == first,
        "held": Noted(most),
        "order": Noted(runs[0]),
    }


_ALL = "yields every item of items exactly once, whatever an item is, and leaves items as it was"
_BOUND = "while the caller has an item, at most size of the others that were taken are still to come"
_RANDOM = "the order is another one than that of items, for size 2 or more; for size 1 it is the same"
_SEEDED = "the same seed gives the same order again, another seed another one, for size 2 or more"
_WIDE = (
    "any of the items held may come next: over 300 items and with size 32, some come 16 places or more late, and 50 or"
    " more do not follow their neighbour"
)

shuffled = Exercise(
    "02.6",
    "shuffled",
    _shuffled,
    lambda: [
        Probe("300 items, size 32", (list(range(300)), 32, 0, False)),
        Probe("41 items, size 7", (list(range(41)), 7, 3, False)),
        Probe("41 items, size 1", (list(range(41)), 1, 3, False)),
        Probe("11 items, size 50", (list(range(11)), 50, 0, False)),
        Probe("no items", ([], 5, 0, False)),
        Probe("a list of None, equal items and others, size 4", (list(_MIXED_ITEMS), 4, 1, True)),
    ],
    contract=(_ALL, _BOUND, _RANDOM, _SEEDED, _WIDE),
    kind="optional",
    drive=_shuffle,
)


@shuffled.prop(_BOUND)
def _holds_few(call: Call) -> str | None:
    held, size = call.output["held"].value, call.probe.args[1]
    return f"{held} items that were taken were still to come, with size {size}" if held > size else None


@shuffled.prop(_RANDOM)
def _is_shuffled(call: Call) -> str | None:
    items, size, _, _ = call.probe.args
    same = call.output["order"].value == items
    if size == 1:
        return None if same else "the order is another one"
    return "the items come in their own order" if items and same else None


@shuffled.prop(_SEEDED)
def _seeded(call: Call) -> str | None:
    items, size, _, _ = call.probe.args
    if not call.output["again"]:
        return "a second pass with the same seed gave another order"
    return "another seed gave the same order" if items and size > 1 and call.output["another seed"] else None


@shuffled.prop(_WIDE)
def _mixes_widely(call: Call) -> str | None:
    items, _, _, _ = call.probe.args
    if len(items) < 300:
        return None
    order = call.output["order"].value
    late = max((place - item for place, item in enumerate(order)), default=0)
    apart = sum(later - earlier != 1 for earlier, later in pairwise(order))
    if late < 16:
        return f"no item comes more than {late} places late"
    return f"only {apart} items do not follow their neighbour" if apart < 50 else None


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


@shuffled.mistake("one item too many is drawn from", "Draw as soon as size items are held, not size + 1.")
def _one_more(items: Iterable[Any], size: int, seed: int) -> Iterator[Any]:
    yield from _shuffled(items, size + 1, seed)


@shuffled.mistake("the same place is drawn every time", "Make the generator once, before the loop, not for each item.")
def _one_place(items: Iterable[Any], size: int, seed: int) -> Iterator[Any]:
    held: list[Any] = []
    for item in items:
        held.append(item)
        if len(held) >= size:
            yield held.pop(random.Random(seed).randrange(len(held)))
    random.Random(seed).shuffle(held)
    yield from held


@shuffled.mistake(
    "None is taken for the end of the stream", "An item may be None. Use a for loop, or a sign of your own."
)
def _none_ends(items: Iterable[Any], size: int, seed: int) -> Iterator[Any]:
    yield from _shuffled(takewhile(lambda item: item is not None, items), size, seed)
