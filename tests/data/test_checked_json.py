"""A checksum within JSON holds for what was written and for nothing else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lift_core.data.checked_json import parse_json, require_checksum, with_checksum

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text().filter(lambda name: name != "checksum"), VALUES, max_size=5))
def test_what_was_written_reads_back_whole(content: dict[str, object]) -> None:
    read = json.loads(json.dumps(with_checksum(content)))
    require_checksum(read)
    assert {name: value for name, value in read.items() if name != "checksum"} == content


@pytest.mark.parametrize(
    "change", [{"seed": 4}, {"seed": 3.0}, {"sede": 3}, {"names": ["b", "a"]}, {"checksum": "0"}, {"checksum": None}]
)
def test_whatever_is_changed_is_told(change: dict[str, object]) -> None:
    written = with_checksum({"store": "cache", "version": 1, "seed": 3, "names": ["a", "b"]})
    with pytest.raises(ValueError, match="checksum is another"):
        require_checksum({**written, **change})
    with pytest.raises(ValueError, match="checksum is another"):
        require_checksum({name: value for name, value in written.items() if name != "checksum"})


def test_kind_and_version_are_not_covered() -> None:
    require_checksum({**with_checksum({"store": "cache", "version": 1, "seed": 3}), "version": 2, "store": "other"})


def test_lists_that_lie_too_deep_are_told_as_no_json_of_ours() -> None:
    for depth in (900, 100_000):
        with pytest.raises(ValueError, match=r"too deep|checksum is another"):
            require_checksum(parse_json('{"a": ' + "[" * depth + "]" * depth + "}"))
    with pytest.raises(ValueError, match="too deep"):
        parse_json("[" * 100_000)
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(ValueError, match="too deep"):
        require_checksum({"a": nested, "checksum": "0"})
    while nested:
        nested = nested.pop()  # type: ignore[assignment]  # taken apart here: Python's own way of it recurs
