"""A guess is kept, compared with what was measured in words that are true, and never judged."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from lift_core.checks.journal import entries
from lift_core.course import predict, predictions, reveal
from lift_core.course.predictions import Prediction, guess_of, latest_predictions
from lift_core.course.wording import comparison, shown
from lift_core.errors import ConfigError

pytestmark = pytest.mark.usefixtures("work")


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_guess_and_measurement_stand_side_by_side(capsys: pytest.CaptureFixture[str]):
    predict("How large is a frame?", 6, unit="MB")
    assert "Your guess: 6 MB" in said(capsys)
    reveal(2.0)
    shown_card = said(capsys)
    assert "Measured: 2 MB" in shown_card
    assert "How large is a frame?" in shown_card
    assert "Your guess: 6 MB" in shown_card
    assert "You guessed 3 times the measured value." in shown_card


def test_journal_holds_what_was_guessed_and_measured():
    predict("How many?", np.float32(1.5), unit="s")
    reveal(torch.tensor(3))
    guess, measured = entries("predictions")
    assert {key: guess[key] for key in ("question", "guess", "unit")} == {
        "question": "How many?",
        "guess": 1.5,
        "unit": "s",
    }
    assert set(measured) == {"question", "measured", "time"}
    assert measured["measured"] == 3
    assert guess["time"].endswith("+00:00")


def test_the_latest_guess_is_found_by_its_question():
    predict("How many?", 1)
    predict("How many?", 2.5)
    assert guess_of("How many?") == 2.5
    assert guess_of("never asked") is None
    predict("How many?", ...)
    assert guess_of("How many?") is None


def test_dots_ask_for_a_number_and_go_on(capsys: pytest.CaptureFixture[str]):
    predict("How many?", ..., unit="MB")
    asked = said(capsys)
    assert "How many?" in asked
    assert "Replace the dots" in asked
    assert "MB" in asked
    assert entries("predictions") == []
    reveal(5)
    assert "Measured: 5 MB" in (revealed := said(capsys))
    assert "There is no guess" in revealed


def test_measurement_without_any_question_is_shown(capsys: pytest.CaptureFixture[str]):
    reveal(5)
    assert "Measured: 5\n" in said(capsys)
    reveal(7, "never asked")
    assert "never asked" in said(capsys)
    assert latest_predictions() == [Prediction("never asked", measured=7.0)]


def test_a_named_question_is_found_though_another_came_last(capsys: pytest.CaptureFixture[str]):
    predict("first", 1)
    predict("second", 100)
    reveal(2, "first")
    assert "The measured value is 2 times your guess." in said(capsys)


def test_a_guess_of_an_earlier_process_is_found_by_its_question(capsys: pytest.CaptureFixture[str]):
    predict("first", 1)
    predictions._session.cache_clear()
    reveal(2, "first")
    assert "Your guess: 1" in said(capsys)


def test_dots_put_back_take_an_earlier_guess_away(capsys: pytest.CaptureFixture[str]):
    predict("first", 1)
    predict("first", ...)
    reveal(2)
    assert "There is no guess" in said(capsys)


@pytest.mark.parametrize("guess", ["3", None, math.nan, math.inf, True, [1, 2], np.ones(3), torch.ones(2), 10**400])
def test_a_guess_that_is_no_finite_number_is_refused_with_advice(guess: object):
    with pytest.raises(ConfigError, match="not a finite number") as caught:
        predict("How many?", guess)  # type: ignore[arg-type]
    assert "such as 2.5" in str(caught.value)
    assert entries("predictions") == []


def test_an_infinite_measurement_is_shown_but_not_noted(capsys: pytest.CaptureFixture[str]):
    predict("How many dB?", 40, unit="dB")
    reveal(math.inf)
    assert "Measured: inf dB" in said(capsys)
    assert [entry for entry in entries("predictions") if "measured" in entry] == []
    with pytest.raises(ConfigError, match="reveal"):
        reveal("many")  # type: ignore[arg-type]


def test_latest_guess_and_measurement_of_each_question_count(work: Path):
    for guess in (1, 2):
        predict("a", guess, unit="s")
    predict("b", 5)
    reveal(3, "a")
    reveal(4, "a")
    with (work / ".lift" / "predictions.jsonl").open("a") as file:
        for damaged in (
            {"question": 3},
            {"guess": 1},
            {"question": "b", "guess": "x"},
            {"question": "b", "guess": None},
        ):
            file.write(json.dumps(damaged) + "\n")
    assert latest_predictions() == [Prediction("a", 2.0, "s", 4.0), Prediction("b", 5.0)]


@pytest.mark.parametrize(
    ("guess", "measured", "words"),
    [
        (3, 1, "You guessed 3 times the measured value."),
        (1, 3, "The measured value is 3 times your guess."),
        (-3, -1, "You guessed 3 times the measured value."),
        (12, 10, "Your guess lies 20 % above the measured value."),
        (8, 10, "Your guess lies 20 % below the measured value."),
        (-12, -10, "Your guess lies 20 % farther from zero than the measured value."),
        (-8, -10, "Your guess lies 20 % closer to zero than the measured value."),
        (2, 0, "Your guess lies 2 dB above the measured value."),
        (0, 2, "Your guess lies 2 dB below the measured value."),
        (-1, 1.5, "Your guess lies 2.5 dB below the measured value."),
        (0, 0, "exactly"),
        (10.01, 10, "within half a percent"),
        (1e-300, 0, "1e-300 dB above"),
    ],
)
def test_comparisons_in_words(guess: float, measured: float, words: str):
    assert words in comparison(guess, measured, "dB")


@given(*[st.floats(-1e9, 1e9, allow_subnormal=False)] * 2)
def test_comparison_names_the_larger_side(guess: float, measured: float):
    assume(abs(guess - measured) > 0.01 * abs(measured))
    words = comparison(guess, measured)
    if "above" in words or "below" in words:
        assert ("above" in words) == (guess > measured)
    else:
        larger = "You guessed" in words or "farther" in words
        assert larger == (abs(guess) > abs(measured))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (2.0, "2"),
        (1234567, "1.23e+06"),
        (123456.7, "123,457"),
        (0.012345, "0.0123"),
        (-0.5, "-0.5"),
        (1e-5, "1e-05"),
        (100, "100"),
        (99.96, "100"),
    ],
)
def test_numbers_are_short(value: float, text: str):
    assert shown(value) == text
    assert shown(value, "MB") == f"{text} MB"
