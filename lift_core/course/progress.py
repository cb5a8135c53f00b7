"""What a student has done: the journal of verdicts, predictions and choices, folded into plain-text tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lift_core.checks.exercise import Exercise
from lift_core.checks.journal import entries
from lift_core.checks.verdict import JOURNAL
from lift_core.course import catalogue, choices
from lift_core.course.labs import short_name
from lift_core.course.predictions import Prediction, latest_predictions
from lift_core.course.wording import shown

_NOT_ATTEMPTED = "not attempted yet"


@dataclass(frozen=True)
class Standing:
    """How a student stands with one exercise.

    Attributes:
        tries: how often it was checked; runs of the untouched stub do not count.
        passed: whether the latest try passed.
        passed_once: whether any did.
    """

    tries: int = 0
    passed: bool = False
    passed_once: bool = False

    def __str__(self) -> str:
        if self.passed:
            return "passed"
        if self.passed_once:
            return "passed once, now wrong"
        if self.tries:
            return f"tried, {self.tries} {'time' if self.tries == 1 else 'times'}"
        return "-"


@dataclass(frozen=True)
class LabProgress:
    """One lab: its notebook, whether the student has a copy, and its exercises with how they stand."""

    lab: Path
    has_copy: bool
    exercises: tuple[tuple[Exercise, Standing], ...]

    @property
    def core(self) -> list[Standing]:
        return [standing for exercise, standing in self.exercises if exercise.kind == "core"]

    @property
    def open_exercise(self) -> Exercise | None:
        """The first exercise that is not optional and has not passed."""
        to_do = [exercise for exercise, standing in self.exercises if not standing.passed]
        return next((exercise for exercise in to_do if exercise.kind != "optional"), None)


def standings() -> dict[str, Standing]:
    """Fold the journal of verdicts: how every exercise in it stands, by its id."""
    found: dict[str, Standing] = {}
    for entry in entries(JOURNAL):
        exercise, verdict = entry.get("exercise"), entry.get("verdict")
        if isinstance(exercise, str) and isinstance(verdict, str) and verdict != _NOT_ATTEMPTED:
            earlier, passed = found.get(exercise, Standing()), verdict == "passed"
            found[exercise] = Standing(earlier.tries + 1, passed, earlier.passed_once or passed)
    return found


def progress_of(labs: Sequence[Path], work: Path) -> list[LabProgress]:
    """How a student with the work folder ``work`` stands with each of ``labs``."""
    known = standings()
    return [
        LabProgress(
            lab,
            (work / lab.name).is_file(),
            tuple((exercise, known.get(exercise.id, Standing())) for exercise in _exercises(lab)),
        )
        for lab in labs
    ]


def table(labs: Sequence[LabProgress]) -> str:
    """A block for each lab, the totals, and what to do next."""
    lines: list[str] = []
    for lab in labs:
        lines += [*_block(lab), ""]
    core = [standing for lab in labs for standing in lab.core]
    guesses = sum(prediction.guess is not None for prediction in latest_predictions())
    answered = {str(entry.get("choice")) for entry in entries(choices.JOURNAL)}
    lines.append(f"Core exercises passed: {sum(standing.passed for standing in core)} of {len(core)}")
    lines.append(f"Predictions made: {guesses}. Questions answered: {len(answered)}.")
    return "\n".join([*lines, f"Next: {_next(labs)}"])


def prediction_table(predictions: Sequence[Prediction]) -> str:
    """Guess, measured value and question, a line for each."""
    if not predictions:
        return "No predictions yet."
    rows = [("guess", "measured", "question")]
    for prediction in predictions:
        numbers = (prediction.guess, prediction.measured)
        guess, measured = ("-" if number is None else shown(number, prediction.unit) for number in numbers)
        rows.append((guess, measured, prediction.question))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(f"{guess:>{widths[0]}}  {measured:>{widths[1]}}  {question}" for guess, measured, question in rows)


def _exercises(lab: Path) -> list[Exercise]:
    number = short_name(lab)
    return catalogue.exercises(int(number)) if number.isdecimal() else []


def _block(lab: LabProgress) -> list[str]:
    passed = f"{sum(standing.passed for standing in lab.core)} of {len(lab.core)} core exercises passed"
    state = (passed if lab.core else "no core exercises") + ("" if lab.has_copy else ", not begun")
    width = max((len(exercise.name) for exercise, _ in lab.exercises), default=0)
    rows = [
        f"  {exercise.id:6} {exercise.name:{width}}  {exercise.kind:8}  {standing}"
        for exercise, standing in lab.exercises
    ]
    return [f"{lab.lab.stem.replace('_', ' ')}: {state}", *rows]


def _next(labs: Sequence[LabProgress]) -> str:
    for lab in labs:
        name = short_name(lab.lab)
        if (exercise := lab.open_exercise) is not None:
            return f"exercise {exercise.id} {exercise.name}, in lab {name} (lift lab {name})"
        if not lab.exercises and not lab.has_copy:
            return f"lab {name} (lift lab {name})"
    return "nothing; all that is not optional is done." if labs else "there are no labs yet."
