"""Lab 03: the homework, a balanced stream of sample keys for many ranks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain, zip_longest
from typing import Any

import numpy as np

from lift_core.checks.exercise import Call, Exercise, Probe
from lift_core.checks.lab03.elsewhere import in_another_process
from lift_core.checks.lab03.order import same_turns, uneven_class
from lift_core.data.sample import SampleKey

Keys = list[SampleKey]
Draw = np.random.Generator


def _members(labels: Sequence[int]) -> list[list[int]]:
    return [[i for i, label in enumerate(labels) if label == name] for name in sorted(set(labels))]


def _rounds(members: list[int], draw: Draw) -> Iterator[int]:
    while True:
        yield from draw.permutation(members).tolist()


def _order(labels: Sequence[int], length: int, draw: Draw) -> list[int]:
    streams = [_rounds(members, draw) for members in _members(labels)]
    order: list[int] = []
    while len(order) < length:
        order += [next(streams[number]) for number in draw.permutation(len(streams))]
    return order[:length]


def _even_keys(labels: Sequence[int], length: int, seed: int, epoch: int, rank: int, world_size: int) -> Keys:
    order = _order(labels, length, np.random.default_rng([seed, epoch]))
    return [SampleKey(epoch, index) for index in order[rank::world_size]]


def _use_ranks(candidate: Callable[..., Any], labels: Sequence[int], length: int, world_size: int) -> dict[str, Any]:
    def order(seed: int, epoch: int, maker: Callable[..., Any] = candidate) -> list[int]:
        return [key[1] for key in _dealt_back(maker, labels, length, seed, epoch, 1)]

    keys = _dealt_back(candidate, labels, length, 4, 9, world_size)
    indices = [key[1] for key in keys]
    classes = sorted(set(labels))
    stretches = [indices[start : start + len(classes)] for start in range(0, len(indices), len(classes))]
    return {
        "keys": len(keys),
        "SampleKeys": all(isinstance(key, SampleKey) for key in keys),
        "of the epoch": all(key[0] == 9 for key in keys),
        "keys of each rank": [
            len(list(candidate(labels, length, 4, 9, rank, world_size))) for rank in range(world_size)
        ],
        "each stretch": all(len({labels[i] for i in stretch}) == len(stretch) for stretch in stretches),
        "too early": uneven_class([[index] for index in indices], labels),
        "one order": indices == order(4, 9),
        "the same again": order(4, 9) == order(4, 9),
        "in another process": order(4, 9) == order(4, 9, maker=in_another_process(candidate)),
        "another seed": not same_turns([order(4, 9)], [order(5, 9)], labels),
        "another epoch": not same_turns([order(4, 9)], [order(4, 8)], labels),
        "exchanged": not same_turns([order(4, 9)], [order(9, 4)], labels),
    }


def _dealt_back(candidate: Callable[..., Any], labels: Sequence[int], length: int, *where: int) -> list[Any]:
    """The keys of all ranks in the order in which they were dealt out."""
    seed, epoch, ranks = where
    shares = [list(candidate(labels, length, seed, epoch, rank, ranks)) for rank in range(ranks)]
    dealt = chain.from_iterable(zip_longest(*shares))
    return [key if isinstance(key, tuple) else (None, int(key)) for key in dealt if key is not None]


_SHARE = (
    "returns rank's share of one order of length keys: number rank, rank + world_size, rank + 2 · world_size, …; the"
    " order is the same whatever world_size is"
)
_KEYS = "the keys are lift_core.data.sample.SampleKey(epoch, index)"
_STRETCH = (
    "each stretch of as many keys as there are classes, counted from the order's beginning, holds every class once; the"
    " last one may be cut short"
)
_EARLY = "at every place of the order the samples of a class have come equally often, give or take one"
_BY_SEED = (
    "the samples of every class are shuffled by seed and epoch alone, in every process alike; another seed or another"
    " epoch gives another order, and seed 2 in epoch 1 is not seed 1 in epoch 2"
)

even_keys = Exercise(
    "03.9",
    "even_keys",
    _even_keys,
    lambda: [
        Probe("three classes, 31 keys, 2 ranks", ([0, 0, 2, 0, 1, 0, 0, 2, 0, 0, 1, 0, 2], 31, 2)),
        Probe("two classes, 24 keys, 3 ranks", ([5, 5, 5, 5, 5, 5, 5, 1, 1], 24, 3)),
        Probe("four classes, 50 keys, 1 rank", ([3, 2, 1, 0, 3, 3, 2, 3, 3, 3, 2, 3, 3], 50, 1)),
    ],
    contract=(_SHARE, _KEYS, _STRETCH, _EARLY, _BY_SEED),
    kind="optional",
    drive=_use_ranks,
)


@even_keys.prop(_SHARE)
def _one_order(call: Call) -> str | None:
    found, length = call.output["keys"], call.probe.args[1]
    if found != length:
        return f"the ranks have {found} keys together, {length} are wanted"
    return None if call.output["one order"] else "dealt back together, the ranks' keys are not the order of one rank"


@even_keys.prop(_KEYS)
def _are_keys(call: Call) -> str | None:
    if not call.output["SampleKeys"]:
        return "not all keys are SampleKeys"
    return None if call.output["of the epoch"] else "the keys' epoch is not the one asked for"


@even_keys.prop(_STRETCH)
def _even_stretches(call: Call) -> str | None:
    return None if call.output["each stretch"] else "a stretch holds a class twice"


@even_keys.prop(_EARLY)
def _not_too_early(call: Call) -> str | None:
    early = call.output["too early"]
    return (
        None
        if early is None
        else f"at place {early[1]} a sample of class {early[0]} has come two times more than another"
    )


@even_keys.prop(_BY_SEED)
def _by_seed_alone(call: Call) -> str | None:
    if not call.output["the same again"]:
        return "the same seed and epoch give another order the second time"
    if not call.output["in another process"]:
        return "another process would give another order: there, hash() of a text differs"
    for fact, words in {
        "another seed": "with another seed the samples of a class come in the same order",
        "another epoch": "in another epoch the samples of a class come in the same order",
        "exchanged": "with seed and epoch exchanged the samples of a class come in the same order",
    }.items():
        if not call.output[fact]:
            return words
    return None


@even_keys.mistake(
    "each rank shuffles on its own", "Seed with the rank left out: all ranks make the same order, and take turns in it."
)
def _own_shuffle(labels: Sequence[int], length: int, seed: int, epoch: int, rank: int, world_size: int) -> Keys:
    order = _order(labels, length, np.random.default_rng([seed, epoch, rank, world_size]))
    return [SampleKey(epoch, index) for index in order[rank::world_size]]


@even_keys.mistake(
    "each rank takes a block", "The ranks take turns: order[rank::world_size]. A block ties the order to the ranks."
)
def _block(labels: Sequence[int], length: int, seed: int, epoch: int, rank: int, world_size: int) -> Keys:
    keys = _even_keys(labels, length, seed, epoch, 0, 1)
    size = -(-length // world_size)
    return keys[rank * size : (rank + 1) * size]


@even_keys.mistake(
    "length counts for each rank", "length is what all ranks have together: shuffle length keys, then take your share."
)
def _length_each(labels: Sequence[int], length: int, seed: int, epoch: int, rank: int, world_size: int) -> Keys:
    return _even_keys(labels, length * world_size, seed, epoch, rank, world_size)


@even_keys.mistake(
    "the epoch is not in the keys", "The key is how the epoch reaches a worker: SampleKey(epoch, index)."
)
def _epoch_zero(labels: Sequence[int], length: int, seed: int, epoch: int, rank: int, world_size: int) -> Keys:
    return [SampleKey(0, key.index) for key in _even_keys(labels, length, seed, epoch, rank, world_size)]


@even_keys.mistake("plain indices", "Yield SampleKey(epoch, index), so that the epoch travels with the index.")
def _indices(labels: Sequence[int], length: int, seed: int, epoch: int, rank: int, world_size: int) -> list[int]:
    return [key.index for key in _even_keys(labels, length, seed, epoch, rank, world_size)]


@even_keys.mistake("the epoch does not shuffle", "Each epoch would show the same order. Seed with both numbers.")
def _same_epochs(labels: Sequence[int], length: int, seed: int, epoch: int, rank: int, world_size: int) -> Keys:
    order = _order(labels, length, np.random.default_rng([seed]))
    return [SampleKey(epoch, index) for index in order[rank::world_size]]


@even_keys.mistake(
    "seed and epoch are added", "Seed 4 in epoch 9 and seed 9 in epoch 4 are one: seed with [seed, epoch]."
)
def _added(labels: Sequence[int], length: int, seed: int, epoch: int, rank: int, world_size: int) -> Keys:
    order = _order(labels, length, np.random.default_rng(seed + epoch))
    return [SampleKey(epoch, index) for index in order[rank::world_size]]


def _drawn(labels: Sequence[int], length: int, *where: int, pick: Callable[[Draw, list[list[int]]], list[int]]) -> Keys:
    """Keys of an order that is put together by ``pick``, one stretch after the other."""
    seed, epoch, rank, world_size = where
    draw, members, order = np.random.default_rng([seed, epoch]), _members(labels), list[int]()
    while len(order) < length:
        order += pick(draw, members)
    return [SampleKey(epoch, index) for index in order[:length][rank::world_size]]


def _with_replacement(draw: Draw, members: list[list[int]]) -> list[int]:
    return [int(draw.choice(members[number])) for number in draw.permutation(len(members))]


def _all_of_each(draw: Draw, members: list[list[int]]) -> list[int]:
    return [i for number in draw.permutation(len(members)) for i in draw.permutation(members[number]).tolist()]


even_keys.mistake(
    "drawn with replacement", "Some samples come three times before others come at all. Shuffle, and go through."
)(partial(_drawn, pick=_with_replacement))

even_keys.mistake(
    "the classes do not take turns", "A stretch lacks a class. Take one sample of each class, then the next of each."
)(partial(_drawn, pick=_all_of_each))
