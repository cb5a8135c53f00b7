"""Tests of PackedStrings: it behaves like a list of strings."""

from __future__ import annotations

import os
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lift_core.data.packed_strings import PackedStrings


@given(st.lists(st.text(max_size=8), max_size=10))
def test_it_holds_what_a_list_holds(strings: list[str]) -> None:
    strings = [s.encode("utf-8", "ignore").decode() for s in strings]
    packed = PackedStrings(strings)
    assert list(packed) == strings
    assert len(packed) == len(strings)
    assert packed[1:3] == strings[1:3]
    assert [packed[-i] for i in range(1, len(strings) + 1)] == strings[::-1]
    assert list(pickle.loads(pickle.dumps(packed))) == strings


def test_file_names_that_are_not_utf8_survive() -> None:
    name = os.fsdecode(b"caf\xe9.png")
    assert PackedStrings([name])[0] == name


@pytest.mark.parametrize("index", [2, -3])
def test_an_index_beyond_the_end_is_an_error(index: int) -> None:
    with pytest.raises(IndexError):
        PackedStrings(["a", "b"])[index]
