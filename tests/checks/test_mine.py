"""Later cells go on with the student's code only where it passes."""

from __future__ import annotations

from typing import Any

import pytest

from lift_core.checks import mine_or_reference
from lift_core.checks.exercise import Exercise, Probe


def reference(x: int) -> int:
    return x + 1


EXERCISE = Exercise("04.1", "plus_one", reference, lambda: [Probe("1", (1,))], ("returns x + 1",))


def stub(x: int) -> int:
    raise NotImplementedError("lift-stub:04.1 add one")


def test_code_that_passes_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    def mine(x: int) -> int:
        return 1 + x

    assert mine_or_reference(mine, EXERCISE) is mine
    assert capsys.readouterr().out == "plus_one: from here on your own is used.\n"


@pytest.mark.parametrize(
    ("candidate", "verdict"),
    [(stub, "not attempted yet"), (lambda x: x, "wrong"), (lambda x: x / 0, "crashed or out of time"), (None, "wrong")],
)
def test_else_the_courses_code_goes_on(candidate: Any, verdict: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert mine_or_reference(candidate, EXERCISE) is reference
    assert capsys.readouterr().out == f"plus_one: from here on the course's is used (yours: {verdict}).\n"
