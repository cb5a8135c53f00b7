"""Lab 03: the exercises on random numbers that depend on (seed, epoch, key) alone."""

from __future__ import annotations

import copy
import random
import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from lift_core.checks.exercise import Call, Exercise, Probe

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
    return {
        "a numpy.random.Generator": isinstance(made, np.random.Generator),
        "the same again": first == numbers(seed, epoch, key),
        "the same after other draws": first == _after_draws(candidate, seed, epoch, key),
        "the same in another process": first == _numbers(_in_another_process(candidate)(seed, epoch, key)),
        "another seed": first != numbers(seed + 1, epoch, key),
        "another epoch": first != numbers(seed, epoch + 1, key),
        "another key": first != numbers(seed, epoch, key + "x"),
        "another letter": first != numbers(seed, epoch, key[:-1] + chr(ord(key[-1]) + 1)),
        "a key of the same letters": first != numbers(seed, epoch, key[::-1]),
        "seed and epoch exchanged": first != numbers(epoch, seed, key),
        "a digit moved": numbers(seed * 10 + 1, epoch, key) != numbers(seed, 10 ** len(str(epoch)) + epoch, key),
        "the shared generators were used": used_global,
    }


def _numbers(generator: Any) -> list[int]:
    return np.asarray(generator.integers(2**31, size=4)).tolist()


def _after_draws(candidate: Maker, seed: int, epoch: int, key: str) -> list[int]:
    """The numbers once the shared generators have moved on, as they do between two workers."""
    random.seed(91)
    np.random.seed(91)
    torch.manual_seed(91)
    return _numbers(candidate(seed, epoch, key))


def _in_another_process(candidate: Maker) -> Maker:
    """The candidate as another Python would run it, where the hash of a text is another number."""
    if not isinstance(candidate, types.FunctionType):
        return candidate
    names = {**candidate.__globals__, "hash": _other_hash}
    return types.FunctionType(candidate.__code__, names, "", candidate.__defaults__, candidate.__closure__)


def _other_hash(value: Any) -> int:
    return hash(("another process", value)) if _holds_text(value) else hash(value)


