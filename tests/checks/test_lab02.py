"""The checks of lab 02, loaders: right answers pass, known mistakes are named, other wrong answers do not pass."""

from __future__ import annotations

import queue
import random
import threading
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from torch.utils.data import BatchSampler, IterableDataset, RandomSampler, get_worker_info

from lift_core.checks.lab02.streams import as_worker
from lift_core.checks.proof import Proof, proofs
from lift_core.course.catalogue import exercises
from lift_core.data.simulation import simulate

# --- 02.1 ---


def torch_permutation(count, batch_size, seed, epoch, drop_last):
    order = torch.randperm(count, generator=torch.Generator().manual_seed(1_000_003 * seed + epoch))
    batches = [list(map(int, part)) for part in order.split(batch_size)] if count else []
    return [batch for batch in batches if not drop_last or len(batch) == batch_size]


def numpy_tuples(count, batch_size, seed, epoch, drop_last):
    order = np.random.default_rng([seed, epoch]).permutation(count)
    stop = count - count % batch_size if drop_last else count
    return tuple(order[start : min(start + batch_size, stop)] for start in range(0, stop, batch_size))


def torch_samplers(count, batch_size, seed, epoch, drop_last):
    if count == 0:
        return []
    generator = torch.Generator().manual_seed(hash((seed, epoch)) % 2**40)
    yield from BatchSampler(RandomSampler(range(count), generator=generator), batch_size, drop_last)


def one_short(count, batch_size, seed, epoch, drop_last):
    return torch_permutation(max(count - 1, 0), batch_size, seed, epoch, drop_last)


def flat(count, batch_size, seed, epoch, drop_last):
    return random.Random(seed + epoch).sample(range(count), count)


# --- 02.2 ---


def with_tuples(batches, ahead):
    handed = queue.Queue(max(1, ahead))

    def fill():
        kind, value = "end", None
        try:
            for batch in batches:
                handed.put(("item", batch))
        except BaseException as error:
            kind, value = "error", error
        handed.put((kind, value))

    threading.Thread(target=fill, daemon=True).start()
    while (got := handed.get())[0] == "item":
        yield got[1]
    if got[0] == "error":
        raise got[1]


class WithCondition:
    def __init__(self, batches, ahead):
        self.batches, self.ahead = batches, ahead
        self.held, self.done, self.error = [], False, None
        self.changed = threading.Condition()

    def fill(self):
        try:
            for batch in self.batches:
                with self.changed:
                    self.changed.wait_for(lambda: len(self.held) < self.ahead)
                    self.held.append(batch)
                    self.changed.notify_all()
        except Exception as error:
            self.error = error
        with self.changed:
            self.done = True
            self.changed.notify_all()

    def __iter__(self):
        threading.Thread(target=self.fill, daemon=True).start()
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.held or self.done)
                if not self.held:
                    break
                batch = self.held.pop(0)
                self.changed.notify_all()
            yield batch
        if self.error is not None:
            raise self.error


def with_semaphore(batches, ahead):
    room, ready, held, failed = threading.Semaphore(ahead), threading.Semaphore(0), [], []

    def fill():
        try:
            for batch in batches:
                room.acquire()
                held.append((True, batch))
                ready.release()
        except Exception as error:
            failed.append(error)
        held.append((False, None))
        ready.release()

    threading.Thread(target=fill, daemon=True).start()
    while True:
        ready.acquire()
        more, batch = held.pop(0)
        if not more:
            break
        room.release()
        yield batch
    if failed:
        raise failed[0]


def one_ahead_only(batches, ahead):
    yield from with_tuples(batches, 1)


def reversed_batches(batches, ahead):
    yield from reversed(list(with_tuples(batches, ahead)))


# --- 02.3 ---


def slowest_time(wait, decode, step, workers, cores):
    if workers < 1:
        return 1.0 / sum((wait, decode, step))
    return 1.0 / max(step, (wait + decode) / workers, decode / cores)


def fewer_decode(wait, decode, step, workers, cores):
    if not workers:
        return (wait + decode + step) ** -1
    supply = workers / (wait + decode)
    if decode:
        supply = min(supply, cores / decode)
    return supply if supply * step < 1 else 1 / step


def by_sorting(wait, decode, step, workers, cores):
    seconds = [step, (wait + decode) / workers, decode / cores] if workers else [wait + decode + step]
    return 1 / sorted(seconds)[-1]


def always_adds(wait, decode, step, workers, cores):
    return 1 / (step + (wait + decode) / max(workers, 1))


def only_the_step(wait, decode, step, workers, cores):
    return 1 / step


# --- 02.4 ---


