"""Questions of a lab are found by id, answered by letter, and every answer gets its reason in words."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lift_core.checks.card import Card
from lift_core.checks.choice import Choice
from lift_core.checks.journal import entries
from lift_core.course import catalogue, choices, choose
from lift_core.errors import ConfigError
from tests.course.conftest import CHOICE

pytestmark = pytest.mark.usefixtures("work", "lab97")


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> list[Card]:
    seen: list[Card] = []
    monkeypatch.setattr(choices, "show", seen.append)
    return seen


def test_dots_show_question_and_options_and_note_nothing(cards: list[Card]):
    choose("97.A", ...)
    (card,) = cards
    assert CHOICE.question in card.headline
    assert card.paragraphs[0] == "a) None.\nb) As many as you like."
    assert "Replace the dots" in card.paragraphs[1]
    assert card.record is None
    assert entries("choices") == []


@pytest.mark.parametrize(
    ("answer", "right", "words"), [("a", False, "not this one"), ("b", True, "right"), (" b", True, "right")]
)
def test_an_answer_is_judged_in_words_with_its_reason(cards: list[Card], answer: str, right: bool, words: str):
    choose("97.A", answer)
    (card,) = cards
    letter = answer.strip()
    assert card.headline == f"Question 97.A: {words}"
    assert card.tone == ("good" if right else "bad")
    assert card.paragraphs == (
        CHOICE.question,
        f"Your answer: {letter}) {CHOICE.options[letter]}",
        CHOICE.why[letter],
    )
    assert card.record == {"choice": "97.A", "answer": letter, "right": right}
    (entry,) = entries("choices")
    assert entry.pop("time").endswith("+00:00")
    assert entry == card.record


@pytest.mark.parametrize(
    ("choice_id", "answer", "complaint"),
    [
        ("97.A", "c", r"no answer 'c'.*one of: a, b"),
        ("97.A", 2, "no answer 2"),
        ("97.B", "a", r"no question '97\.B'.*has: 97\.A"),
        ("96.A", "a", r"no question.*such as \"04\.A\""),
        ("97", "a", "no question"),
        ("97.a", "a", "no question"),
        ("97.1", "a", "no question '97.1'. .*such as"),
        (97.1, "a", "no question"),
    ],
)
def test_unknown_questions_and_answers_are_named(choice_id: str, answer: str, complaint: str):
    with pytest.raises(ConfigError, match=complaint):
        choose(choice_id, answer)
    assert entries("choices") == []


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"right": "c"}, "'c' is no option"),
        ({"why": {"a": "x"}}, "do not match: b"),
        ({"why": {"a": "x", "b": "y", "c": "z"}}, "do not match: c"),
        ({"options": {"b": "x"}, "why": {"b": "y"}}, "two options"),
    ],
)
def test_unsound_choices_are_refused(changes: dict, complaint: str):
    with pytest.raises(ConfigError, match=complaint):
        Choice(**{**vars(CHOICE), **changes})


def test_exercises_come_by_number_and_once_each():
    assert [exercise.id for exercise in catalogue.exercises(97)] == ["97.1", "97.2", "97.3", "97.10"]
    assert catalogue.exercises(96) == []


def test_a_module_of_checks_that_cannot_be_imported_is_not_taken_for_a_missing_one(monkeypatch: pytest.MonkeyPatch):
    def fail(name: str) -> None:
        raise ModuleNotFoundError("No module named 'numpi'", name="numpi")

    monkeypatch.setattr(catalogue, "import_module", fail)
    with pytest.raises(ModuleNotFoundError, match="numpi"):
        catalogue.exercises(97)


def test_the_three_names_load_nothing_before_they_are_used():
    code = """
import sys
import lift_core.course
assert {"choose", "predict", "reveal"} <= set(dir(lift_core.course))
heavy = {"torch", "numpy", "IPython", "lift_core.checks"} & set(sys.modules)
assert not heavy, heavy
from lift_core.course import choose, predict, reveal
try:
    lift_core.course.guess
except AttributeError:
    print("done")
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.stdout, result.stderr) == ("done\n", "")
