"""How much memory the machine, or the container that the process runs in, allows and has left."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import psutil

_ROOT = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


@dataclass(frozen=True)
class MachineMemory:
    """Bytes that this process and others around it share.

    Attributes:
        limit: of the container where it has one, else all of the machine's.
        available: what can still be had without swapping, of both the machine and the container.
        machine_share: how much of the machine's memory is in use, from 0 to 1.
        container_share: how much of the container's is, of the fullest where one lies in another; None without any.
        shared_total, shared_free: bytes of /dev/shm, in which tensors of workers lie; None where there is none.
    """

    limit: int
    available: int
    machine_share: float
    container_share: float | None
    shared_total: int | None
    shared_free: int | None


def machine_memory(root: Path = _ROOT, membership: Path = _MEMBERSHIP) -> MachineMemory:
    """Memory of this moment; a control group's limit (Linux, versions 1 and 2) counts where it is the tighter one.

    Args:
        root: where control groups are mounted.
        membership: the file that names this process's groups.
    """
    memory = psutil.virtual_memory()
    limit, available = memory.total, memory.available
    container_share: float | None = None
    for allowed, used in _groups(root, membership):
        left = max(allowed - used, 0)
        available = min(available, left)
        if allowed < memory.total:
            limit = min(limit, allowed)
            # A share is that of one place: the container's may be small where the machine around it is full.
            container_share = max(container_share or 0.0, 1.0 - left / allowed if allowed else 1.0)
    return MachineMemory(limit, available, 1.0 - memory.available / memory.total, container_share, *_shared())


def _groups(root: Path, membership: Path) -> list[tuple[int, int]]:
    """Limit and use of this process's group and of those around it, as far as they have a limit."""
    found = []
    for folder, names in _folders(root, membership):
        limit, used = (_number(folder / name) for name in names)
        if limit is not None and used is not None:
            # Pages of files that were read count as used, and are given up before a process is killed.
            found.append((limit, max(used - _file_pages(folder / "memory.stat"), 0)))
    return found


def _folders(root: Path, membership: Path) -> list[tuple[Path, tuple[str, str]]]:
    try:
        lines = membership.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
    folders = []
    for line in lines:
        _, controllers, place = [*line.split(":", 2), "", ""][:3]
        if not controllers:
            base, names = root, ("memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            base, names = root / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            continue
        # Inside a container the group's path is often that of the host, and only the root is there to be seen.
        own = base / place.strip("/")
        around = [folder for folder in (own, *own.parents) if folder.is_relative_to(base)]
        folders += [(folder, names) for folder in around]
    return folders


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        # Version 2 writes "max" where there is no limit.
        return None


def _file_pages(path: Path) -> int:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    values = dict(line.split(maxsplit=1) for line in lines if " " in line)
    # In version 1 "total_" counts the groups inside too, as the usage does.
    return int(values.get("total_inactive_file", values.get("inactive_file", 0)))


def _shared() -> tuple[int, int] | tuple[None, None]:
    try:
        usage = shutil.disk_usage("/dev/shm")
    except OSError:
        return None, None
    return usage.total, usage.free
