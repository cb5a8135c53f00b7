"""The checks of lab 02, loaders: right answers pass, known mistakes are named, other wrong answers do not pass."""

from __future__ import annotations

import pytest
from torch.utils.data import get_worker_info

from lift_core.checks.lab02 import PIPELINES, mend
from lift_core.checks.lab02.streams import as_worker
from lift_core.checks.proof import Proof, proofs
from lift_core.course.catalogue import exercises
from tests.checks.answers import lab02 as answers

PROOFS = [
    proof
    for exercise in exercises(2)
    for proof in proofs(exercise, right=answers.RIGHT[exercise.id], wrong=answers.WRONG[exercise.id])
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


def test_an_answer_that_changes_the_pipeline_it_is_given_leaves_those_of_the_lab_alone():
    before = dict(PIPELINES)
    assert not mend.judge(answers.mend_mutates).passed
    assert before == PIPELINES
    assert PIPELINES["far disk"].num_workers == 1
