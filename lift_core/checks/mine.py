"""mine_or_reference: later cells go on with the student's code where it passes, else with the course's."""

from __future__ import annotations

from lift_core.checks.exercise import Candidate, Exercise


def mine_or_reference(candidate: Candidate, exercise: Exercise) -> Candidate:
    """Return the student's function or class if it passes its check, else the exercise's reference, and print which.

    So one unsolved exercise blocks nothing that comes after it.
    """
    verdict = exercise.judge(candidate)
    if verdict.passed:
        print(f"{exercise.name}: from here on your own is used.")
        return candidate
    print(f"{exercise.name}: from here on the course's is used (yours: {verdict.kind}).")
    return exercise.reference
