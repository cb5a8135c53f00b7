"""Lab 03: the exercises on random numbers that depend on (seed, epoch, key) alone."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Mapping
from functools import cache
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from lift_core.checks.exercise import Call, Exercise, Probe
from lift_core.checks.lab03.elsewhere import as_worker, in_another_process
from lift_core.checks.noted import Noted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# --- 03.6 a generator of one's own ---


def _generator_of(seed: int, epoch: int, key: str) -> np.random.Generator:
    return np.random.default_rng([seed, epoch, *key.encode()])


Maker = Callable[[int, int, str], Any]


def _ask(candidate: Maker, seed: int, epoch: int, key: str) -> dict[str, Any]:
    def numbers(*asked: Any) -> list[int]:
        return _numbers(candidate(*asked))

    before = _global_state()
    made = candidate(seed, epoch, key)
    used_global = not _same_state(before, _global_state())
    first = _numbers(made)
    with as_worker(3):
        in_worker = numbers(seed, epoch, key)
    return {
        "a numpy.random.Generator": isinstance(made, np.random.Generator),
        "a new one each time": made is not candidate(seed, epoch, key),
        "the same again": first == numbers(seed, epoch, key),
        "the same in a worker": first == in_worker,
        "the same in another process": first == _numbers(in_another_process(candidate)(seed, epoch, key)),
        "another seed": all(first != numbers(seed + n, epoch, key) for n in (1, *_BEYOND)),
        "another epoch": all(first != numbers(seed, epoch + n, key) for n in (1, *_BEYOND)),
        "another key": all(first != numbers(seed, epoch, other) for other in (key + "x", "x" + key, key + "ä")),
        "another letter": all(first != numbers(seed, epoch, other) for other in (_next_letter(key), key.swapcase())),
        "a key of the same letters": first != numbers(seed, epoch, key[::-1]),
        "many keys": len({tuple(numbers(seed, epoch, f"{key}{number}")) for number in range(_MANY)}) == _MANY,
        "seed and epoch exchanged": first != numbers(epoch, seed, key),
        "an epoch beyond": all(numbers(seed + 1, epoch, key) != numbers(seed, epoch + n, key) for n in _BEYOND),
        "a digit moved": numbers(seed * 10 + 1, epoch, key) != numbers(seed, int(f"1{epoch}"), key)
        and numbers(seed, epoch * 10 + 1, key) != numbers(seed, epoch, f"1{key}")
        and numbers(seed, epoch, f"{key}1") != numbers(seed, int(f"1{epoch}"), key),
        "the shared generators were used": used_global,
    }


_MANY = 60
_BEYOND = (10, 100, 256, 1000, 10_000, 2**16, 100_000, 1_000_000)


def _next_letter(key: str) -> str:
    return key[:-1] + chr(ord(key[-1]) + 1)


def _numbers(generator: Any) -> list[int]:
    return np.asarray(generator.integers(2**31, size=4)).tolist()


def _global_state() -> tuple[Any, ...]:
    numpys = np.random.get_state(legacy=False)["state"]
    return (random.getstate(), numpys["pos"], numpys["key"].tobytes()), torch.get_rng_state()


def _same_state(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return one[0] == other[0] and torch.equal(one[1], other[1])


_SAME = (
    "returns a numpy.random.Generator that begins at the same place whenever seed, epoch and key are the same: in every"
    " process, and whatever was drawn before"
)
_OTHER = (
    "another seed, another epoch or another key gives other numbers; seed 2 in epoch 7 is not seed 7 in epoch 2, and"
    " the digits of one number never run into the next"
)
_UNTOUCHED = "the shared generators of random, numpy and torch are neither seeded nor drawn from"

generator_of = Exercise(
    "03.6",
    "generator_of",
    _generator_of,
    lambda: [
        Probe("seed 2, epoch 7, key clips/park@31", (2, 7, "clips/park@31")),
        Probe("seed 0, epoch 1, key a/b/c", (0, 1, "a/b/c")),
        Probe("seed 11, epoch 30, key Größe@4", (11, 30, "Größe@4")),
    ],
    contract=(_SAME, _OTHER, _UNTOUCHED),
    kind="faded",
    drive=_ask,
)

_FACTS = {
    _SAME: {
        "a numpy.random.Generator": "what was returned is no numpy.random.Generator",
        "a new one each time": "a second call gives the same generator, which goes on where it was left",
        "the same again": "a second call with the same arguments gives other numbers",
        "the same in a worker": "in a loader's worker, where the shared generators stand elsewhere, other numbers come",
        "the same in another process": "another process would give other numbers: there, hash() of a text differs",
    },
    _OTHER: {
        "another seed": "another seed gives the same numbers",
        "another epoch": "another epoch gives the same numbers",
        "another key": "a key that is a letter longer gives the same numbers",
        "another letter": "a key that differs in one letter, or in the size of its letters, gives the same numbers",
        "many keys": f"of {_MANY} keys some give the same numbers",
        "a key of the same letters": "a key of the same letters in another order gives the same numbers",
        "seed and epoch exchanged": "exchanging seed and epoch gives the same numbers",
        "an epoch beyond": "a late epoch of one seed gives the numbers of another seed",
        "a digit moved": "a digit moved between seed, epoch and key gives the same numbers",
    },
}


@generator_of.prop(_SAME)
def _always_the_same(call: Call) -> str | None:
    return _first_untrue(call.output, _FACTS[_SAME])


@generator_of.prop(_OTHER)
def _others_differ(call: Call) -> str | None:
    return _first_untrue(call.output, _FACTS[_OTHER])


@generator_of.prop(_UNTOUCHED)
def _shared_untouched(call: Call) -> str | None:
    return "one of the shared generators has moved" if call.output["the shared generators were used"] else None


def _first_untrue(facts: Mapping[str, Any], words: Mapping[str, str]) -> str | None:
    return next((said for name, said in words.items() if not facts[name]), None)


@generator_of.mistake(
    "hash() of a text",
    "Python gives a text another hash in every process, on purpose. Use the text's bytes, or a checksum of them"
    " (hashlib, zlib.crc32).",
)
def _hashed(seed: int, epoch: int, key: str) -> np.random.Generator:
    return np.random.default_rng(abs(hash((seed, epoch, key))))


@generator_of.mistake(
    "the numbers are added", "2 + 7 is 7 + 2. Give the numbers as a list: default_rng([seed, epoch, ...])."
)
def _added(seed: int, epoch: int, key: str) -> np.random.Generator:
    return np.random.default_rng([seed + epoch, *key.encode()])


@generator_of.mistake(
    "joined without a separator", "Seed 1 and epoch 17 must not be read like seed 11 and epoch 7. Keep them apart."
)
def _joined(seed: int, epoch: int, key: str) -> np.random.Generator:
    return np.random.default_rng(list(f"{seed}{epoch}{key}".encode()))


@generator_of.mistake("the epoch is forgotten", "Every epoch would show the same variant of a sample.")
def _without_epoch(seed: int, epoch: int, key: str) -> np.random.Generator:
    return np.random.default_rng([seed, *key.encode()])


@generator_of.mistake("the key is forgotten", "All samples of an epoch would be augmented alike.")
def _without_key(seed: int, epoch: int, key: str) -> np.random.Generator:
    return np.random.default_rng([seed, epoch])


@generator_of.mistake("the seed is forgotten", "Trainings with different seeds would see the same variants.")
def _without_seed(seed: int, epoch: int, key: str) -> np.random.Generator:
    return np.random.default_rng([epoch, *key.encode()])


@generator_of.mistake("only the key's length counts", "Many keys are equally long. Use all of their letters.")
def _length_only(seed: int, epoch: int, key: str) -> np.random.Generator:
    return np.random.default_rng([seed, epoch, len(key)])


@generator_of.mistake(
    "the letters are added up", "Keys of the same letters in another order come out alike. Use the bytes in order."
)
def _letters_added(seed: int, epoch: int, key: str) -> np.random.Generator:
    return np.random.default_rng([seed, epoch, sum(key.encode())])


@generator_of.mistake(
    "every call gives other numbers",
    "Does default_rng() get an argument, and the same one each time? What is drawn or spawned from something that is"
    " kept has moved on at the next call.",
)
def _unseeded(seed: int, epoch: int, key: str) -> np.random.Generator:
    return np.random.default_rng()


@generator_of.mistake(
    "the generator is kept",
    "Whoever asks a second time gets a generator that somebody has drawn from. Keep what it is made from, not itself.",
)
@cache
def _kept(seed: int, epoch: int, key: str) -> np.random.Generator:
    return _generator_of(seed, epoch, key)


@generator_of.mistake(
    "seeded from a shared generator",
    "What a shared generator gives depends on who drew from it before, and seeding it changes everybody's numbers.",
)
def _from_shared(seed: int, epoch: int, key: str) -> np.random.Generator:
    np.random.seed([seed, epoch, *key.encode()])
    return np.random.default_rng(np.random.randint(2**31))


# --- 03.7 the bug hunt ---

_REACH = 4
_EPOCHS = 10


class _JitteredClips(Dataset[dict[str, Any]]):
    """Clips by name, each moved by a few pixels, another way in every epoch."""

    def __init__(self, clips: Mapping[str, Tensor], seed: int) -> None:
        self.clips, self.names, self.seed = clips, list(clips), seed

    def __len__(self) -> int:
        return len(self.names)

    def generator(self, epoch: int, index: int) -> np.random.Generator:
        return _generator_of(self.seed, epoch, self.names[index])

    def __getitem__(self, asked: tuple[int, int]) -> dict[str, Any]:
        epoch, index = asked
        shift = self.generator(epoch, index).integers(-_REACH, _REACH + 1, size=2).tolist()
        name = self.names[index]
        return {"key": name, "shift": shift, "frames": self.clips[name].roll(shift, (-2, -1))}


Shifts = dict[str, tuple[int, ...]]

# By what they are called: ways to read epoch 0 that must move a clip as worker 1 does, and others that must not.
_MUST_AGREE = {
    "read again": "a sample that is read a second time is moved another way",
    "worker 2": "another worker moves the same sample another way",
    "backwards": "read in another order, a sample is moved another way",
    "another process": "another process would move a sample another way: there, hash() of a text differs",
    "fewer clips": "with fewer clips in the data set, a clip is moved another way",
}
_MUST_DIFFER = {
    "next epoch": "most clips are moved the same way in the next epoch",
    "another seed": "most clips are moved the same way with another seed",
}


def _use_jitter(candidate: Callable[..., Any], clips: Mapping[str, Tensor], seed: int) -> dict[str, Any]:
    """What holds of the samples, read as two workers and several epochs would read them."""
    data = candidate(clips, seed)
    untouched = copy.deepcopy(data)
    samples = _read(data, [(epoch, index) for epoch in range(_EPOCHS) for index in range(len(clips))])
    found = {"worker 1": _shifts(samples[: len(clips)]), "next epoch": _shifts(samples[len(clips) : 2 * len(clips)])}
    found |= _other_ways(candidate, clips, seed, data, untouched)
    every = [_shift_of(sample) for sample in samples]
    agree = {way: all(found["worker 1"].get(n) == step for n, step in found[way].items()) for way in _MUST_AGREE}
    differ = {way: _mostly_differ(found["worker 1"], found[way]) for way in _MUST_DIFFER}
    return {
        "keys": [sample["key"] for sample in samples] == list(clips) * _EPOCHS,
        "moved": all(torch.equal(s["frames"], clips[s["key"]].roll(_shift_of(s), (-2, -1))) for s in samples),
        "near": all(len(shift) == 2 and max(map(abs, shift)) <= _REACH for shift in every),
        "far enough": set(chain.from_iterable(every)) >= set(range(-_REACH, _REACH + 1)),
        **agree,
        "another clip": all(_mostly_differ(found["worker 1"], other) for other in _neighbours(found["worker 1"])),
        **differ,
        "exchanged": _mostly_differ(_epoch(candidate(clips, 2), 1), _epoch(candidate(clips, 1), 2)),
        "shifts": Noted(found),
    }


def _other_ways(
    candidate: Callable[..., Any], clips: Mapping[str, Tensor], seed: int, data: Any, untouched: Any
) -> dict[str, Shifts]:
    half = dict(list(clips.items())[len(clips) // 2 :])
    backwards = [(0, index) for index in reversed(range(len(clips)))]
    return {
        "read again": _epoch(data, 0),
        "worker 2": _epoch(copy.deepcopy(untouched), 0, worker=2),
        "backwards": _shifts(_read(untouched, backwards)),
        "another process": _epoch(in_another_process(candidate)(clips, seed), 0),
        "fewer clips": _epoch(candidate(half, seed), 0),
        "another seed": _epoch(candidate(clips, seed + 1), 0),
    }


def _epoch(data: Any, epoch: int, worker: int = 1) -> Shifts:
    return _shifts(_read(data, [(epoch, index) for index in range(len(data))], worker))


def _read(data: Any, asked: list[tuple[int, int]], worker: int = 1) -> list[Any]:
    """Read samples as a loader's worker does."""
    with as_worker(worker):
        return [data[question] for question in asked]


