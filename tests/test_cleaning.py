"""Cleaning: only run folders of this clone go, no link is followed, and what git or a student keeps there stays."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lift_core import cleaning
from lift_core.cleaning import RUN_FOLDERS, delete, look_at
from lift_core.errors import ConfigError, OutputError
from tests.conftest import needs_program


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the clone that must survive everything."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "precious.txt").write_text("precious")
    return folder


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone without git, with runs and with data."""
    folder = tmp_path / "clone"
    for name in ("runs/lift/step_1", "logs", "models", "my_labs", "sample_data", "data", "lift_core/runs"):
        (folder / name).mkdir(parents=True)
        (folder / name / "file.bin").write_bytes(bytes(100))
    monkeypatch.setenv("LIFT_WORK", str(folder / "my_labs"))
    return folder


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def test_looking_changes_nothing_and_counts(root: Path) -> None:
    before = files_below(root)
    found = look_at(root)
    assert [(folder.path.name, folder.files, folder.bytes, folder.refusal) for folder in found] == [
        ("runs", 1, 100, None),
        ("logs", 1, 100, None),
        ("models", 1, 100, None),
    ]
    assert files_below(root) == before


def test_run_folders_go_and_all_else_stays(root: Path) -> None:
    for folder in look_at(root):
        delete(root, folder)
    assert files_below(root) == [f"{name}/file.bin" for name in ("data", "lift_core/runs", "my_labs", "sample_data")]
    assert look_at(root) == []


def test_only_the_folders_that_were_asked_for_go(root: Path) -> None:
    (logs,) = look_at(root, ("logs",))
    delete(root, logs)
    assert (root / "runs" / "lift" / "step_1" / "file.bin").exists()
    assert not (root / "logs").exists()


@pytest.mark.parametrize("name", ["data", "my_labs", "..", ".", "/tmp", "runs/lift", "../outside", ""])
def test_other_folders_cannot_be_named(name: str, root: Path) -> None:
    with pytest.raises(ConfigError, match="is no folder of runs"):
        look_at(root, (name,))


def test_links_in_a_folder_are_deleted_not_followed(root: Path, outside: Path) -> None:
    (root / "runs" / "folder").symlink_to(outside)
    (root / "runs" / "file").symlink_to(outside / "precious.txt")
    (root / "runs" / "gone").symlink_to(outside / "absent")
    (root / "runs" / "circle").symlink_to(root / "runs")
    runs = look_at(root)[0]
    assert (runs.files, runs.refusal) == (5, None)
    delete(root, runs)
    assert not (root / "runs").exists()
    assert files_below(outside) == ["precious.txt"]
    assert (root / "data" / "file.bin").exists()


@pytest.mark.parametrize("name", RUN_FOLDERS)
def test_a_run_folder_that_is_a_link_is_left_alone(name: str, root: Path, outside: Path) -> None:
    shutil.rmtree(root / name)
    (root / name).symlink_to(outside)
    (found,) = look_at(root, (name,))
    assert found.refusal == "it is a link"
    with pytest.raises(ConfigError, match="left alone: it is a link"):
        delete(root, found)
    assert files_below(outside) == ["precious.txt"]
    assert (root / name).is_symlink()


def test_a_link_put_in_a_folders_place_after_the_look_is_not_followed(root: Path, outside: Path) -> None:
    runs = look_at(root)[0]
    shutil.rmtree(root / "runs")
    (root / "runs").symlink_to(outside)
    with pytest.raises(OutputError, match="cannot delete"):
        delete(root, runs)
    assert files_below(outside) == ["precious.txt"]