def _holds_text(value: Any) -> bool:
    inner = value if isinstance(value, tuple | frozenset) else ()
    return isinstance(value, str | bytes) or any(map(_holds_text, inner))


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
        "the same again": "a second call with the same arguments gives other numbers",
        "the same after other draws": "other numbers come once the shared generators stand elsewhere",
        "the same in another process": "another process would give other numbers: there, hash() of a text differs",
    },
    _OTHER: {
        "another seed": "another seed gives the same numbers",
        "another epoch": "another epoch gives the same numbers",
        "another key": "another key gives the same numbers",
        "another letter": "a key of another last letter gives the same numbers",
        "a key of the same letters": "a key of the same letters in another order gives the same numbers",
        "seed and epoch exchanged": "exchanging seed and epoch gives the same numbers",
        "a digit moved": "moving a digit from the seed to the front of the epoch gives the same numbers",
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


@generator_of.mistake("not seeded", "default_rng() without an argument asks the system for chance: nothing repeats.")
def _unseeded(seed: int, epoch: int, key: str) -> np.random.Generator:
    return np.random.default_rng()


@generator_of.mistake(
    "seeded from numpy's shared generator",
    "What np.random gives depends on who drew from it before, and seeding it changes everybody's numbers.",
)
def _from_shared(seed: int, epoch: int, key: str) -> np.random.Generator:
    np.random.seed([seed, epoch, *key.encode()])
    return np.random.default_rng(np.random.randint(2**31))


# --- 03.7 the bug hunt ---

_REACH = 4


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


def _use_jitter(candidate: Callable[..., Any], clips: Mapping[str, Tensor], seed: int) -> dict[str, Any]:
    """What holds of the samples, read as two workers and two epochs would read them."""
    asked = [(epoch, index) for epoch in range(2) for index in range(len(clips))]
    data = candidate(clips, seed)
    start = copy.deepcopy(data)
    samples = _read_as_worker(data, asked, 1)
    shifts = {(epoch, s["key"]): _shift_of(s) for (epoch, _), s in zip(asked, samples, strict=True)}
    half = dict(list(clips.items())[len(clips) // 2 :])
    fewer = _read_as_worker(candidate(half, seed), [(0, index) for index in range(len(half))], 1)
    return {
        "keys": [sample["key"] for sample in samples] == list(clips) * 2,
        "moved": all(torch.equal(s["frames"], clips[s["key"]].roll(_shift_of(s), (-2, -1))) for s in samples),
        "near": all(len(s) == 2 and max(map(abs, s)) <= _REACH for s in shifts.values()),
        "read again": _agree(shifts, asked, _read_as_worker(data, asked, 1)),
        "another worker": _agree(shifts, asked, _read_as_worker(copy.deepcopy(start), asked, 2)),
        "another order": _agree(shifts, asked[::-1], _read_as_worker(copy.deepcopy(start), asked[::-1], 1)),
        "fewer clips": all(shifts[0, s["key"]] == _shift_of(s) for s in fewer),
        "another epoch": _mostly_differ([(shifts[0, name], shifts[1, name]) for name in clips]),
        "another clip": len({shifts[0, name] for name in clips}) > len(clips) // 3,
        "another seed": _mostly_differ(
            [
                (shifts[0, s["key"]], _shift_of(s))
                for s in _read_as_worker(candidate(clips, seed + 1), asked[: len(clips)], 1)
            ]
        ),
    }


def _read_as_worker(data: Any, asked: list[tuple[int, int]], worker: int) -> list[Any]:
    """Read samples where the shared generators stand as in a loader's worker."""
    random.seed(worker)
    np.random.seed(worker)
    torch.manual_seed(worker)
    return [data[question] for question in asked]


def _shift_of(sample: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(int(step) for step in sample["shift"])


def _agree(shifts: Mapping[tuple[int, str], Any], asked: list[tuple[int, int]], samples: list[Any]) -> bool:
    return all(shifts[epoch, s["key"]] == _shift_of(s) for (epoch, _), s in zip(asked, samples, strict=True))


def _mostly_differ(pairs: list[tuple[Any, Any]]) -> bool:
    return sum(one != other for one, other in pairs) > len(pairs) // 2


def _clips_to_jitter() -> list[Probe]:
    def clips(count: int, seed: int) -> dict[str, Tensor]:
        draw = torch.Generator().manual_seed(seed)
        return {f"clips/{(number * 7) % count:02d}": torch.rand(2, 9, 11, generator=draw) for number in range(count)}

    return [Probe("twelve clips, seed 3", (clips(12, 1), 3)), Probe("fifteen clips, seed 8", (clips(15, 2), 8))]


_MOVED = (
    "data[epoch, index] is a dict: key, the clip's name; shift, two numbers from -4 to 4; frames, the clip moved by"
    " torch.roll(frames, shift, (-2, -1))"
)
_ALONE = (
    "the shift depends on the seed, the epoch and the clip's name alone: it is the same in every worker, in whatever"
    " order samples are read, read once or twice, and whichever other clips there are"
)
_VARIES = "the shift varies from clip to clip, from epoch to epoch and from seed to seed"

jittered_clips = Exercise(
    "03.7",
    "JitteredClips",
    _JitteredClips,
    _clips_to_jitter,
    contract=(_MOVED, _ALONE, _VARIES),
    drive=_use_jitter,
)

_JITTER_FACTS = {
    _MOVED: {
        "keys": "the keys are not the clips' names in their order",
        "moved": "the frames are not the clip rolled by the sample's shift",
        "near": "a shift is not two numbers from -4 to 4",
    },
    _ALONE: {
        "read again": "a sample that is read a second time is moved another way",
        "another worker": "another worker moves the same sample another way",
        "another order": "read in another order, a sample is moved another way",
        "fewer clips": "with fewer clips in the data set, a clip is moved another way",
    },
    _VARIES: {
        "another epoch": "most clips are moved the same way in the next epoch",
        "another clip": "most clips are moved alike",
        "another seed": "most clips are moved the same way with another seed",
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
    "drawn from numpy's shared generator",
    "It is seeded differently in each worker, but not by the sample: nothing can be repeated.",
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
    "the place in the list instead of the name",
    "Take a clip away, and all that come after it are moved another way. Use the name.",
)
class _ByIndex(_JitteredClips):
    def generator(self, epoch: int, index: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, epoch, index])


@jittered_clips.mistake("the seed is forgotten", "Another seed of the training must give other shifts.")
class _SeedForgotten(_JitteredClips):
    def generator(self, epoch: int, index: int) -> np.random.Generator:
        return _generator_of(0, epoch, self.names[index])