def _shifts(samples: list[Any]) -> Shifts:
    return {sample["key"]: _shift_of(sample) for sample in samples}


def _shift_of(sample: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(int(step) for step in sample["shift"])


def _neighbours(shifts: Shifts) -> list[Shifts]:
    """Of each clip the shift of the next one, of its namesake in the other folder, and of one with the same letters."""
    names = list(shifts)
    folder = len(names) // 2
    pairs = [pairwise(names), zip(names, names[folder:], strict=False), zip(names[::2], names[1::2], strict=False)]
    return [{name: shifts[other] for name, other in some} for some in pairs]


def _mostly_differ(shifts: Shifts, others: Shifts) -> bool:
    return sum(shifts.get(name) != other for name, other in others.items()) > len(others) // 2


def _clips_to_jitter() -> list[Probe]:
    def clips(numbers: str, seed: int) -> dict[str, Tensor]:
        draw = torch.Generator().manual_seed(seed)
        names = [f"{folder}/{number}" for folder in ("park", "zoo") for number in numbers.split()]
        return {name: torch.rand(2, 9, 11, generator=draw) for name in names}

    return [
        Probe("twelve clips, seed 3", (clips("12 21 01 10 37 73", 1), 3)),
        Probe("eight clips, seed 8", (clips("31 13 09 90", 2), 8)),
    ]


_MOVED = (
    "data[epoch, index] is a dict: key, the name of clip number index; shift, two whole numbers from -4 to 4, which all"
    " occur; frames, the clip moved by torch.roll(frames, shift, (-2, -1))"
)
_ALONE = (
    "the shift depends on the seed, the epoch and the clip's name alone: it is the same in every worker, in whatever"
    " order samples are read, read once or twice, and whichever other clips there are"
)
_VARIES = (
    "the shift varies from clip to clip, from epoch to epoch and from seed to seed; seed 2 in epoch 1 is not seed 1 in"
    " epoch 2"
)

jittered_clips = Exercise(
    "03.7",
    "JitteredClips",
    _JitteredClips,
    _clips_to_jitter,
    contract=(_MOVED, _ALONE, _VARIES),
    drive=_use_jitter,
    picture=lambda call: _draw_shifts(call),
)


def _draw_shifts(call: Call) -> tuple[Figure, str] | None:
    """The shifts that worker 1 draws in epoch 0, beside those that must equal them, or must not, and fail to."""
    from lift_core.viz.text_table import text_table

    failed = [way for way in (*_MUST_AGREE, *_MUST_DIFFER) if not call.output[way]]
    if not failed:
        return None
    found = call.output["shifts"].value
    first = found["worker 1"]
    rows = {name: [str(shift), *(str(found[way].get(name, "")) for way in failed)] for name, shift in first.items()}
    wrong = {
        (row, column)
        for row, name in enumerate(first)
        for column, way in enumerate(failed, start=1)
        if name in found[way] and (found[way][name] == first[name]) == (way in _MUST_DIFFER)
    }
    return text_table(rows, ["worker 1", *failed], wrong, title="Shifts of the clips in epoch 0")


_JITTER_FACTS = {
    _MOVED: {
        "keys": "the keys are not the clips' names in their order",
        "moved": "the frames are not the clip rolled by the sample's shift",
        "near": "a shift is not two numbers from -4 to 4",
        "far enough": f"in {_EPOCHS} epochs some number from -4 to 4 never comes",
    },
    _ALONE: _MUST_AGREE,
    _VARIES: {
        "another clip": "most clips are moved like another one",
        **_MUST_DIFFER,
        "exchanged": "exchanging seed and epoch moves most clips the same way",
    },
}


def _judges(line: str) -> Callable[[Call], str | None]:
    return lambda call: _first_untrue(call.output, _JITTER_FACTS[line])


for _line in _JITTER_FACTS:
    jittered_clips.prop(_line)(_judges(_line))


@jittered_clips.mistake(
    "a generator is kept on the data set",
    "Every worker gets a copy of it, which begins where yours stood, and each epoch gives new copies: the same numbers"
    " again. Make a generator for each sample, in __getitem__.",
)
class _Kept(_JitteredClips):
    def __init__(self, clips: Mapping[str, Tensor], seed: int) -> None:
        super().__init__(clips, seed)
        self.draw = np.random.default_rng(seed)

    def generator(self, epoch: int, index: int) -> np.random.Generator:
        return self.draw


@jittered_clips.mistake(
    "seeded by the worker",
    "The workers' numbers differ now. But which worker reads a sample depends on their number and on the order: use the"
    " epoch and the name.",
)
class _ByWorker(_JitteredClips):
    def generator(self, epoch: int, index: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, epoch, torch.initial_seed() % 2**32, *self.names[index].encode()])


