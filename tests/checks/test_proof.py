"""Proofs hold for a sound check, and each kind of unsound check breaks one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from lift_core.checks.exercise import Exercise, Probe
from lift_core.checks.proof import Proof, proofs


def exercise() -> Exercise:
    """Add one, with two known mistakes."""
    made = Exercise(
        "04.1",
        "plus_one",
        lambda x: x + 1,
        lambda: [Probe("1", (1,)), Probe("5", (5,))],
        ("returns x + 1",),
        timeout_s=5,
    )
    made.mistake("one too few", "Add.")(lambda x: x - 1)
    made.mistake("doubled", "Add.")(lambda x: 2 * x)
    return made


def add(x: int) -> int:
    return x + 1


def subtract(x: int) -> int:
    return x - -1


class Adder:
    def __call__(self, x: int) -> int:
        return 1 + x


RIGHT = [add, subtract, Adder()]
WRONG = [lambda x: x, partial(max, 1)]


def broken(claims: Sequence[Proof]) -> list[str]:
    names = []
    for claim in claims:
        try:
            claim()
        except AssertionError:
            names.append(claim.name)
    return names


def test_a_sound_check_holds_every_claim() -> None:
    claims = proofs(exercise(), right=RIGHT, wrong=WRONG)
    assert [str(claim) for claim in claims] == [
        "04.1-reference",
        "04.1-right-add",
        "04.1-right-subtract",
        "04.1-right-Adder",
        "04.1-stub",
        "04.1-mistake-one-too-few",
        "04.1-mistake-doubled",
        "04.1-mistakes-differ",
        "04.1-wrong-<lambda>",
        "04.1-wrong-partial",
    ]
    assert broken(claims) == []


def test_a_right_way_that_is_rejected_breaks_its_claim() -> None:
    assert broken(proofs(exercise(), right=[add, subtract, WRONG[0]], wrong=WRONG)) == ["04.1-right-<lambda>"]


def test_wrong_code_that_passes_breaks_its_claim() -> None:
    assert broken(proofs(exercise(), right=RIGHT, wrong=[add])) == ["04.1-wrong-add"]


def test_a_mistake_that_passes_breaks_its_claim() -> None:
    made = exercise()
    made.mistake("none", "None.")(add)
    assert broken(proofs(made, right=RIGHT, wrong=WRONG)) == ["04.1-mistake-none"]


def test_mistakes_that_no_input_tells_apart_break_two_claims() -> None:
    made = exercise()
    made.mistake("twice", "Add.")(lambda x: x + x)
    assert broken(proofs(made, right=RIGHT, wrong=WRONG)) == ["04.1-mistake-twice", "04.1-mistakes-differ"]


@pytest.mark.parametrize("stub", [WRONG[0], add], ids=["wrong", "right"])
def test_a_stub_that_is_judged_otherwise_breaks_its_claim(stub: Callable[..., Any]) -> None:
    assert broken(proofs(exercise(), right=RIGHT, wrong=WRONG, stub=stub)) == ["04.1-stub"]


def test_too_few_witnesses_are_refused() -> None:
    bare = Exercise("04.1", "f", add, lambda: [Probe("1", (1,))], ("returns x + 1",))
    for made, right, wrong in ((exercise(), RIGHT[:2], WRONG), (exercise(), RIGHT, []), (bare, RIGHT, WRONG)):
        with pytest.raises(ValueError, match=r"04\.1 needs 3 right ways"):
            proofs(made, right=right, wrong=wrong)
