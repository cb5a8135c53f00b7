"""Files keep to their bound whatever is written, in any order, and the noted number of bytes is the true one."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lift_core.data.bounded_files import BoundedFiles

MOST = 100


def sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.glob("*.bin")}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 60), st.integers(0, 40), st.booleans()), min_size=1, max_size=25
    )
)
def test_the_bound_holds_and_the_count_is_true(writes: list[tuple[int, int, int, bool]]) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        files = BoundedFiles(folder, "*.bin", MOST)
        for time, (number, size, spare, fails) in enumerate(writes):
            path = folder / f"{number}.bin"
            try:
                with files.room_for(path, size + spare):
                    if fails:
                        raise KeyError
                    path.write_bytes(bytes(size))
                    os.utime(path, ns=(time, time))
            except KeyError:
                assert fails
            else:
                assert sizes(folder)[path.name] == size
            assert sum(sizes(folder).values()) <= MOST
            assert int((folder / ".total").read_text()) == sum(sizes(folder).values())


def test_those_used_longest_ago_are_deleted_and_no_more_than_needed(tmp_path: Path) -> None:
    files = BoundedFiles(tmp_path, "*.bin", MOST)
    for number, used in enumerate((3, 1, 4, 2)):
        path = tmp_path / f"{number}.bin"
        with files.room_for(path, 20):
            path.write_bytes(bytes(20))
        os.utime(path, ns=(used, used))
    with files.room_for(tmp_path / "4.bin", 35):
        # 80 of 100 bytes are taken: two files go, for a tenth stays free.
        assert sorted(sizes(tmp_path)) == ["0.bin", "2.bin"]


@pytest.mark.parametrize("noted", [None, "7", "-7", "1e3", "400"])
def test_a_wrong_count_is_mended(tmp_path: Path, noted: str | None) -> None:
    (tmp_path / "0.bin").write_bytes(bytes(50))
    if noted is not None:
        (tmp_path / ".total").write_text(noted)
    BoundedFiles(tmp_path, "*.bin", MOST).mend()
    assert (tmp_path / ".total").read_text() == "50"
    assert sizes(tmp_path) == {"0.bin": 50}


@pytest.mark.parametrize(("most", "left"), [(100, 4), (60, 3), (59, 2), (19, 0), (1, 0)])
def test_mending_deletes_what_is_above_the_bound_and_nothing_else(tmp_path: Path, most: int, left: int) -> None:
    for number, used in enumerate((3, 1, 4, 2)):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(bytes(20))
        os.utime(path, ns=(used, used))
    (tmp_path / "other").write_bytes(bytes(500))
    deleted = BoundedFiles(tmp_path, "*.bin", most).mend()
    assert sorted(sizes(tmp_path)) == sorted(["2.bin", "0.bin", "3.bin", "1.bin"][:left])
    assert deleted == 80 - 20 * left
    assert int((tmp_path / ".total").read_text()) == 20 * left
    assert (tmp_path / "other").exists()
