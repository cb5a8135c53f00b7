"""Verdict: what a check says of a student's code, one of five, as a card."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from lift_core.checks.card import Card, Picture, Tone, show
from lift_core.checks.journal import record

VerdictKind = Literal["passed", "not attempted yet", "wrong", "known mistake", "crashed or out of time"]

JOURNAL = "verdicts"

_HEADLINES: dict[VerdictKind, tuple[str, Tone]] = {
    "passed": ("passed", "good"),
    "not attempted yet": ("not attempted yet", "neutral"),
    "wrong": ("not right yet", "bad"),
    "known mistake": ("not right yet, and the mistake is a known one", "bad"),
    "crashed or out of time": ("the code did not run to its end", "bad"),
}


@dataclass(frozen=True)
class Verdict:
    """The result of a check.

    Attributes:
        exercise: the exercise's id, "04.2". name: its name, "clamp".
        kind: which of the five it is.
        paragraphs: what there is to say, as plain text.
        mistake: the name of the mistake that was recognised; None without one.
        picture: a counterexample; None without one.
    """

    exercise: str
    name: str
    kind: VerdictKind
    paragraphs: tuple[str, ...] = ()
    mistake: str | None = None
    picture: Picture | None = None

    @property
    def passed(self) -> bool:
        return self.kind == "passed"

    def card(self) -> Card:
        """The verdict as a card that holds its record."""
        words, tone = _HEADLINES[self.kind]
        headline = f"Exercise {self.exercise} {self.name}: {words}"
        return Card(headline, tone, self.paragraphs, self.picture, self._record())

    def announce(self) -> None:
        """Show the card and note the verdict in the student's journal."""
        record(JOURNAL, {**self._record(), "time": datetime.now(UTC).isoformat(timespec="seconds")})
        show(self.card())

    def _record(self) -> dict[str, str]:
        return {"exercise": self.exercise, "name": self.name, "verdict": self.kind}
