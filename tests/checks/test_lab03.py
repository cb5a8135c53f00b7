"""The checks of lab 03, sampling and augmentation: right answers pass, mistakes are named, other wrong ones fail."""

from __future__ import annotations

import hashlib
import random
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain, cycle, islice
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from lift_core.checks.exercise import Exercise
from lift_core.checks.lab03.order import uneven_class
from lift_core.checks.proof import Proof, proofs
from lift_core.course.catalogue import exercises
from lift_core.data.augmentation import generator
from lift_core.data.sample import SampleKey

RIGHT: dict[str, list[Callable[..., Any]]] = {}
WRONG: dict[str, list[Callable[..., Any]]] = {}


def right(exercise: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return lambda answer: RIGHT.setdefault(exercise, []).append(answer) or answer


def wrong(exercise: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return lambda answer: WRONG.setdefault(exercise, []).append(answer) or answer


@right("03.1")
def recall_by_counting(predicted, truth, classes):
    hits, all_of = [0] * classes, [0] * classes
    for said, true in zip(predicted.tolist(), truth.tolist(), strict=True):
        all_of[true] += 1
        hits[true] += said == true
    return [hit / total if total else float("nan") for hit, total in zip(hits, all_of, strict=True)]


@right("03.1")
def recall_by_bincount(predicted, truth, classes):
    return torch.bincount(truth[predicted == truth], minlength=classes) / torch.bincount(truth, minlength=classes)


@right("03.1")
def recall_by_confusion(predicted, truth, classes):
    table = np.zeros((classes, classes))
    np.add.at(table, (truth.numpy(), predicted.numpy()), 1)
    with np.errstate(invalid="ignore"):
        return np.diag(table) / table.sum(axis=1)


@wrong("03.1")
def recall_in_percent(predicted, truth, classes):
    return [100 * value for value in recall_by_counting(predicted, truth, classes)]


@right("03.2")
def weights_by_counter(labels):
    found = Counter(labels.tolist())
    return [1 / found[label] for label in labels.tolist()]


@right("03.2")
def weights_scaled(labels):
    _, inverse, counts = np.unique(labels.numpy(), return_inverse=True, return_counts=True)
    return (len(labels) / (len(counts) * counts))[inverse]


@right("03.2")
def weights_pairwise(labels):
    return 7 / (labels[:, None] == labels[None]).sum(dim=1)


@wrong("03.2")
def weights_negative(labels):
    return -1 / torch.bincount(labels)[labels]


@wrong("03.2")
def weights_squared(labels):
    return torch.bincount(labels)[labels].double() ** -2


class Sampler:
    def __init__(self, labels, per_class, seed=0):
        self.labels, self.per_class, self.seed, self.epoch = labels, per_class, seed, 0

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __len__(self):
        return int(torch.bincount(self.labels).max()) // self.per_class


@right("03.3")
class TorchBatches(Sampler):
    def __iter__(self):
        draw = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        columns = []
        for label in range(int(self.labels.max()) + 1):
            members = torch.nonzero(self.labels == label).flatten()
            wanted, order = len(self) * self.per_class, torch.empty(0, dtype=torch.long)
            while len(order) < wanted:
                order = torch.cat([order, members[torch.randperm(len(members), generator=draw)]])
            columns.append(order[:wanted].reshape(len(self), self.per_class))
        return iter(torch.cat(columns, dim=1).tolist())


@right("03.3")
class CycledBatches(Sampler):
    """The same permutation of a class again and again."""

    def __iter__(self):
        draw = random.Random(f"{self.seed}-{self.epoch}")
        classes = {}
        for index, label in enumerate(self.labels.tolist()):
            classes.setdefault(label, []).append(index)
        for members in classes.values():
            draw.shuffle(members)
        streams = {label: cycle(members) for label, members in classes.items()}
        for _ in range(len(self)):
            batch = [index for stream in streams.values() for index in islice(stream, self.per_class)]
            draw.shuffle(batch)
            yield batch


@right("03.3")
class PoppingBatches(Sampler):
    def __iter__(self):
        draw, left = np.random.default_rng((self.epoch, self.seed)), {}
        batches = []
        for _ in range(len(self)):
            batch = []
            for label in set(self.labels.tolist()):
                for _ in range(self.per_class):
                    if not left.get(label):
                        left[label] = [i for i, found in enumerate(self.labels) if found == label]
                    batch.append(left[label].pop(draw.integers(len(left[label]))))
            batches.append(batch)
        return iter(batches)


@wrong("03.3")
class FlatBatches(TorchBatches):
    """Indices one by one, not in lists."""

    def __iter__(self):
        return chain.from_iterable(super().__iter__())


@wrong("03.3")
class MixedUpBatches(TorchBatches):
    """Twice as many of the first class."""

    def __iter__(self):
        return iter([[*batch, batch[0]] for batch in super().__iter__()])


@right("03.4")
def mixup_by_loop(pictures, labels, classes, share, partner):
    mixed = torch.stack([share * p + (1 - share) * pictures[k] for p, k in zip(pictures, partner, strict=True)])
    soft = torch.zeros(len(labels), classes)
    for row, (own, other) in enumerate(zip(labels, labels[partner], strict=True)):
        soft[row, own] += share
        soft[row, other] += 1 - share
    return mixed, soft


@right("03.4")
def mixup_by_lerp(pictures, labels, classes, share, partner):
    soft = torch.eye(classes)[labels]
    return pictures[partner].lerp(pictures, share), soft[partner].lerp(soft, share)


@right("03.4")
def mixup_in_numpy(pictures, labels, classes, share, partner):
    soft = (labels.numpy()[:, None] == np.arange(classes)).astype(float)
    return [share * a + (1 - share) * a[partner.numpy()] for a in (pictures.numpy(), soft)]


@wrong("03.4")
def mixup_added(pictures, labels, classes, share, partner):
    soft = torch.eye(classes)[labels]
    return pictures + pictures[partner], soft + soft[partner]


@wrong("03.4")
def mixup_pictures_only(pictures, labels, classes, share, partner):
    return share * pictures + (1 - share) * pictures[partner]


@right("03.5")
def clip_at_once(sample, plan):
    top, left, height, width = plan["crop"]
    made = dict(sample)
    for name in ("frames", "gt"):
        part = sample[name].narrow(-2, top, height).narrow(-1, left, width)
        part = torch.flip(part, [-1]) if plan["flip"] else part
        made[name] = torch.rot90(part, plan["turns"], [-2, -1]).mul(plan["gain"]).clamp(min=0, max=1)
    if plan["reverse"]:
        order = list(range(len(sample["frames"])))[::-1]
        made |= {name: made[name][order] for name in ("frames", "valid")}
        made |= {"times": -sample["times"][order], "timestep": 1 - sample["timestep"]}
    return made


@right("03.5")
def clip_in_numpy(sample, plan):
    top, left, height, width = plan["crop"]

    def changed(pictures):
        part = np.array(pictures)[..., top : top + height, left : left + width]
        part = part[..., ::-1] if plan["flip"] else part
        return np.clip(np.rot90(part, plan["turns"], axes=(-2, -1)) * plan["gain"], 0, 1).copy()

    step = -1 if plan["reverse"] else 1
    return {
        "frames": changed(sample["frames"])[::step].copy(),
        "gt": changed(sample["gt"]),
        "times": step * sample["times"].numpy()[::step],
        "valid": sample["valid"].numpy()[::step].copy(),
        "timestep": 1 - sample["timestep"] if plan["reverse"] else sample["timestep"],
    }


@right("03.5")
def clip_frame_by_frame(sample, plan):
    top, left, height, width = plan["crop"]
    pictures = []
    for picture in [*sample["frames"], sample["gt"]]:
        part = picture[:, top : top + height, left : left + width]
        if plan["flip"]:
            part = part[:, :, torch.arange(width - 1, -1, -1)]
        for _ in range(plan["turns"]):
            part = part.transpose(1, 2).flip(1)
        pictures.append(torch.clip(part * plan["gain"], 0, 1))
    made = SimpleNamespace(frames=pictures[:-1], times=sample["times"].clone(), valid=sample["valid"].tolist())
    timestep = sample["timestep"]
    if plan["reverse"]:
        made.frames.reverse()
        made.valid.reverse()
        made.times, timestep = torch.flip(made.times, [0]) * -1, 1 - timestep
    frames = torch.stack(made.frames)
    return {"frames": frames, "gt": pictures[-1], "times": made.times, "valid": made.valid, "timestep": timestep}


@wrong("03.5")
def clip_in_place(sample, plan):
    sample.update(clip_at_once(sample, plan))
    return sample


@wrong("03.5")
def clip_gain_first(sample, plan):
    brighter = {**sample, "frames": sample["frames"] * plan["gain"], "gt": sample["gt"] * plan["gain"]}
    return clip_at_once(brighter, {**plan, "turns": -plan["turns"]})


@right("03.6")
def generator_by_digest(seed, epoch, key):
    digest = hashlib.sha256(f"{seed}|{epoch}|{key}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


@right("03.6")
def generator_by_checksum(seed, epoch, key):
    return np.random.Generator(np.random.PCG64([seed, epoch, zlib.crc32(key.encode())]))


@right("03.6")
def generator_of_the_package(seed, epoch, key):
    return generator(seed, epoch, key, "mine")


@right("03.6")
def generator_by_hash_of_numbers(seed, epoch, key):
    """hash() of numbers is the same in every process."""
    return np.random.default_rng([abs(hash((seed, epoch))), seed, epoch, *map(ord, key)])


@wrong("03.6")
def generator_by_hash_of_the_key(seed, epoch, key):
    return np.random.default_rng([seed, epoch, hash(key) % 2**32])


@wrong("03.6")
def generator_kept(seed, epoch, key):
    """The same object for the same arguments: the second use goes on where the first ended."""
    return kept_generator(seed, epoch, key)


@cache
def kept_generator(seed, epoch, key):
    return generator_by_digest(seed, epoch, key)


@wrong("03.6")
def generator_of_python(seed, epoch, key):
    return random.Random(f"{seed}/{epoch}/{key}")


class Clips(Dataset):
    def __init__(self, clips, seed):
        self.clips, self.names, self.seed = clips, list(clips), seed

    def __len__(self):
        return len(self.names)

    def __getitem__(self, asked):
        epoch, index = asked
        name = self.names[index]
        shift = self.shift(epoch, name)
        return {"key": name, "shift": shift, "frames": torch.roll(self.clips[name], tuple(shift), (-2, -1))}

    def shift(self, epoch, name):
        raise NotImplementedError


@right("03.7")
class PackageClips(Clips):
    def shift(self, epoch, name):
        return [int(step) for step in generator(self.seed, epoch, name, "shift").integers(-4, 5, 2)]


@right("03.7")
class TorchClips(Clips):
    def shift(self, epoch, name):
        draw = torch.Generator().manual_seed(zlib.crc32(f"{self.seed}/{epoch}/{name}".encode()))
        return torch.randint(-4, 5, (2,), generator=draw).tolist()


@right("03.7")
class PythonClips(Clips):
    def shift(self, epoch, name):
        draw = random.Random(f"{self.seed}/{epoch}/{name}")
        return (draw.randint(-4, 4), draw.randint(-4, 4))


@wrong("03.7")
class GrowingClips(Clips):
    """A counter in place of the epoch."""

    def __init__(self, clips, seed):
        super().__init__(clips, seed)
        self.reads = 0

    def shift(self, epoch, name):
        self.reads += 1
        return generator(self.seed, self.reads, name, "shift").integers(-4, 5, 2).tolist()


@wrong("03.7")
class FarClips(Clips):
    def shift(self, epoch, name):
        return generator(self.seed, epoch, name, "shift").integers(-9, 10, 2).tolist()


@wrong("03.7")
class StillClips(Clips):
    def shift(self, epoch, name):
        return [0, 0]


@right("03.8")
def folds_by_enumerate(groups, variants, folds, fold):
    held = {name for number, name in enumerate(sorted(set(groups))) if number % folds == fold}
    training, validation = [], []
    for clip, group in enumerate(groups):
        if group in held:
            validation.append((clip, 0))
        else:
            training += [(clip, variant) for variant in range(variants)]
    return training, validation


@right("03.8")
def folds_by_rank(groups, variants, folds, fold):
    rank = {name: number for number, name in enumerate(sorted(set(groups)))}
    held = [rank[group] % folds == fold for group in groups]
    training = [(clip, v) for v in reversed(range(variants)) for clip in range(len(groups)) if not held[clip]]
    return [training, [[clip, 0] for clip in range(len(groups)) if held[clip]]]


@right("03.8")
def folds_in_numpy(groups, variants, folds, fold):
    _, rank = np.unique(np.array(groups), return_inverse=True)
    inside = np.flatnonzero(rank % folds == fold)
    outside = np.flatnonzero(rank % folds != fold)
    return np.array([(c, v) for c in outside for v in range(variants)]), np.stack([inside, 0 * inside], axis=1)


@wrong("03.8")
def folds_of_clips_only(groups, variants, folds, fold):
    training, validation = folds_by_enumerate(groups, 1, folds, fold)
    return [clip for clip, _ in training], [clip for clip, _ in validation]


@wrong("03.8")
def folds_from_one(groups, variants, folds, fold):
    return folds_by_enumerate(groups, variants, folds, (fold - 1) % folds)


def ordered(labels, length, draw) -> Iterator[int]:
    queues = {label: [] for label in labels}
    while True:
        names = list(queues)
        draw.shuffle(names)
        for label in names:
            if not queues[label]:
                queues[label] = [i for i, found in enumerate(labels) if found == label]
                draw.shuffle(queues[label])
            yield queues[label].pop()


@right("03.9")
def keys_by_queues(labels, length, seed, epoch, rank, world_size):
    draw = random.Random(f"{seed}/{epoch}")
    order = islice(ordered(labels, length, draw), length)
    return [SampleKey(epoch, index) for index in list(order)[rank::world_size]]


@right("03.9")
def keys_lazily(labels, length, seed, epoch, rank, world_size):
    order = ordered(labels, length, np.random.default_rng([epoch, seed]))
    return (SampleKey(epoch, index) for index in islice(order, rank, length, world_size))


@right("03.9")
def keys_with_fixed_turns(labels, length, seed, epoch, rank, world_size):
    """The classes take turns in one order; their samples are shuffled once and cycled."""
    draw = torch.Generator().manual_seed(seed * 10_007 + epoch)
    names = sorted(set(labels))
    columns = []
    for name in names:
        members = [i for i, label in enumerate(labels) if label == name]
        columns.append([members[k] for k in torch.randperm(len(members), generator=draw).tolist()])
    order = [columns[k % len(names)][k // len(names) % len(columns[k % len(names)])] for k in range(length)]
    return [SampleKey(epoch=epoch, index=order[k]) for k in range(rank, length, world_size)]


@wrong("03.9")
def keys_shuffled(labels, length, seed, epoch, rank, world_size):
    order = np.random.default_rng([seed, epoch]).permutation(length) % len(labels)
    return [SampleKey(epoch, int(index)) for index in order[rank::world_size]]


@wrong("03.9")
def keys_without_turns(labels, length, seed, epoch, rank, world_size):
    """Every rank takes the same keys."""
    return keys_by_queues(labels, length // world_size, seed, epoch, 0, 1)


PROOFS = [
    proof for exercise in exercises(3) for proof in proofs(exercise, right=RIGHT[exercise.id], wrong=WRONG[exercise.id])
]


@pytest.mark.filterwarnings("ignore")  # Students' code warns as it likes.
@pytest.mark.parametrize("proof", PROOFS, ids=str)
def test_check(proof: Proof):
    proof()


@pytest.mark.parametrize("exercise", exercises(3), ids=lambda exercise: exercise.id)
def test_every_exercise_knows_several_mistakes(exercise: Exercise):
    assert len(exercise.mistakes) >= 3


@pytest.mark.parametrize(
    ("pieces", "found"),
    [
        ([[0], [2], [3], [2], [0]], None),
        ([[0], [2], [0]], (7, 2)),
        ([[0, 0, 2, 3]], None),
        ([[1, 1], [0, 2, 3]], (5, 0)),
        ([], None),
    ],
)
def test_a_class_whose_samples_come_unevenly_is_found(pieces: list[list[int]], found: tuple[int, int] | None):
    assert uneven_class(pieces, [7, 5, 7, 7, 5]) == found
