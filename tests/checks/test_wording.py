"""Texts for messages are short and the same at every run."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lift_core.checks.wording import counted, expected_got, shown, shown_error, tidy, with_article


class Hostile:
    def __repr__(self) -> str:
        raise ValueError("no repr")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, "0.3"),
        (np.float32(0.1), "0.1"),
        ([np.float64(0.1), np.int64(3)], "[0.1, 3]"),
        (torch.tensor([0.1, 0.2]), "[0.1, 0.2]"),
        (torch.tensor(3.0, requires_grad=True), "3"),
        (np.zeros((2, 3), np.uint8), "an array of shape [2, 3] and dtype uint8"),
        (torch.zeros(17), "a tensor of shape [17] and dtype float32"),
        ([torch.zeros(1, 2)], "[a tensor of shape [1, 2] and dtype float32]"),
        ("a\nb", "'a\\nb'"),
        (Hostile(), "<Hostile object>"),
        ([Hostile()], "[<Hostile object>]"),
        (object(), "<object object>"),
        (Path("a/b.png"), "PosixPath('a/b.png')" if sys.platform != "win32" else "WindowsPath('a/b.png')"),
    ],
)
def test_values_are_shown_shortly(value: Any, text: str) -> None:
    assert shown(value) == text


@given(st.recursive(st.integers() | st.text() | st.floats(), lambda inner: st.lists(inner) | st.tuples(inner, inner)))
def test_what_is_shown_is_one_short_line_that_can_be_saved(value: Any) -> None:
    text = shown(value)
    assert len(text) <= 80
    assert "\n" not in text
    text.encode()


def test_a_huge_value_is_shown_at_once() -> None:
    assert len(shown([list(range(1000))] * 10_000)) <= 80
    assert len(shown("x" * 10**7)) <= 80


def test_a_set_is_shown_in_one_order_whatever_its_own_is() -> None:
    one, other = {0, 8}, {8, 0}
    assert list(one) != list(other)
    assert shown(one) == shown(other) == "{0, 8}"


@pytest.mark.parametrize(
    ("expected", "actual"), [(1.0, 1.0 + 1e-8), (1e9, 1e9 + 1), (0.1, 0.1 + 2e-17), ("5", 5), (5, np.str_("5"))]
)
def test_values_that_differ_are_never_shown_alike(expected: Any, actual: Any) -> None:
    wanted, got = expected_got(expected, actual).removeprefix("expected ").split(", got ")
    assert (wanted == got) == (expected == actual)


def test_values_with_equal_texts_are_told_apart_by_type() -> None:
    assert expected_got(object(), object()) == "expected <object object>, got <object object> (of type object)"


def test_an_error_is_told_by_type_and_message() -> None:
    assert shown_error(ValueError("no  such\nthing")) == "ValueError: no such\nthing"
    assert shown_error(MemoryError()) == "MemoryError"
    assert len(shown_error(ValueError("x" * 10**6))) < 1000


def test_an_error_without_a_readable_message_is_told_by_type() -> None:
    class BadError(Exception):
        def __str__(self) -> str:
            raise ValueError

    assert shown_error(BadError()) == "BadError"


def test_what_differs_from_run_to_run_is_left_out() -> None:
    assert tidy(f"{object()} of {iter(())}") == "<object object> of <tuple_iterator object>"
    with tempfile.TemporaryDirectory() as folder:
        assert tidy(f"no file {folder}/im07.png") == "no file im07.png"
    assert tidy(f"{tempfile.gettempdir()}/ipykernel_12/345.py") == "345.py"
    assert tidy("at 10 x") == "at 10 x"


def test_half_characters_become_question_marks() -> None:
    assert tidy("a\ud800b") == "a?b"


def test_a_noun_has_its_article() -> None:
    nouns = ("IndexError", "ValueError", "NameError", "ndarray", "int", "Tensor")
    assert [with_article(noun).partition(" ")[0] for noun in nouns] == ["an", "a", "a", "an", "an", "a"]


def test_a_single_thing_has_no_plural() -> None:
    assert (counted(1, "item"), counted(0, "item"), counted(2, "item")) == ("1 item", "0 items", "2 items")
