"""The doctor's judgement on made-up machines: each fault is named, graded, and comes with one line of advice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lift_core.course.doctor import GB, Facts, Finding, PackageFact, examine, is_broken, report
from lift_core.course.machine import gather, packages

TORCH = PackageFact("torch", "<3,>=2.13", extra="", installed="2.13.0+cpu", fits=True, pinned="2.13.0")
RUFF = PackageFact("ruff", "<0.18,>=0.17", extra="dev", installed="0.17.5", fits=True, pinned="0.17.5")

HEALTHY = Facts(
    python="3.11.7",
    python_fits=True,
    packages=(TORCH, RUFF),
    kernel=True,
    cores=8,
    memory=16 * GB,
    memory_free=8 * GB,
    disk_free=50 * GB,
    shared_memory=8 * GB,
    open_files=1024,
    gpus=("NVIDIA H200",),
    torchvision="loaded",
    opencv_error=None,
    programs={"ffmpeg": "/usr/bin/ffmpeg"},
    weights=("lift_tiny.safetensors",),
)


def finding_on(subject: str, **changes: Any) -> Finding:
    (found,) = [finding for finding in examine(replace(HEALTHY, **changes)) if finding.subject == subject]
    return found


def test_healthy_machine_has_nothing_but_ok():
    findings = examine(HEALTHY)
    assert {finding.severity for finding in findings} == {"ok"}
    assert not is_broken(findings)


@pytest.mark.parametrize(
    ("subject", "changes", "advice"),
    [
        ("Python", {"python": "3.9.18", "python_fits": False}, "PYTHON="),
        ("torch", {"packages": (replace(TORCH, installed=None, fits=False),)}, "make setup"),
        ("torch", {"packages": (replace(TORCH, installed="2.1.0", fits=False),)}, "make setup"),
        ("torch", {"packages": (replace(TORCH, extra="lab", installed=None, fits=False),)}, "make setup"),
        ("Jupyter kernel", {"kernel": False}, "ipykernel install"),
        ("Jupyter kernel", {"kernel": None}, "make setup"),
        ("OpenCV", {"opencv_error": "ImportError: libGL.so.1: cannot open shared object file"}, "--only-opencv"),
        ("OpenCV", {"opencv_error": "ModuleNotFoundError: No module named 'cv2'"}, "make setup"),
        ("torchvision", {"torchvision": "RuntimeError: operator torchvision::nms does not exist"}, "make setup"),
        ("weights", {"weights": ()}, "lift train"),
    ],
)
def test_what_the_course_needs_is_broken_with_advice(subject: str, changes: dict[str, Any], advice: str):
    found = finding_on(subject, **changes)
    assert found.severity == "broken"
    assert advice in (found.advice or "")
    assert is_broken(examine(replace(HEALTHY, **changes)))


@pytest.mark.parametrize(
    ("subject", "changes", "advice"),
    [
        ("ruff", {"packages": (TORCH, replace(RUFF, installed=None, fits=False))}, "make setup"),
        ("cores", {"cores": 1}, "two cores"),
        ("memory", {"memory_free": GB}, "Close"),
        ("disk", {"disk_free": GB}, "Free some space"),
        ("shared memory", {"shared_memory": 64 * 2**20}, "--shm-size"),
        ("open files", {"open_files": 256}, "ulimit -n"),
    ],
)
def test_what_only_hampers_is_a_warning_with_advice(subject: str, changes: dict[str, Any], advice: str):
    found = finding_on(subject, **changes)
    assert found.severity == "warning"
    assert advice in (found.advice or "")
    assert not is_broken(examine(replace(HEALTHY, **changes)))


@pytest.mark.parametrize(
    ("subject", "changes"),
    [
        ("torch", {"packages": (replace(TORCH, installed="2.14.0"),)}),
        ("GPU", {"gpus": ()}),
        ("memory", {"memory": 0, "memory_free": 0}),
        ("torchvision", {"torchvision": "schemas defined"}),
        ("ffmpeg", {"programs": {"ffmpeg": None}}),
    ],
)
def test_what_is_only_worth_knowing_is_a_note(subject: str, changes: dict[str, Any]):
    assert finding_on(subject, **changes).severity == "note"


def test_a_torchvision_without_its_library_takes_one_line_of_a_notebook():
    (line,) = report([finding_on("torchvision", torchvision="schemas defined")]).splitlines()
    assert line.endswith("works without its compiled library: no nms, no image decoders")
    assert len(line) <= 90


def test_system_without_shared_memory_or_file_limit_is_fine():
    assert finding_on("shared memory", shared_memory=None).severity == "ok"
    assert finding_on("open files", open_files=None).severity == "ok"


def test_build_part_of_a_version_is_not_a_deviation_from_the_pin():
    assert finding_on("packages", packages=(TORCH,)).found.startswith("1 of 1")


def test_report_has_a_line_for_each_finding_and_one_for_each_advice():
    findings = examine(replace(HEALTHY, cores=1, weights=()))
    lines = report(findings).splitlines()
    assert len(lines) == len(findings) + 2
    assert sum("-> " in line for line in lines) == 2
    assert any(line.startswith("BROKEN ") and "weights" in line for line in lines)


def test_facts_of_this_machine_are_plausible():
    facts = gather()
    assert facts.python_fits
    assert facts.cores >= 1
    assert 0 < facts.memory_free <= facts.memory
    assert facts.disk_free > 0
    assert facts.kernel
    assert facts.opencv_error is None
    assert facts.torchvision in ("loaded", "already defined", "schemas defined")


def test_this_environment_holds_every_package_in_range():
    facts = {package.name: package for package in packages()}
    assert {"torch", "jupyterlab", "pytest", "ruff"} <= set(facts)
    assert facts["torch"].pinned == "2.13.0"
    assert facts["torch"].extra == ""
    assert facts["ruff"].extra == "dev"
    assert [package for package in facts.values() if not package.fits] == []


def test_an_installed_package_does_without_the_course():
    findings = examine(
        replace(HEALTHY, course=False, kernel=None, packages=(TORCH, replace(RUFF, installed=None, fits=False)))
    )
    assert not is_broken(findings)
    assert Finding("note", "extra 'dev'", "not installed: ruff") in findings
    assert Finding("ok", "packages", "1 of 1 as pinned or in range") in findings
    assert all(finding.severity in ("ok", "note") for finding in findings)