@jittered_clips.mistake(
    "drawn from a shared generator",
    "torch seeds it differently in each worker, but not by the sample: nothing can be repeated.",
)
class _Shared(_JitteredClips):
    def generator(self, epoch: int, index: int) -> np.random.Generator:
        return np.random.default_rng(np.random.randint(2**31))


@jittered_clips.mistake("not seeded at all", "The numbers differ everywhere, and never come again. Seed the generator.")
class _Unseeded(_JitteredClips):
    def generator(self, epoch: int, index: int) -> np.random.Generator:
        return np.random.default_rng()


@jittered_clips.mistake("the epoch is forgotten", "Each clip is moved the same way in every epoch.")
class _EpochForgotten(_JitteredClips):
    def generator(self, epoch: int, index: int) -> np.random.Generator:
        return _generator_of(self.seed, 0, self.names[index])


@jittered_clips.mistake("the name is forgotten", "All clips of an epoch are moved the same way.")
class _NameForgotten(_JitteredClips):
    def generator(self, epoch: int, index: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, epoch])


@jittered_clips.mistake(
    "the other clips have a say",
    "Take a clip away, and others are moved another way: neither a place in a list nor how many clips there are may"
    " enter. Use the name.",
)
class _ByIndex(_JitteredClips):
    def generator(self, epoch: int, index: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, epoch, index])


@jittered_clips.mistake("the seed is forgotten", "Another seed of the training must give other shifts.")
class _SeedForgotten(_JitteredClips):
    def generator(self, epoch: int, index: int) -> np.random.Generator:
        return _generator_of(0, epoch, self.names[index])


@jittered_clips.mistake(
    "seed and epoch are added", "Seed 2 in epoch 1 and seed 1 in epoch 2 are one: keep the numbers apart, in a list."
)
class _SeedEpochAdded(_JitteredClips):
    def generator(self, epoch: int, index: int) -> np.random.Generator:
        return _generator_of(self.seed + epoch, 0, self.names[index])
