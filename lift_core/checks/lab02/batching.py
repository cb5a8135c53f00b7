"""Lab 02: the exercise on shuffling and batching by hand."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

import torch

from lift_core.checks.exercise import Call, Exercise, Probe


def _order(count: int, seed: int, epoch: int) -> list[int]:
    return random.Random(f"{seed}, {epoch}").sample(range(count), count)


def _cut(order: Sequence[int], batch_size: int, drop_last: bool) -> list[list[int]]:
    batches = [list(order[start : start + batch_size]) for start in range(0, len(order), batch_size)]
    return batches[:-1] if drop_last and batches and len(batches[-1]) < batch_size else batches


def _epoch_batches(count: int, batch_size: int, seed: int, epoch: int, drop_last: bool) -> list[list[int]]:
    return _cut(_order(count, seed, epoch), batch_size, drop_last)


def _as_lists(batches: Iterable[Iterable[Any]]) -> list[list[int]]:
    return [[int(index) for index in batch] for batch in batches]


def _run(
    candidate: Callable[..., Any], count: int, batch_size: int, seed: int, epoch: int, drop_last: bool
) -> dict[str, Any] | None:
    """What must be the same for every right answer, whatever its permutation is."""
    first = candidate(count, batch_size, seed, epoch, drop_last)
    if first is None:
        return None
    first = _as_lists(first)
    others = [(seed + 1, epoch), (seed, epoch + 1), (seed, epoch + 2)]
    seen = [index for batch in first for index in batch]
    return {
        "sizes of the batches": [len(batch) for batch in first],
        "batches": _Batches(first),
        "numbers that occur": len(set(seen)) if drop_last else sorted(seen),
        "again the same": _as_lists(candidate(count, batch_size, seed, epoch, drop_last)) == first,
        "another seed or epoch the same": [
            _as_lists(candidate(count, batch_size, *other, drop_last)) == first for other in others
        ],
        "in order": seen == sorted(seen),
        "neighbours": all(later - earlier == 1 for batch in first for earlier, later in pairwise(batch)),
    }


class _Batches:
    """Batches that are shown and never compared: every right answer has its own order."""

    def __init__(self, batches: list[list[int]]) -> None:
        self.batches = batches

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


_ONCE = (
    "every number below count occurs exactly once; with drop_last=True, those of an incomplete last batch not at all"
)
_SAME = "the same seed and epoch give the same batches every time"
_OTHER = "another seed or another epoch gives another order"
_MIXED = "samples are shuffled, not only batches"

epoch_batches = Exercise(
    "02.1",
    "epoch_batches",
    _epoch_batches,
    lambda: [
        Probe("23 samples in batches of 4", (23, 4, 0, 0, False)),
        Probe("23 samples in batches of 4, drop_last=True", (23, 4, 0, 1, True)),
        Probe("24 samples in batches of 6, drop_last=True", (24, 6, 3, 2, True)),
        Probe("17 samples in one batch of 30", (17, 30, 1, 0, False)),
        Probe("17 samples in batches of 30, drop_last=True", (17, 30, 1, 0, True)),
        Probe("0 samples", (0, 4, 0, 0, True)),
    ],
    contract=(
        "returns lists of sample numbers: batch_size in each, except that the last may have fewer",
        _ONCE,
        _MIXED,
        _SAME,
        _OTHER,
    ),
    drive=_run,
)


def _many(call: Call) -> bool:
    return call.probe.args[0] > 0 and bool(call.output["sizes of the batches"])


@epoch_batches.prop(_MIXED)
def _is_mixed(call: Call) -> str | None:
    if not _many(call):
        return None
    if call.output["in order"]:
        return "the samples come in order"
    many = len(call.output["sizes of the batches"]) > 1
    return "each batch holds neighbours in order" if many and call.output["neighbours"] else None


@epoch_batches.prop(_SAME)
def _comes_again(call: Call) -> str | None:
    return None if call.output["again the same"] else "a second call with the same arguments gave other batches"


@epoch_batches.prop(_OTHER)
def _differs(call: Call) -> str | None:
    if not _many(call):
        return None
    same = zip(("seed", "epoch", "epoch"), call.output["another seed or epoch the same"], strict=True)
    return next((f"another {word} gave the same order" for word, equal in same if equal), None)


@epoch_batches.mistake("nothing is shuffled", "Draw an order first, then cut it into batches.")
def _unshuffled(count: int, batch_size: int, seed: int, epoch: int, drop_last: bool) -> list[list[int]]:
    return _cut(range(count), batch_size, drop_last)


@epoch_batches.mistake("every epoch has the same order", "Let the epoch take part in the seed.")
def _epoch_ignored(count: int, batch_size: int, seed: int, epoch: int, drop_last: bool) -> list[list[int]]:
    return _epoch_batches(count, batch_size, seed, 0, drop_last)


@epoch_batches.mistake("the seed is ignored", "Two trainings with different seeds must see different orders.")
def _seed_ignored(count: int, batch_size: int, seed: int, epoch: int, drop_last: bool) -> list[list[int]]:
    return _epoch_batches(count, batch_size, 0, epoch, drop_last)


@epoch_batches.mistake(
    "the order cannot be had again", "Give the generator a seed; without one each call draws another order."
)
def _unseeded(count: int, batch_size: int, seed: int, epoch: int, drop_last: bool) -> list[list[int]]:
    return _cut(torch.randperm(count).tolist(), batch_size, drop_last)


@epoch_batches.mistake("only the batches are shuffled", "Neighbours stay together then. Shuffle the samples, then cut.")
def _blocks(count: int, batch_size: int, seed: int, epoch: int, drop_last: bool) -> list[list[int]]:
    batches = _cut(range(count), batch_size, drop_last)
    return [batches[place] for place in _order(len(batches), seed, epoch)]


@epoch_batches.mistake(
    "samples are drawn with replacement", "An epoch serves each sample once: permute the numbers, do not draw them."
)
def _replaced(count: int, batch_size: int, seed: int, epoch: int, drop_last: bool) -> list[list[int]]:
    draw = random.Random(f"{seed}, {epoch}")
    return _cut([draw.randrange(count) for _ in range(count)], batch_size, drop_last)


@epoch_batches.mistake("the last batch is always dropped", "Without drop_last the rest is a batch too.")
def _always_dropped(count: int, batch_size: int, seed: int, epoch: int, drop_last: bool) -> list[list[int]]:
    return _epoch_batches(count, batch_size, seed, epoch, True)


@epoch_batches.mistake("the last batch is never dropped", "With drop_last=True an incomplete batch is left out.")
def _never_dropped(count: int, batch_size: int, seed: int, epoch: int, drop_last: bool) -> list[list[int]]:
    return _epoch_batches(count, batch_size, seed, epoch, False)


@epoch_batches.mistake(
    "a complete last batch is dropped too", "24 samples in batches of 6 leave no rest: there is nothing to drop."
)
def _whole_dropped(count: int, batch_size: int, seed: int, epoch: int, drop_last: bool) -> list[list[int]]:
    batches = _epoch_batches(count, batch_size, seed, epoch, False)
    return batches[:-1] if drop_last else batches
