"""Files and folders appear whole or not at all, whoever writes them and whatever interrupts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from lift_core.atomic import atomic_file, atomic_folder, replace_file
from lift_core.errors import OutputError


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write() -> None:
        with atomic_file(path) as temporary:
            temporary.write_text("half")
            raise ValueError("power cut")

    with pytest.raises(ValueError, match="power cut"):
        write()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_folder_leaves_the_old_one(tmp_path: Path):
    folder = tmp_path / "clip"
    folder.mkdir()
    (folder / "old").touch()

    def write() -> None:
        with atomic_folder(folder) as temporary:
            (temporary / "new").touch()
            raise ValueError("power cut")

    with pytest.raises(ValueError, match="power cut"):
        write()
    assert [path.name for path in folder.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [folder]


def test_two_threads_that_write_one_file_do_not_mix_their_halves(tmp_path: Path):
    path, both_begun = tmp_path / "entry.npz", Barrier(2)

    def write(letter: str) -> None:
        with atomic_file(path) as temporary, temporary.open("w") as file:
            file.write(letter * 1000)
            file.flush()
            both_begun.wait(10)
            file.write(letter * 1000)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(write, "ab"))
    assert path.read_text() in ("a" * 2000, "b" * 2000)
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file"), atomic_file(tmp_path / "file" / "a.txt") as temporary:
        temporary.touch()


def test_a_file_takes_the_place_of_another_or_both_stay(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("new")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="cannot write"):
        replace_file(tmp_path / "new", tmp_path / "folder")
    assert (tmp_path / "new").read_text() == "new"
    (tmp_path / "old").write_text("old")
    replace_file(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "old"]
