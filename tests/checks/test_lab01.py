"""The checks of lab 01, data sets: right answers pass, known mistakes are named, other wrong answers do not pass."""

from __future__ import annotations

import pytest

from lift_core.checks.proof import Proof, proofs
from lift_core.course.catalogue import exercises
from tests.checks.answers import lab01 as answers

PROOFS = [
    proof
    for exercise in exercises(1)
    for proof in proofs(exercise, right=answers.RIGHT[exercise.id], wrong=answers.WRONG[exercise.id])
]


@pytest.mark.filterwarnings("ignore")  # Students' code warns as it likes.
@pytest.mark.parametrize("proof", PROOFS, ids=str)
def test_check(proof: Proof):
    proof()