@pytest.mark.skipif(not shutil.rmtree.avoids_symlink_attacks, reason="the system cannot hold a folder open")
def test_a_folder_swapped_for_a_link_while_it_is_deleted_is_not_followed(
    root: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The swap comes at the worst moment: after the folder was seen to be one, before it is opened."""
    inner, open_file = root / "runs" / "lift", os.open
    swapped = []

    def open_after_swap(name: str | Path, *arguments: int, **options: int) -> int:
        if str(name) in ("lift", str(inner)) and not swapped:
            inner.rename(root / "aside")
            inner.symlink_to(outside)
            swapped.append(name)
        return open_file(name, *arguments, **options)

    runs = look_at(root)[0]
    monkeypatch.setattr(os, "open", open_after_swap)
    with pytest.raises(OutputError, match="cannot delete"):
        delete(root, runs)
    assert swapped
    assert files_below(outside) == ["precious.txt"]


@pytest.mark.parametrize(
    ("name", "point", "is_refused"),
    [
        ("clone", "runs", True),
        ("clone", "runs/lift/my data", True),
        ("a clone\\", "runs/\ttab\nline", True),
        ("clone", "runs/\rreturn", True),
        ("clone", "runs2", False),
        ("clone", "", False),
        ("clone", "data", False),
    ],
)
def test_a_folder_with_a_mount_from_the_same_disk_is_left_alone(
    name: str, point: str, is_refused: bool, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The device of a folder that is bound elsewhere tells nothing; the system's list of mounts does."""
    root = root.rename(root.with_name(name))
    place = os.path.join(root, point).rstrip("/")
    escaped = "".join(f"\\{ord(letter):03o}" if letter in " \t\n\\" else letter for letter in place)
    mounts = root.parent / "mountinfo"
    lines = ["22 1 8:1 / / rw,relatime shared:1 -", f"40 22 8:1 /home/a\\040b {escaped} rw -"]
    mounts.write_text("".join(f"{line} ext4 /dev/sda1 rw\n" for line in lines), newline="")
    monkeypatch.setattr(cleaning, "_MOUNTS", mounts)
    runs, *others = look_at(root)
    assert runs.refusal == (f"a folder from elsewhere is mounted in it: {place}" if is_refused else None)
    assert [folder.refusal for folder in others] == [None, None]


def test_systems_without_a_list_of_mounts_are_cleaned(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleaning, "_MOUNTS", root / "absent")
    assert {folder.refusal for folder in look_at(root)} == {None}


def test_a_file_called_runs_is_left_alone(root: Path) -> None:
    shutil.rmtree(root / "runs")
    (root / "runs").write_text("mine")
    assert look_at(root)[0].refusal == "it is no folder"


def git(root: Path, *arguments: str) -> None:
    command = [needs_program("git"), "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    subprocess.run(command, cwd=root, check=True, capture_output=True)


def test_folders_with_tracked_files_are_left_alone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(root, "init")
    git(root, "add", "--force", "runs/lift", "data")
    monkeypatch.setenv("GIT_DIR", str(root / "nowhere"))
    refusals = {found.path.name: found.refusal for found in look_at(root)}
    assert refusals == {
        "runs": "git tracks 1 files in it, such as runs/lift/step_1/file.bin",
        "logs": None,
        "models": None,
    }


def test_files_that_a_larger_repository_tracks_are_left_alone(root: Path) -> None:
    git(root.parent, "init")
    git(root.parent, "add", "--force", "clone/runs")
    refusals = {found.path.name: found.refusal for found in look_at(root)}
    assert refusals == {
        "runs": "git tracks 1 files in it, such as runs/lift/step_1/file.bin",
        "logs": None,
        "models": None,
    }


def test_without_git_a_clone_is_left_alone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(root, "init")
    monkeypatch.setenv("PATH", str(root))
    assert {found.refusal for found in look_at(root)} == {"git cannot say what it tracks there (FileNotFoundError)"}


def test_another_repository_in_a_folder_is_left_alone(root: Path) -> None:
    (root / "runs" / "theirs" / ".git").mkdir(parents=True)
    assert look_at(root)[0].refusal == f"another repository is in it: {root / 'runs' / 'theirs'}"


@pytest.mark.parametrize("place", ["runs", "runs/work", "runs/deep/work"])
def test_a_folder_that_holds_the_students_work_is_left_alone(
    place: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIFT_WORK", str(root / place))
    assert look_at(root)[0].refusal == f"your work is in it: {root / place}"
    assert look_at(root)[1].refusal is None


def test_a_folder_that_cannot_be_listed_is_left_alone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = os.scandir

    def refuse(place: str | Path) -> object:
        if str(place).endswith("step_1"):
            raise PermissionError(13, "Permission denied", str(place))
        return scan(place)

    monkeypatch.setattr(os, "scandir", refuse)
    assert "it cannot be read: Permission denied" in str(look_at(root)[0].refusal)


def test_a_folder_that_cannot_be_looked_at_is_a_named_error(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "lstat", refuse)
    with pytest.raises(OutputError, match="cannot look at the folders: Permission denied"):
        look_at(root)
