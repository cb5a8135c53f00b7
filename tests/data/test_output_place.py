"""The place of a result: free, or forced; a link stays, and what it leads to is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from lift_core.data.output_place import place_to_write
from lift_core.errors import OutputError


def test_a_free_place_is_taken_as_it_is(tmp_path: Path) -> None:
    assert place_to_write(tmp_path / "new" / "a.csv", "report", force=False) == tmp_path / "new" / "a.csv"


@pytest.mark.parametrize("target", ["file", "absent", "link"])
def test_whatever_has_the_name_is_kept_unless_forced(target: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    link = tmp_path / "link"
    link.symlink_to(target)
    with pytest.raises(OutputError, match=r"the report exists .*give --force"):
        place_to_write(link, "report", force=False)
    if target == "link":
        with pytest.raises(OutputError, match="cannot write: Too many levels"):
            place_to_write(link, "report", force=True)
    else:
        assert place_to_write(link, "report", force=True) == tmp_path / target


def test_a_name_that_no_system_takes_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write: File name too long"):
        place_to_write(tmp_path / ("x" * 300), "list", force=True)
