"""The checks of lab 03, sampling and augmentation: right answers pass, mistakes are named, other wrong ones fail."""

from __future__ import annotations

import os
import random

import numpy as np
import pytest
import torch
from torch.utils.data import get_worker_info

from lift_core.checks import lab03
from lift_core.checks.exercise import Exercise
from lift_core.checks.lab03.elsewhere import as_worker, in_another_process
from lift_core.checks.lab03.order import same_turns, uneven_class
from lift_core.checks.proof import Proof, proofs
from lift_core.course.catalogue import exercises
from tests.checks.answers import lab03 as answers

PROOFS = [
    proof
    for exercise in exercises(3)
    for proof in proofs(exercise, right=answers.RIGHT[exercise.id], wrong=answers.WRONG[exercise.id])
]


@pytest.mark.filterwarnings("ignore")  # Students' code warns as it likes.
@pytest.mark.parametrize("proof", PROOFS, ids=str)
def test_check(proof: Proof):
    proof()


@pytest.mark.parametrize("exercise", exercises(3), ids=lambda exercise: exercise.id)
def test_every_exercise_knows_several_mistakes(exercise: Exercise):
    assert len(exercise.mistakes) >= 3


@pytest.mark.parametrize(
    ("exercise", "mistake"),
    [
        (lab03.sample_weights, "one minus the share"),
        (lab03.balanced_batches, "drawn with replacement"),
        (lab03.balanced_batches, "shuffled, not balanced"),
        (lab03.jittered_clips, "the epoch is forgotten"),
        (lab03.fold_entries, "variants are dealt out"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.id,
)
def test_a_mistake_without_a_picture_is_drawn_as_a_table(exercise: Exercise, mistake: str):
    known = next(known for known in exercise.mistakes if known.name == mistake)
    picture = exercise.judge(known.implementation).picture
    assert picture is not None
    assert picture.alt


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


def test_only_classes_of_some_size_are_asked_for_their_order():
    labels = [0] * 6 + [1] * 2
    assert same_turns([[0, 6, 1], [2, 7, 3]], [[6, 0], [7, 1, 2, 3]], labels)
    assert not same_turns([[0, 6, 1], [2, 7, 3]], [[0, 6, 2], [1, 7, 3]], labels)


def keyed(text: str, *, more: int = 0) -> int:
    return hash(text) + more


class Keyed:
    def __init__(self, text: str) -> None:
        self.text = text

    def key(self) -> int:
        return hash(self.text)


class MoreKeyed(Keyed):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.number = 7

    def of_number(self) -> int:
        return hash(self.number)


def test_in_another_process_the_hash_of_a_text_differs_and_that_of_a_number_does_not():
    assert in_another_process(keyed)("a", more=1) != keyed("a", more=1)
    there, here = in_another_process(MoreKeyed)("a"), MoreKeyed("a")
    assert there.key() != here.key()
    assert there.of_number() == here.of_number()


def test_a_worker_has_a_number_a_process_and_seeds_and_leaves_nothing_behind():
    process = os.getpid()
    with as_worker(1):
        first = (os.getpid(), get_worker_info().id, random.random(), np.random.random(), torch.rand(1).item())
    with as_worker(2):
        second = (os.getpid(), get_worker_info().id, random.random(), np.random.random(), torch.rand(1).item())
    assert all(one != other for one, other in zip(first, second, strict=True))
    assert (os.getpid(), get_worker_info()) == (process, None)
