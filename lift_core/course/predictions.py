"""predict() and reveal(): a student commits to a number before a measurement, then sees the two side by side."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from types import EllipsisType
from typing import Any, SupportsFloat

from lift_core.checks.card import Card, show
from lift_core.checks.journal import entries, record
from lift_core.course.wording import comparison, shown
from lift_core.errors import ConfigError

JOURNAL = "predictions"


@dataclass(frozen=True)
class Prediction:
    """What is known of one question: the latest guess and the latest measurement, None where there is none."""

    question: str
    guess: float | None = None
    unit: str = ""
    measured: float | None = None


@dataclass
class _Session:
    """What this process predicted, by question, and the question asked last."""

    predictions: dict[str, Prediction] = field(default_factory=dict)
    last: str | None = None


@cache
def _session() -> _Session:
    return _Session()


def predict(question: str, guess: SupportsFloat | EllipsisType, *, unit: str = "") -> None:
    """Note a guess before the measurement, and show it; with ``...`` ask for one and go on.

    Args:
        question: what is guessed; `reveal` finds the guess by it.
        guess: a finite number, or ``...`` where the student has not answered yet.
        unit: what the number counts: "MB", "dB", "samples/s"; "" for a ratio.

    Raises:
        ConfigError: the guess is neither a finite number nor ``...``.
    """
    number = None if isinstance(guess, EllipsisType) else _number(guess, f"predict({question!r}, …)")
    if number is not None and not math.isfinite(number):
        raise _no_number(guess, f"predict({question!r}, …)")
    session = _session()
    session.last = question
    session.predictions[question] = Prediction(question, number, unit)
    if number is None:
        inside = f" (in {unit})" if unit else ""
        advice = f"Replace the dots in predict(…, ...) by a number{inside}, then run this cell again. A guess will do."
        show(Card(f"What is your guess? {question}", "neutral", (advice,)))
        return
    record(JOURNAL, {"question": question, "guess": number, "unit": unit, "time": _now()})
    show(Card(f"Your guess: {shown(number, unit)}", "neutral", (question,)))


def reveal(measured: SupportsFloat, question: str | None = None) -> None:
    """Show a measured value beside what was guessed, and how the two compare; note it.

    Args:
        measured: the value; one that is not finite is shown and not noted.
        question: as it was given to `predict`; by default the one predicted last in this process.

    Raises:
        ConfigError: ``measured`` is no number.
    """
    number = _number(measured, "reveal(…)")
    asked = _session().last if question is None else question
    prediction = _known(asked)
    if asked is not None and math.isfinite(number):
        record(JOURNAL, {"question": asked, "measured": number, "time": _now()})
    show(_revealed(replace(prediction, measured=number)))


def latest_predictions() -> list[Prediction]:
    """Fold the journal: the latest guess and measurement of every question, in the order of the first mention."""
    found: dict[str, Prediction] = {}
    for entry in entries(JOURNAL):
        question = entry.get("question")
        if not isinstance(question, str):
            continue
        known = found.get(question, Prediction(question))
        if _is_number(entry.get("guess")):
            known = replace(known, guess=float(entry["guess"]), unit=str(entry.get("unit", "")))
        if _is_number(entry.get("measured")):
            known = replace(known, measured=float(entry["measured"]))
        found[question] = known
    return list(found.values())


def guess_of(question: str) -> float | None:
    """The latest guess of a question, from this process or an earlier one; None where there is none."""
    return _known(question).guess


def _known(question: str | None) -> Prediction:
    """What was predicted: in this process, else in an earlier one."""
    if question is None:
        return Prediction("")
    earlier = {prediction.question: prediction for prediction in latest_predictions()}
    return _session().predictions.get(question) or earlier.get(question) or Prediction(question)


def _revealed(prediction: Prediction) -> Card:
    assert prediction.measured is not None
    headline = f"Measured: {shown(prediction.measured, prediction.unit)}"
    paragraphs = [prediction.question] if prediction.question else []
    if prediction.guess is None:
        paragraphs.append("There is no guess to compare it with.")
    else:
        paragraphs.append(f"Your guess: {shown(prediction.guess, prediction.unit)}")
        if math.isfinite(prediction.measured):
            paragraphs.append(comparison(prediction.guess, prediction.measured, prediction.unit))
    return Card(headline, "neutral", tuple(paragraphs))


def _number(value: SupportsFloat, where: str) -> float:
    if isinstance(value, bool | str | bytes):
        raise _no_number(value, where)
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        # RuntimeError: what torch says of a tensor with several numbers.
        raise _no_number(value, where) from error


def _no_number(value: object, where: str) -> ConfigError:
    return ConfigError(
        f"{value!r:.60} is not a finite number.", where=where, fix="Write a number without a unit, such as 2.5."
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
