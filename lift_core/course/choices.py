"""choose(): a student commits to one answer of a multiple-choice question, and reads why it is right or is not."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from types import EllipsisType

from lift_core.checks.card import Card, show
from lift_core.checks.choice import Choice
from lift_core.checks.journal import record
from lift_core.course.catalogue import choices
from lift_core.errors import ConfigError

JOURNAL = "choices"


def choose(choice_id: str, answer: str | EllipsisType) -> None:
    """Show a question of a lab with ``...``; with the letter of an option, whether it is the right one, and why.

    Args:
        choice_id: "04.A": the first question of lab 04.
        answer: the letter of an option, or ``...`` where the student has not answered yet.

    Raises:
        ConfigError: there is no such question or option.
    """
    choice = find_choice(choice_id)
    if isinstance(answer, EllipsisType):
        show(_question(choice))
        return
    letter = answer.strip() if isinstance(answer, str) else answer
    if letter not in choice.options:
        raise ConfigError(
            f"there is no answer {answer!r}.",
            where=f'choose("{choice_id}", …)',
            fix=f"Choose one of: {', '.join(choice.options)}.",
        )
    outcome: dict[str, object] = {"choice": choice.id, "answer": letter, "right": letter == choice.right}
    record(JOURNAL, {**outcome, "time": datetime.now(UTC).isoformat(timespec="seconds")})
    show(_judged(choice, letter, outcome))


def find_choice(choice_id: str) -> Choice:
    """Find a question by its id among the ``CHOICES`` of its lab's module of checks.

    Raises:
        ConfigError: there is none.
    """
    lab = re.fullmatch(r"(\d\d)\.[A-Z]", str(choice_id))
    known = choices(int(lab[1])) if lab else ()
    for choice in known:
        if choice.id == choice_id:
            return choice
    there = ", ".join(choice.id for choice in known)
    fix = f"The lab has: {there}." if there else 'A question has the lab\'s number and a letter, such as "04.A".'
    raise ConfigError(f"there is no question {choice_id!r}.", where="choose(…)", fix=fix)


def _question(choice: Choice) -> Card:
    options = "\n".join(f"{letter}) {text}" for letter, text in choice.options.items())
    example = next(iter(choice.options))
    advice = f'Replace the dots by the letter of your answer, such as "{example}", then run this cell again.'
    return Card(f"Question {choice.id}: {choice.question}", "neutral", (options, advice))


def _judged(choice: Choice, letter: str, outcome: dict[str, object]) -> Card:
    words = "right" if outcome["right"] else "not this one"
    paragraphs = (choice.question, f"Your answer: {letter}) {choice.options[letter]}", choice.why[letter])
    return Card(f"Question {choice.id}: {words}", "good" if outcome["right"] else "bad", paragraphs, record=outcome)