class Counting(IterableDataset):
    def __init__(self, items, read):
        self.items, self.read = items, read

    def __iter__(self):
        info = get_worker_info()
        for number, item in enumerate(self.items()):
            if info is None or number % info.num_workers == info.id:
                yield self.read(item)


class FromTheBack(Counting):
    def __iter__(self):
        info = get_worker_info()
        workers = 1 if info is None else info.num_workers
        mine = 0 if info is None else workers - 1 - info.id
        return (self.read(item) for item in islice(self.items(), mine, None, workers))


class Rounds(Counting):
    def __iter__(self):
        info = get_worker_info()
        number, workers = (info.id, info.num_workers) if info else (0, 1)
        stream = iter(self.items())
        while hand := list(islice(stream, workers)):
            if number < len(hand):
                yield self.read(hand[number])


class OnlyTheFirstWorker(Counting):
    def __iter__(self):
        info = get_worker_info()
        if info is None or info.id == 0:
            yield from map(self.read, list(self.items()))


class EverySecond(Counting):
    def __iter__(self):
        info = get_worker_info()
        first = 0 if info is None else info.id
        yield from map(self.read, islice(self.items(), first, None, 2))


# --- 02.5 ---


def three_workers(pipeline):
    return replace(
        pipeline,
        **{
            "far disk": {"num_workers": 4, "prefetch_factor": 2},
            "large frames": {"precomputed": True},
            "short epochs": {"persistent_workers": True},
        }[pipeline.name],
    )


def by_trying(pipeline):
    """The first single change that helps."""
    for name, values in {
        "persistent_workers": [True],
        "precomputed": [True],
        "num_workers": [2, 3, 4],
    }.items():
        for value in values:
            changed = replace(pipeline, **{name: value})
            if simulate(changed).waiting < 0.1:
                return changed
    return pipeline


def by_cost(pipeline):
    if pipeline.transform_ms > 10:
        return replace(pipeline, precomputed=True)
    if pipeline.epochs > 1:
        return replace(pipeline, persistent_workers=True)
    return replace(pipeline, num_workers=4, prefetch_factor=pipeline.prefetch_factor)


def sixteen_workers(pipeline):
    return replace(by_cost(pipeline), num_workers=16)


def only_the_name(pipeline):
    return pipeline.name


# --- 02.6 ---


def refilled(items, size, seed):
    draw, stream = np.random.default_rng(seed), iter(items)
    held = list(islice(stream, size - 1))
    for item in stream:
        held.append(item)
        yield held.pop(int(draw.integers(len(held))))
    while held:
        yield held.pop(int(draw.integers(len(held))))


def torch_drawn(items, size, seed):
    generator = torch.Generator().manual_seed(seed)
    held = []
    for item in items:
        held.append(item)
        if len(held) == size:
            yield held.pop(int(torch.randint(size, (), generator=generator)))
    yield from (held[place] for place in torch.randperm(len(held), generator=generator).tolist())


def in_blocks(items, size, seed):
    draw, stream = random.Random(seed), iter(items)
    while block := list(islice(stream, size)):
        draw.shuffle(block)
        yield from block


def sorted_again(items, size, seed):
    return sorted(refilled(items, size, seed))


def pairs_swapped(items, size, seed):
    stream = iter(items)
    while pair := list(islice(stream, 2)):
        yield from reversed(pair)


RIGHT = {
    "02.1": (torch_permutation, numpy_tuples, torch_samplers),
    "02.2": (with_tuples, WithCondition, with_semaphore),
    "02.3": (slowest_time, fewer_decode, by_sorting),
    "02.4": (Counting, FromTheBack, Rounds),
    "02.5": (three_workers, by_trying, by_cost),
    "02.6": (refilled, torch_drawn, in_blocks),
}
WRONG = {
    "02.1": (one_short, flat),
    "02.2": (one_ahead_only, reversed_batches),
    "02.3": (always_adds, only_the_step),
    "02.4": (OnlyTheFirstWorker, EverySecond),
    "02.5": (sixteen_workers, only_the_name),
    "02.6": (sorted_again, pairs_swapped),
}
PROOFS = [
    proof for exercise in exercises(2) for proof in proofs(exercise, right=RIGHT[exercise.id], wrong=WRONG[exercise.id])
]


@pytest.mark.filterwarnings("ignore")  # Students' code warns as it likes.
@pytest.mark.parametrize("proof", PROOFS, ids=str)
def test_check(proof: Proof):
    proof()


def test_get_worker_info_answers_as_in_a_worker_and_afterwards_as_before():
    with as_worker(2, 3):
        info = get_worker_info()
        assert (info.id, info.num_workers) == (2, 3)
    assert get_worker_info() is None
