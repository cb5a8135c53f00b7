"""Examines a machine for the course: what is installed, what is missing, and one line of advice for each problem."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["ok", "note", "warning", "broken"]

GB = 10**9
REINSTALL = "Run `make setup` (without make: python setup_env.py)."


@dataclass(frozen=True)
class PackageFact:
    """One package that lift_core asks for.

    Attributes:
        name: its name in the registry.
        required: the allowed range, as in "<3,>=2.13".
        extra: the extra that asks for it ("lab", "test", "dev"); "" where lift_core itself does.
        installed: its version here; None where it is missing.
        fits: whether ``installed`` lies in the range.
        pinned: the version in constraints.txt; None where there is no such file or pin.
    """

    name: str
    required: str
    extra: str
    installed: str | None
    fits: bool
    pinned: str | None = None


@dataclass(frozen=True)
class Facts:
    """What a machine is, in plain numbers; `lift_core.course.machine.gather` collects them.

    Attributes:
        python: the interpreter's version.
        python_fits: whether the package's own range allows it.
        packages: every package asked for.
        kernel: whether Jupyter finds the kernel "python3"; None where it cannot be asked.
        cores: processors this process may use.
        memory, memory_free: bytes of main memory, in all and available; 0 where they are unknown.
        disk_free: bytes free on the disk of the clone, or of the current folder where there is none.
        shared_memory: bytes of /dev/shm; None where there is no such thing (macOS, Windows).
        open_files: limit of open files for this process; None where there is none.
        gpus: names of the CUDA devices that torch can use.
        torchvision: what `lift_core._torchvision.provide_operators` says, or the error of the import.
        opencv_error: the error of ``import cv2``; None where it works.
        programs: outside programs by name: where they are, or None.
        weights: names of the bundled weight files.
        course: whether this is a clone with the course, which needs the extras; an installed package does without.
    """

    python: str
    python_fits: bool
    packages: tuple[PackageFact, ...]
    kernel: bool | None
    cores: int
    memory: int
    memory_free: int
    disk_free: int
    shared_memory: int | None
    open_files: int | None
    gpus: tuple[str, ...]
    torchvision: str
    opencv_error: str | None
    programs: Mapping[str, str | None]
    weights: tuple[str, ...]
    course: bool = True


@dataclass(frozen=True)
class Finding:
    """One line of the report: how grave, about what, what was found, and what to do (None where nothing is)."""

    severity: Severity
    subject: str
    found: str
    advice: str | None = None


def examine(facts: Facts) -> list[Finding]:
    """Judge ``facts``; every finding that is not "ok" or a note carries one line of advice."""
    return [
        _python(facts),
        *_packages(facts.packages if facts.course else [p for p in facts.packages if not p.extra]),
        *([] if facts.course else _absent_extras(facts.packages)),
        _opencv(facts),
        _torchvision(facts),
        *_machine(facts),
        _gpu(facts),
        _kernel(facts),
        *_programs(facts.programs),
        _weights(facts),
    ]


def is_broken(findings: Iterable[Finding]) -> bool:
    """Tell whether something that the course needs does not work."""
    return any(finding.severity == "broken" for finding in findings)


def _python(facts: Facts) -> Finding:
    if facts.python_fits:
        return Finding("ok", "Python", facts.python)
    return Finding("broken", "Python", facts.python, "Make .venv with another one: make setup PYTHON=python3.11")


def _packages(packages: Iterable[PackageFact]) -> list[Finding]:
    findings = [_package(package) for package in packages]
    healthy = sum(finding.severity == "ok" for finding in findings)
    problems = [finding for finding in findings if finding.severity != "ok"]
    return [Finding("ok", "packages", f"{healthy} of {len(findings)} as pinned or in range"), *problems]


def _absent_extras(packages: Iterable[PackageFact]) -> list[Finding]:
    """One note for each extra that is not complete, for a package that is used without the course."""
    missing: dict[str, list[str]] = {}
    for package in packages:
        if package.extra and (package.installed is None or not package.fits):
            missing.setdefault(package.extra, []).append(package.name)
    return [Finding("note", f"extra '{name}'", f"not installed: {', '.join(lacks)}") for name, lacks in missing.items()]


def _package(package: PackageFact) -> Finding:
    needed = package.extra in ("", "lab")
    asked = f"{package.name} {package.required}".rstrip()
    if package.installed is None:
        found = f"missing; {asked} is needed" + (f" by the extra '{package.extra}'" if package.extra else "")
        return Finding("broken" if needed else "warning", package.name, found, REINSTALL)
    if not package.fits:
        found = f"{package.installed} is installed; {asked} is needed"
        return Finding("broken" if needed else "warning", package.name, found, REINSTALL)
    if package.pinned is not None and not _same_version(package.installed, package.pinned):
        return Finding("note", package.name, f"{package.installed}, in range; the tests run with {package.pinned}")
    return Finding("ok", package.name, package.installed)


def _same_version(installed: str, pinned: str) -> bool:
    """Compare versions without the local part that names a build: 2.13.0+cpu is 2.13.0."""
    return installed.partition("+")[0] == pinned.partition("+")[0]


def _opencv(facts: Facts) -> Finding:
    if facts.opencv_error is None:
        return Finding("ok", "OpenCV", "imports")
    if re.search(r"cannot open shared object file|Library not loaded|DLL load failed", facts.opencv_error):
        advice = "Run `python setup_env.py --only-opencv`: it swaps in opencv-python-headless."
    else:
        advice = REINSTALL
    return Finding("broken", "OpenCV", facts.opencv_error, advice)


def _torchvision(facts: Facts) -> Finding:
    match facts.torchvision:
        case "loaded" | "already defined":
            return Finding("ok", "torchvision", "works with its compiled library")
        case "schemas defined":
            return Finding("note", "torchvision", "works without its compiled library: no nms, no image decoders")
        case error:
            return Finding("broken", "torchvision", error, REINSTALL)


def _machine(facts: Facts) -> list[Finding]:
    return [
        _cores(facts.cores),
        _memory(facts.memory, facts.memory_free),
        _amount("disk", facts.disk_free, 2 * GB, "free", "Free some space: labs and trainings write there."),
        _shared_memory(facts.shared_memory),
        _open_files(facts.open_files),
    ]


def _cores(cores: int) -> Finding:
    if cores >= 2:
        return Finding("ok", "cores", str(cores))
    return Finding("warning", "cores", str(cores), "Labs about workers need two cores to show an effect.")


def _memory(total: int, free: int) -> Finding:
    if total == 0:
        return Finding("note", "memory", "unknown: psutil is missing")
    return _amount("memory", free, 2 * GB, f"of {_gb(total)} free", "Close other programs.")


def _amount(subject: str, free: int, least: int, words: str, advice: str) -> Finding:
    found = f"{_gb(free)} {words}"
    return Finding("ok", subject, found) if free >= least else Finding("warning", subject, found, advice)


def _shared_memory(size: int | None) -> Finding:
    if size is None:
        return Finding("ok", "shared memory", "no /dev/shm on this system; none is needed")
    found = f"{_gb(size)} in /dev/shm"
    if size >= GB:
        return Finding("ok", "shared memory", found)
    advice = "Worker processes pass batches through it. In a container: docker run --shm-size=2g; else num_workers=0."
    return Finding("warning", "shared memory", found, advice)


def _open_files(limit: int | None) -> Finding:
    if limit is None or limit >= 1024:
        return Finding("ok", "open files", "no limit" if limit is None else f"up to {limit}")
    return Finding("warning", "open files", f"up to {limit}", "Raise the limit in this shell: ulimit -n 4096")


def _gpu(facts: Facts) -> Finding:
    if facts.gpus:
        return Finding("ok", "GPU", ", ".join(facts.gpus))
    return Finding("note", "GPU", "none that torch can use; every lab runs on the CPU")


def _kernel(facts: Facts) -> Finding:
    if facts.kernel:
        return Finding("ok", "Jupyter kernel", "python3 is registered")
    if not facts.course:
        return Finding("note", "Jupyter kernel", "none is needed outside the course")
    if facts.kernel is None:
        return Finding("broken", "Jupyter kernel", "cannot be asked: jupyter_client is missing", REINSTALL)
    advice = "Register it: python -m ipykernel install --sys-prefix"
    return Finding("broken", "Jupyter kernel", "no kernel named python3", advice)


def _programs(programs: Mapping[str, str | None]) -> list[Finding]:
    return [
        Finding("ok", name, path)
        if path is not None
        else Finding("note", name, f"not installed; only some tests need it (Debian, Ubuntu: apt-get install {name})")
        for name, path in programs.items()
    ]


def _weights(facts: Facts) -> Finding:
    if facts.weights:
        return Finding("ok", "weights", ", ".join(facts.weights))
    advice = "Install the package again from a complete clone or wheel, or train your own: lift train --help"
    return Finding("broken", "weights", "no bundled weights in lift_core/weights", advice)


def _gb(size: int) -> str:
    return f"{size / GB:.1f} GB"


def report(findings: Iterable[Finding], width: int = 14) -> str:
    """Lay the findings out as text: one line each, the advice on a line of its own below."""
    marks = {"ok": "ok     ", "note": "note   ", "warning": "WARNING", "broken": "BROKEN "}
    lines = []
    for finding in findings:
        lines.append(f"{marks[finding.severity]}  {finding.subject:<{width}}  {finding.found}")
        if finding.advice is not None:
            lines.append(" " * 9 + f"{'':<{width}}  -> {finding.advice}")
    return "\n".join(lines)
