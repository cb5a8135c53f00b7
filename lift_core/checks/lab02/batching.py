"""Lab 02: the exercise on shuffling and batching by hand."""

from __future__ import annotations

import builtins
import random
from collections.abc import Callable, Iterable, Sequence
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


def _others(seed: int, epoch: int) -> dict[str, tuple[int, int]]:
    """Seeds and epochs that must give other orders."""
    return {"another seed": (seed + 1, epoch), "another epoch": (seed, epoch + 1), "a later epoch": (seed, epoch + 2)}


def _in_another_python(candidate: Callable[..., Any], *args: Any) -> list[list[int]]:
    """The batches where ``hash`` answers as in another Python process: texts have other hashes there."""

    def hash_there(value: object) -> int:
        here = hash_here(value)
        return here ^ 0x5DEECE66D if any(mark in repr(value) for mark in "'\"") else here

    hash_here, builtins.hash = hash, hash_there
    try:
        return _as_lists(candidate(*args))
    finally:
        builtins.hash = hash_here


def _run(
    candidate: Callable[..., Any], count: int, batch_size: int, seed: int, epoch: int, drop_last: bool
) -> dict[str, Any] | None:
    """What must be the same for every right answer, whatever its permutation is."""
    first = candidate(count, batch_size, seed, epoch, drop_last)
    if first is None:
        return None
    first = _as_lists(first)
    others = [_as_lists(candidate(count, batch_size, *pair, drop_last)) for pair in _others(seed, epoch).values()]
    seen = [index for batch in first for index in batch]
    return {
        "sizes of the batches": [len(batch) for batch in first],
        "numbers that occur": len(set(seen)) if drop_last else sorted(seen),
        "again the same": _as_lists(candidate(count, batch_size, seed, epoch, drop_last)) == first,
        "elsewhere the same": _in_another_python(candidate, count, batch_size, seed, epoch, drop_last) == first,
        "same as given": [other == first for other in others],
        "same for the same sum": others[0] == others[1],
        "in order": seen == sorted(seen),
        "neighbours": all(max(batch) - min(batch) == len(batch) - 1 for batch in first if batch),
    }


_ONCE = (
    "every number below count occurs exactly once; with drop_last=True, those of an incomplete last batch not at all"
)
_SAME = "the same seed and epoch give the same batches every time, in another Python process too"
_OTHER = "another seed or another epoch gives another order, and seed 1 in epoch 0 another than seed 0 in epoch 1"
_MIXED = "samples are shuffled, not only batches: any two may come into one batch"

epoch_batches = Exercise(
    "02.1",
    "epoch_batches",
    _epoch_batches,
    lambda: [
        Probe("25 samples in batches of 4", (25, 4, 0, 0, False)),
        Probe("23 samples in batches of 4, drop_last=True", (23, 4, 0, 1, True)),
        Probe("24 samples in batches of 6", (24, 6, 2, 0, False)),
        Probe("24 samples in batches of 6, drop_last=True", (24, 6, 3, 2, True)),
        Probe("17 samples in one batch of 30", (17, 30, 1, 0, False)),
        Probe("17 samples in batches of 30, drop_last=True", (17, 30, 1, 0, True)),
        Probe("0 samples", (0, 4, 0, 0, True)),
    ],
    contract=(
        "returns a list of batches, each a list of sample numbers: batch_size in each, except that the last may have"
        " fewer",
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
    return "each batch holds neighbours" if many and call.output["neighbours"] else None


@epoch_batches.prop(_SAME)
def _comes_again(call: Call) -> str | None:
    if not call.output["again the same"]:
        return "a second call with the same arguments gave other batches"
    same = call.output["elsewhere the same"]
    return None if same else "another Python process would give other batches: it has other hashes of texts"


@epoch_batches.prop(_OTHER)
def _differs(call: Call) -> str | None:
    if not _many(call):
        return None
    _, _, seed, epoch, _ = call.probe.args
    others = zip(_others(seed, epoch), call.output["same as given"], strict=True)
    if (other := next((name for name, same in others if same), None)) is not None:
        return f"{other} gave the same order"
    if call.output["same for the same sum"]:
        return f"seed {seed + 1} in epoch {epoch} gave the order of seed {seed} in epoch {epoch + 1}"
    return None


@epoch_batches.mistake("nothing is shuffled", "Draw an order first, then cut it into batches.")
def _unshuffled(count: int, batch_size: int, seed: int, epoch: int, drop_last: bool) -> list[list[int]]:
    return _cut(range(count), batch_size, drop_last)


@epoch_batches.mistake("every epoch has the same order", "Let the epoch take part in the seed.")
def _epoch_ignored(count: int, batch_size: int, seed: int, epoch: int, drop_last: bool) -> list[list[int]]:
    return _epoch_batches(count, batch_size, seed, 0, drop_last)


@epoch_batches.mistake(
    "only the sum of seed and epoch counts",
    "Training 1 sees in its epoch 0 what training 0 sees in its epoch 1: two trainings with two seeds are hardly two."
    " Make the seed of the generator from both, as [seed, epoch].",
)
def _summed(count: int, batch_size: int, seed: int, epoch: int, drop_last: bool) -> list[list[int]]:
    return _epoch_batches(count, batch_size, seed + epoch, 0, drop_last)


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


@epoch_batches.mistake(
    "only within its batch is a sample shuffled", "The same samples meet in every epoch. Shuffle first, then cut."
)
def _within(count: int, batch_size: int, seed: int, epoch: int, drop_last: bool) -> list[list[int]]:
    draw = random.Random(f"{seed}, {epoch}")
    return [draw.sample(batch, len(batch)) for batch in _cut(range(count), batch_size, drop_last)]


@epoch_batches.mistake(
    "the seed is the hash of a text",
    "A text has another hash in each Python process, so tomorrow the order is another one. Use numbers, or a generator"
    " that takes the text itself, as random.Random does.",
)
def _hashed(count: int, batch_size: int, seed: int, epoch: int, drop_last: bool) -> list[list[int]]:
    order = random.Random(hash(f"{seed}, {epoch}")).sample(range(count), count)
    return _cut(order, batch_size, drop_last)
