"""The lock of a folder spoils no file that is not its own, and leaves nothing in a folder that is refused."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from lift_core.data.folder_lock import LOCK_FILE, folder_lock
from lift_core.errors import OutputError


@pytest.mark.parametrize("text", ["my notes", "12 apples", "1" * 30])
def test_a_lock_file_of_somebody_else_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / LOCK_FILE).write_text(text)
    with pytest.raises(OutputError, match="no lock of lift_core"), folder_lock(tmp_path):
        pass
    assert (tmp_path / LOCK_FILE).read_text() == text


@pytest.mark.parametrize("text", ["years of work", "", None])
def test_a_link_is_not_followed(tmp_path: Path, text: str | None) -> None:
    target, folder = tmp_path / "thesis.txt", tmp_path / "folder"
    folder.mkdir()
    if text is not None:
        target.write_text(text)
    (folder / LOCK_FILE).symlink_to(target)
    with pytest.raises(OutputError, match="link"), folder_lock(folder):
        pass
    assert (target.read_text() if target.exists() else None) == text


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / LOCK_FILE)
    with pytest.raises(OutputError, match="no lock of lift_core"), folder_lock(tmp_path):
        pass


def test_the_lock_of_an_earlier_process_is_taken_over_and_signed(tmp_path: Path) -> None:
    for earlier in ("", "4711"):
        (tmp_path / LOCK_FILE).write_text(earlier)
        with folder_lock(tmp_path):
            assert (tmp_path / LOCK_FILE).read_text() == str(os.getpid())


def test_an_error_within_leaves_nothing_that_the_lock_made(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "mine.txt").touch()
    for name in ("old", "new"):
        with pytest.raises(KeyError), folder_lock(tmp_path / name):
            raise KeyError
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == ["old", "old/mine.txt"]
    with folder_lock(tmp_path / "old"):
        pass
    with pytest.raises(KeyError), folder_lock(tmp_path / "old"):
        raise KeyError
    assert (tmp_path / "old" / LOCK_FILE).exists()


def test_a_lock_whose_file_was_removed_while_waiting_is_taken_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lift_core.data import folder_lock as module

    taken, calls = module._taken, iter(range(9))

    def removed_before_it_is_taken(handle: int, folder: Path) -> bool:
        if next(calls) == 0:
            (folder / LOCK_FILE).unlink()
        return taken(handle, folder)

    monkeypatch.setattr(module, "_taken", removed_before_it_is_taken)
    with folder_lock(tmp_path):
        assert (tmp_path / LOCK_FILE).read_text() == str(os.getpid())
        with pytest.raises(OutputError, match="another process"), folder_lock(tmp_path):
            pass


@pytest.mark.skipif(sys.platform == "win32", reason="locks in another way")
@pytest.mark.parametrize("was_there", [False, True])
def test_a_file_system_without_locks_is_told_and_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, was_there: bool
) -> None:
    import fcntl

    def refuse(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    if was_there:
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / LOCK_FILE).write_text("4711")
    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(OutputError, match=r"has no locks \(No locks available\)"), folder_lock(tmp_path / "folder"):
        pass
    found = {path.name: path.is_file() and path.read_text() for path in tmp_path.rglob("*")}
    assert found == ({"folder": False, LOCK_FILE: "4711"} if was_there else {})


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is open cannot be replaced")
def test_a_new_file_that_another_process_locked_first_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lift_core.data import folder_lock as module

    taken, others = module._taken, []

    def after_another(handle: int, folder: Path) -> bool:
        others.append(os.open(folder / LOCK_FILE, os.O_RDWR))
        assert taken(others[0], folder)
        return taken(handle, folder)

    monkeypatch.setattr(module, "_taken", after_another)
    with pytest.raises(OutputError, match="another process"), folder_lock(tmp_path / "folder"):
        pass
    os.close(others[0])
    assert (tmp_path / "folder" / LOCK_FILE).exists()


def test_a_folder_that_takes_no_lock_file_is_not_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_ = os.open

    def full(path, flags, mode=0o777, **options) -> int:
        if Path(path).name == LOCK_FILE:
            raise OSError(errno.ENOSPC, "No space left on device")
        return open_(path, flags, mode, **options)

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(OutputError, match="No space left"), folder_lock(tmp_path / "folder"):
        pass
    assert not (tmp_path / "folder").exists()
