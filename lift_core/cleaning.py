"""Deleting what trainings of this project wrote (runs/, logs/, models/), and nothing else: no link is ever followed."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lift_core.errors import ConfigError, OutputError, os_errors_as
from lift_core.workspace import work_folder

# The folders that git ignores because only trainings write to them.
RUN_FOLDERS = ("runs", "logs", "models")
# Where Linux lists what is mounted, one mount a line; other systems have no such file.
_MOUNTS = Path("/proc/self/mountinfo")
_MOUNT_POINT_FIELD = 4


@dataclass(frozen=True)
class RunFolder:
    """A folder of runs, looked at.

    Attributes:
        path: below the repository's root. files: in it, links among them, which are not followed.
        bytes: of the files themselves. refusal: why it is left alone, or None.
    """

    path: Path
    files: int
    bytes: int
    refusal: str | None = None


def look_at(root: Path, names: tuple[str, ...] = RUN_FOLDERS) -> list[RunFolder]:
    """What is in the run folders that exist; nothing is changed.

    A folder is refused where it is a link or no folder; where git tracks a file in it, or cannot say; where another
    repository, another file system, a mounted folder or the folder of the student's work lies in it; where a part of it
    cannot be read.

    Args:
        root: the repository's. names: of RUN_FOLDERS.

    Raises:
        ConfigError: another name. OutputError: a folder that cannot be looked at.
    """
    unknown = sorted(set(names) - set(RUN_FOLDERS))
    if unknown:
        raise ConfigError(f"{unknown[0]!r} is no folder of runs", fix=f"Choose from: {', '.join(RUN_FOLDERS)}.")
    with os_errors_as(OutputError, "cannot look at the folders", where=root, fix="Check the rights."):
        return [_looked_at(root, root / name) for name in names if os.path.lexists(root / name)]


def delete(root: Path, folder: RunFolder) -> None:
    """Delete a folder that `look_at` has not refused; links in it are deleted, what they lead to stays.

    The folder is taken by its name within ``root``, which is held open, and links are refused on the way down, so that
    nobody can put a link in its place meanwhile.

    Raises:
        ConfigError: it was refused. OutputError: a part of it cannot be deleted.
    """
    if folder.refusal is not None:
        raise ConfigError(f"the folder is left alone: {folder.refusal}", where=folder.path)
    try:
        if not shutil.rmtree.avoids_symlink_attacks:
            # Windows has no way to hold a folder; there, links take an administrator to make.
            shutil.rmtree(folder.path)
            return
        handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            shutil.rmtree(folder.path.name, dir_fd=handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise OutputError(
            f"cannot delete: {error.strerror or error}",
            where=error.filename or folder.path,
            fix="Check the rights, then run it again.",
        ) from error


def _looked_at(root: Path, path: Path) -> RunFolder:
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode):
        kind = "a link" if stat.S_ISLNK(status.st_mode) else "no folder"
        return RunFolder(path, 0, 0, f"it is {kind}")
    files = size = 0
    refusal = _refusal(root, path)
    try:
        for entry in _entries(path):
            inner = entry.stat(follow_symlinks=False)
            if entry.name == ".git":
                refusal = refusal or f"another repository is in it: {Path(entry.path).parent}"
            if inner.st_dev != status.st_dev and os.name != "nt":
                refusal = refusal or f"another file system is in it: {entry.path}"
            if not stat.S_ISDIR(inner.st_mode):
                files, size = files + 1, size + inner.st_size
    except OSError as error:
        refusal = refusal or f"it cannot be read: {error.strerror}, {error.filename}"
    return RunFolder(path, files, size, refusal)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Everything below a folder, without following links."""
    waiting = [str(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)


def _refusal(root: Path, path: Path) -> str | None:
    work = work_folder()
    if path == work or path in work.parents:
        return f"your work is in it: {work}"
    if os.path.ismount(path):
        return "it is another file system"
    mounted = _mounted_in(path)
    if mounted is not None:
        return f"a folder from elsewhere is mounted in it: {mounted}"
    return _tracked(root, path)


def _mounted_in(folder: Path) -> str | None:
    """A mount point at or below a folder: one bound from the same disk has the device of what is around it."""
    try:
        mounts = _MOUNTS.read_bytes()
    except FileNotFoundError:
        return None
    place = os.fsencode(os.path.realpath(folder))
    for mount in mounts.rstrip(b"\n").split(b"\n"):
        point = _unescaped(mount.split(b" ")[_MOUNT_POINT_FIELD])
        if point == place or point.startswith(place + b"/"):
            return os.fsdecode(point)
    return None


def _unescaped(text: bytes) -> bytes:
    """Spaces, tabs, line ends and backslashes are written as three octal digits, such as ``\\040``."""
    return re.sub(rb"\\([0-7]{3})", lambda digits: bytes([int(digits[1], 8)]), text)


def _tracked(root: Path, path: Path) -> str | None:
    """What git tracks below a folder, or why it cannot say; None where there is no repository to ask."""
    # The clone may be a folder of a larger repository.
    if not any(os.path.lexists(folder / ".git") for folder in (root, *root.absolute().parents)):
        return None
    # Variables of git would make it ask another repository, as they do within its hooks.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(root), "ls-files", "-z", "--", path.name]
    try:
        result = subprocess.run(command, capture_output=True, env=environment, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return f"git cannot say what it tracks there ({type(error).__name__})"
    names = [name for name in os.fsdecode(result.stdout).split("\0") if name]
    return f"git tracks {len(names)} files in it, such as {names[0]}" if names else None
