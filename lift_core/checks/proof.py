"""Proves a check: what must pass passes, every known mistake is named, and no wrong answer slips through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from lift_core.checks.exercise import STUB_PREFIX, Candidate, Exercise

LEAST_RIGHT_WAYS = 3


@dataclass(frozen=True)
class Proof:
    """One claim about a check; calling it raises AssertionError where the claim does not hold."""

    name: str
    claim: Callable[[], None]

    def __call__(self) -> None:
        self.claim()

    def __str__(self) -> str:
        return self.name


def proofs(
    exercise: Exercise, *, right: Sequence[Candidate], wrong: Sequence[Candidate], stub: Candidate | None = None
) -> list[Proof]:
    """All that must hold of an exercise's check, one claim each; made for ``pytest.mark.parametrize``.

    The reference and every other right way pass, the stub is "not attempted yet", every known mistake is named, any two
    known mistakes differ on some input, and code that is wrong in other ways does not pass.

    Args:
        exercise: whose check it is.
        right: correct ways that differ from the reference, at least three.
        wrong: wrong code, written by someone who has not seen the known mistakes.
        stub: what the student starts from; by default a function that raises a stub's message.

    Raises:
        ValueError: fewer than three right ways, no known mistake, or no wrong code.
    """
    if len(right) < LEAST_RIGHT_WAYS or not exercise.mistakes or not wrong:
        raise ValueError(
            f"{exercise.id} needs {LEAST_RIGHT_WAYS} right ways, a known mistake and other wrong code; there are"
            f" {len(right)}, {len(exercise.mistakes)} and {len(wrong)}"
        )
    claims = [Proof(f"{exercise.id}-reference", lambda: _is(exercise, exercise.reference, "passed"))]
    claims += [Proof(_label(exercise, "right", f), lambda f=f: _is(exercise, f, "passed")) for f in right]  # type: ignore[misc]
    untouched = stub or _stub_of(exercise)
    claims.append(Proof(f"{exercise.id}-stub", lambda: _is(exercise, untouched, "not attempted yet")))
    for known in exercise.mistakes:
        name = f"{exercise.id}-mistake-{known.name.replace(' ', '-')}"
        claims.append(Proof(name, lambda known=known: _is_named(exercise, known.name, known.implementation)))  # type: ignore[misc]
    claims.append(Proof(f"{exercise.id}-mistakes-differ", lambda: _all_differ(exercise)))
    claims += [Proof(_label(exercise, "wrong", f), lambda f=f: _fails(exercise, f)) for f in wrong]  # type: ignore[misc]
    return claims


def _label(exercise: Exercise, kind: str, candidate: Candidate) -> str:
    name = getattr(candidate, "__name__", type(candidate).__name__)
    return f"{exercise.id}-{kind}-{name.replace('_', '-')}"


def _is(exercise: Exercise, candidate: Candidate, kind: str) -> None:
    verdict = exercise.judge(candidate)
    assert verdict.kind == kind, f"{verdict.kind}, not {kind}: {' '.join(verdict.paragraphs)}"


def _is_named(exercise: Exercise, name: str, candidate: Candidate) -> None:
    verdict = exercise.judge(candidate)
    assert verdict.mistake == name, f"{verdict.kind}, {verdict.mistake}: {' '.join(verdict.paragraphs)}"


def _fails(exercise: Exercise, candidate: Candidate) -> None:
    kind = exercise.judge(candidate).kind
    assert kind not in ("passed", "not attempted yet"), f"wrong code is {kind}"


def _all_differ(exercise: Exercise) -> None:
    calls = {known.name: exercise.run(known.implementation) for known in exercise.mistakes}
    for one, other in combinations(calls, 2):
        assert not exercise.same(calls[one], calls[other]), f"'{one}' and '{other}' do the same on every input"


def _stub_of(exercise: Exercise) -> Candidate:
    def stub(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{STUB_PREFIX}{exercise.id} do it")

    return stub
