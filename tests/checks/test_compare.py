"""What counts as an equal answer, and how a difference is told."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lift_core.checks.compare import as_numbers, first_difference

ATOL = 1e-4

numbers = st.integers(-(2**60), 2**60) | st.floats(-1e6, 1e6, width=32) | st.booleans()
leaves = numbers | st.text() | st.none() | st.just(float("nan")) | st.just(float("inf")) | st.binary()
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner) | st.sets(st.integers())
    ),
    max_leaves=12,
)
small_arrays = arrays.arrays(
    st.sampled_from(["float32", "float64", "uint8", "int64", "bool"]), arrays.array_shapes(max_side=4)
)


def differ(expected: Any, actual: Any) -> bool:
    return first_difference(expected, actual, ATOL) is not None


def told(expected: Any, actual: Any) -> str:
    difference = first_difference(expected, actual, ATOL)
    assert difference is not None
    return difference.text


@given(values)
def test_nothing_differs_from_itself(value: Any) -> None:
    assert not differ(value, value)


@given(small_arrays)
def test_the_container_of_numbers_does_not_matter(array: np.ndarray) -> None:
    rows = array.tolist()
    ways: list[Callable[[], Any]] = [
        lambda: array,
        lambda: torch.from_numpy(array.copy()),
        lambda: rows,
        lambda: tuple(rows),
        lambda: list(array),
        lambda: [torch.from_numpy(row.copy()) if isinstance(row, np.ndarray) else torch.tensor(row) for row in array],
        lambda: deque(rows),
        lambda: array[::-1][::-1],
        lambda: array.astype(np.float64),
    ]
    assert all(not differ(expected(), actual()) for expected in ways for actual in ways)


@given(small_arrays, st.data())
def test_a_changed_number_is_found_wherever_it_is(array: np.ndarray, data: st.DataObject) -> None:
    expected = np.nan_to_num(array.astype(np.float64), posinf=0, neginf=0).clip(-1e6, 1e6)
    place = tuple(data.draw(st.integers(0, side - 1)) for side in expected.shape)
    actual = expected.copy()
    actual[place] += data.draw(st.sampled_from([-1.0, 2e-3, np.nan, np.inf]))
    assert differ(expected, actual)
    assert differ(expected.tolist(), torch.from_numpy(actual))
    if expected.ndim > 1:
        assert f"at {list(place)} expected" in told(expected, actual)
        assert f"1 of {expected.size} value" in told(expected, actual)


@given(st.lists(st.text(max_size=5), min_size=1), st.data())
def test_a_changed_text_is_found_and_its_place_named(texts: list[str], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(texts) - 1))
    changed = [*texts[:place], texts[place] + "x", *texts[place + 1 :]]
    assert told(texts, changed).startswith(f"item {place}: expected ")


@given(st.floats(-100, 100), st.floats(-1e-3, 1e-3))
def test_numbers_are_equal_up_to_the_tolerance(number: float, error: float) -> None:
    actual = number + error
    assert differ(number, actual) == (abs(actual - number) > ATOL)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ([1, 2], (number for number in (1, 2))),
        ([1, 2], map(int, "12")),
        ([1, 2], range(1, 3)),
        ([1, 2], {"a": 1, "b": 2}.values()),
        (["a", "b"], np.array(["a", "b"])),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.array([None, 1], dtype=object), [None, 1]),
        (np.array(["2020-01-01"], "M8[D]"), np.array(["2020-01-01"], "M8[D]")),
        ("a", np.str_("a")),
        (True, np.bool_(True)),
        (5, torch.tensor([5])),
        (5.0, np.float32(5)),
        (np.zeros(0), []),
        ([], np.zeros(0)),
        ([], ()),
        ([[1.0, 2.0]], [[torch.tensor(1.0, requires_grad=True), torch.tensor(2.0)]]),
        (np.ones((2, 3)), torch.ones(3, 2, requires_grad=True).t()),
        (np.eye(2), torch.eye(2).to_sparse()),
        (np.eye(2), torch.eye(2, dtype=torch.bfloat16)),
        (np.eye(2), torch.eye(2).to(torch.float8_e4m3fn)),
        (np.array([-1.0]), torch.tensor([1 + 1j]).conj().imag),
        (np.array([1 + 1j]), torch.tensor([1 - 1j]).conj()),
        ({1, 2}, frozenset({1, 2})),
        ({"a": 1}, OrderedDict(b=2, a=1)),
        (2**70, 2**70),
        ([torch.ones(2), torch.ones(3)], [np.ones(2), [1, 1, 1]]),
        (float("nan"), torch.tensor(float("nan"))),
        ([1, float("-inf")], np.array([1, -np.inf], np.float16)),
    ],
)
def test_other_ways_to_hold_the_right_answer_are_equal(expected: Any, actual: Any) -> None:
    assert first_difference(expected, actual, ATOL) is None


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (1, "1"),
        ([1, 2], "12"),
        ([1, 1], [1, "1"]),
        ("1", 1),
        (5, [5]),
        (None, 0),
        (0, None),
        (256, np.uint8(0)),
        (np.zeros((2, 3)), np.zeros((1, 3))),
        (np.zeros((2, 1)), np.zeros(2)),
        (np.zeros((0, 3)), np.zeros((0, 2))),
        (np.zeros(3), np.zeros(0)),
        ([1, 2], [1, 2, 3]),
        ([1, 2], [1]),
        ([1, 2], count(1)),
        ([1, 2], {1, 2}),
        (["a"], {"a"}),
        (["a"], {"a": 1}),
        (["a", "b"], "ab"),
        ({"a": 1}, [1]),
        ({"a": 1, "b": 2}, {"a": 1}),
        ({1, 2}, {1, 2, 3}),
        (float("nan"), 0.0),
        (float("inf"), float("-inf")),
        (float("inf"), 1e300),
        (2**53, 2**53 + 1),
        (1 + 1j, 1 + 2j),
        (np.eye(2), torch.empty(2, 2, device="meta")),
        ([1.0], object()),
    ],
)
def test_wrong_answers_differ(expected: Any, actual: Any) -> None:
    assert first_difference(expected, actual, ATOL) is not None


def test_further_entries_of_a_mapping_do_not_matter() -> None:
    assert not differ({"a": 1}, {"a": 1, "mine": 2})
    assert differ({"a": 1, "mine": 2}, {"a": 1})


@dataclass
class Sample:
    frames: np.ndarray
    key: str


class Pair(NamedTuple):
    frames: list[int]
    key: str


def test_a_dataclass_is_compared_field_by_field() -> None:
    expected = Sample(np.arange(3), "a")
    assert not differ(expected, Sample(torch.arange(3), "a"))  # type: ignore[arg-type]
    assert not differ(expected, Pair([0, 1, 2], "a"))
    assert told(expected, Sample(np.arange(3), "b")) == "key: expected 'a', got 'b'"
    assert told(expected, None) == "expected a Sample, got None"


@pytest.mark.parametrize(
    ("expected", "actual", "text"),
    [
        ([1, 2, 3], [1, 5, 3], "expected [1, 2, 3], got [1, 5, 3]"),
        ([1, 2, 3], [1, 2], "expected 3 numbers, got 2"),
        ([1], [1, 2], "expected 1 number, got 2"),
        ([1, 2], 7, "expected [1, 2], got 7"),
        (7, [1, 2], "expected 7, got [1, 2]"),
        ([1, 2], None, "expected [1, 2], got None"),
        (np.zeros((2, 3)), np.zeros((3, 2)), "expected shape [2, 3], got [3, 2]"),
        (np.zeros((2, 3)), [[0, 0, 0], [0, 1, 0]], "at [1, 1] expected 0, got 1 (1 of 6 values differ)"),
        (1000.001, 1000.002, "expected 1000.001, got 1000.002"),
        ({"a": [1, 2]}, {"a": [1, 3]}, "a: expected [1, 2], got [1, 3]"),
        ({"a": {"b": "x"}}, {"a": {"b": "y"}}, "a['b']: expected 'x', got 'y'"),
        ([{"k": "x"}], [{"k": "y"}], "item 0['k']: expected 'x', got 'y'"),
        ({"a": 1}, {}, "'a' is missing"),
        ({"a": 1, "b": 2}, [1], "expected the entries a, b, got [1]"),
        (["a"], ["a", "b"], "expected 1 item, got 2"),
        (["a", "b"], iter("a"), "expected 2 items, got at least 1"),
    ],
)
def test_a_difference_is_told_in_words(expected: Any, actual: Any, text: str) -> None:
    assert told(expected, actual) == text


def test_the_parts_that_differ_are_handed_on() -> None:
    difference = first_difference({"a": 1, "b": [1, 2]}, {"a": 1, "b": [1, 3]}, ATOL)
    assert difference is not None
    assert (difference.expected, difference.actual) == ([1, 2], [1, 3])


def test_no_more_of_an_endless_iterator_is_read_than_one_item_too_many() -> None:
    read = []

    def endless() -> Iterator[str]:
        for number in count():
            read.append(number)
            yield "a"

    assert differ(["a", "a"], endless())
    assert len(read) == 3


def test_text_is_no_number() -> None:
    assert as_numbers("12") is None
    assert as_numbers([1, "2"]) is None
    assert as_numbers(["1", "2"]) is None
