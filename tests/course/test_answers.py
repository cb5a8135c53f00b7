"""Answers to questions are found where Python sees them, and nothing else of a cell changes when they are taken out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lift_core.course.answers import blank_answers, find_answers, put_answers
from lift_core.course.notebooks import LabError


@pytest.mark.parametrize(
    ("source", "blanked"),
    [
        ('predict("how many?", 3)', 'predict("how many?", ...)'),
        ("predict('a, b', -1.5, unit='MB')  # 3", "predict('a, b', ..., unit='MB')  # 3"),
        ('choose("04.A", "b")\n', 'choose("04.A", ...)\n'),
        ('x = 1 ; choose( "04.A" ,"b" )', 'x = 1 ; choose( "04.A" ,... )'),
        ('predict(\n    "größer 大?",\n    2 * (3 +\n 4),\n)\n', 'predict(\n    "größer 大?",\n    ...,\n)\n'),
        ('predict("é", 1); predict("大", 2)', 'predict("é", ...); predict("大", ...)'),
        ('%matplotlib inline\npredict("a", 1)\n!ls\n', '%matplotlib inline\npredict("a", ...)\n!ls\n'),
        ('files = !ls\nlen?\nchoose("04.B", "a")', 'files = !ls\nlen?\nchoose("04.B", ...)'),
        ('predict("a", 1)\r\nx = 2\r\n', 'predict("a", ...)\r\nx = 2\r\n'),
        ('x = "\x0c"\npredict("a", 1)', 'x = "\x0c"\npredict("a", ...)'),
        ('if x:\n\tpredict("a", 1)', 'if x:\n\tpredict("a", ...)'),
        ('predict("a", ...)', 'predict("a", ...)'),
    ],
)
def test_only_the_answer_is_replaced(source: str, blanked: str):
    assert blank_answers(source, "cell") == blanked


@pytest.mark.parametrize(
    "source",
    [
        "model.predict(x, 3)",
        "'predict(\"a\", 3)'",
        "# choose('04.B', 'a')",
        "def predict(model, frames):\n    return model",
        "%%bash\nls -l | head",
        "reveal(3)",
        "",
    ],
)
def test_what_is_no_question_stays(source: str):
    assert blank_answers(source, "cell") == source


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ('predict("a", guess=3)', "first two arguments"),
        ('predict("a")', "first two arguments"),
        ("predict(*both)", "first two arguments"),
        ('predict("a", *rest)', "first two arguments"),
        ('%time predict("a", 3)', "magic"),
        ('predict("a", 3', "not valid Python"),
    ],
)
def test_an_answer_that_cannot_be_taken_out_is_refused(source: str, complaint: str):
    with pytest.raises(LabError, match=complaint) as caught:
        blank_answers(source, "solutions/04_x.ipynb, cell 04-1-guess")
    assert "04-1-guess" in str(caught.value)


def test_answers_come_in_the_order_of_the_text():
    found = find_answers('f(predict("b", 2), choose("04.B", "a"))\npredict("c", 3)', "cell")
    assert [(answer.question, answer.text) for answer in found] == [('"b"', "2"), ('"04.B"', '"a"'), ('"c"', "3")]


@given(st.lists(st.tuples(st.text(), st.integers()), max_size=4), st.sampled_from(["\n", "\r\n"]))
def test_putting_the_answers_back_restores_the_cell(asked: list[tuple[str, int]], end: str):
    source = end.join(f"predict({question!r}, {guess})" for question, guess in asked)
    blank = blank_answers(source, "cell")
    assert all(answer.is_blank for answer in find_answers(blank, "cell"))
    assert put_answers(blank, [str(guess) for _, guess in asked], "cell") == source


def test_more_answers_than_questions_are_refused():
    with pytest.raises(LabError, match="1 questions, not 2"):
        put_answers('predict("a", ...)', ["1", "2"], "cell")
