"""Gathers the facts about this machine that the doctor judges; what is missing is a fact, not an error."""

from __future__ import annotations

import os
import platform
import re
import shutil
from importlib import import_module, metadata
from pathlib import Path

import lift_core
from lift_core._torchvision import provide_operators
from lift_core.course.doctor import Facts, PackageFact
from lift_core.errors import LiftError
from lift_core.workspace import repository_root

PROGRAMS = ("ffmpeg", "chromium")


def gather() -> Facts:
    """Look at this machine and environment."""
    memory, memory_free = _memory()
    place = _root() or Path.cwd()
    return Facts(
        python=platform.python_version(),
        python_fits=_fits(platform.python_version(), _metadata_field("Requires-Python")),
        packages=packages(),
        kernel=_kernel_is_registered(),
        cores=_cores(),
        memory=memory,
        memory_free=memory_free,
        disk_free=shutil.disk_usage(place).free,
        shared_memory=shutil.disk_usage("/dev/shm").total if os.path.isdir("/dev/shm") else None,
        open_files=_open_file_limit(),
        gpus=_gpus(),
        torchvision=_torchvision_state(),
        opencv_error=_import_error("cv2"),
        programs={name: shutil.which(name) for name in PROGRAMS},
        weights=_weights(),
        course=_root() is not None,
    )


def packages() -> tuple[PackageFact, ...]:
    """Compare what the package's own metadata asks for with what is installed; each name once."""
    pins = _pins()
    facts: dict[str, PackageFact] = {}
    for requirement in metadata.requires("lift-core") or []:
        demand, _, condition = requirement.partition(";")
        parts = re.match(r"\s*([A-Za-z0-9._-]+)\s*(.*?)\s*$", demand)
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)", condition)
        if parts is None or parts[1] in facts:
            continue
        name, required = parts[1], parts[2]
        installed = _installed(name)
        facts[name] = PackageFact(
            name=name,
            required=required,
            extra=extra[1] if extra is not None else "",
            installed=installed,
            fits=installed is not None and _fits(installed, required),
            pinned=pins.get(_normal(name)),
        )
    return tuple(facts.values())


def _installed(name: str) -> str | None:
    # Set-up swaps the headless build in on machines without libGL; both provide cv2.
    for candidate in (name, "opencv-python-headless") if name == "opencv-python" else (name,):
        try:
            return metadata.version(candidate)
        except metadata.PackageNotFoundError:
            continue
    return None


def _fits(version: str, required: str) -> bool:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(required).contains(version, prereleases=True)


def _metadata_field(name: str) -> str:
    return metadata.metadata("lift-core")[name] or ""


def _pins() -> dict[str, str]:
    root = _root()
    if root is None or not (root / "constraints.txt").is_file():
        return {}
    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {_normal(name): pin for name, mark, pin in (line.partition("==") for line in lines) if mark}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _root() -> Path | None:
    try:
        return repository_root()
    except LiftError:
        return None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> tuple[int, int]:
    try:
        import psutil
    except ImportError:
        return 0, 0
    memory = psutil.virtual_memory()
    return memory.total, memory.available


def _weights() -> tuple[str, ...]:
    folder = Path(lift_core.__file__).parent / "weights"
    return tuple(sorted(file.name for file in folder.glob("*.safetensors")))


def _open_file_limit() -> int | None:
    try:
        import resource
    except ImportError:
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def _kernel_is_registered() -> bool | None:
    try:
        from jupyter_client.kernelspec import KernelSpecManager
    except ImportError:
        return None
    return "python3" in KernelSpecManager().find_kernel_specs()


def _gpus() -> tuple[str, ...]:
    try:
        import torch
    except (ImportError, OSError):
        return ()
    return tuple(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))


def _import_error(module: str) -> str | None:
    try:
        import_module(module)
    except Exception as error:  # A damaged installation may raise anything; the doctor reports it.
        return " ".join(f"{type(error).__name__}: {error}".split())
    return None


def _torchvision_state() -> str:
    error = _import_error("torchvision")
    return provide_operators() if error is None else error
