"""pyproject.toml, constraints.txt and environment.yml agree, and the wheel holds the package and nothing else."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from lift_core import __version__
from lift_core.cli import build_parser
from tests.conftest import needs_program

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))

# What conda calls differently, and what it lists for itself.
CONDA_NAMES = {"matplotlib-base": "matplotlib"}
CONDA_OWN = {"python", "pip", "ffmpeg"}


def ranges(requirements: list[str]) -> dict[str, SpecifierSet]:
    parsed = [Requirement(text) for text in requirements]
    return {canonicalize_name(requirement.name): requirement.specifier for requirement in parsed}


def project_ranges() -> dict[str, SpecifierSet]:
    everything = [*PROJECT["dependencies"], *(text for extra in EXTRAS.values() for text in extra)]
    return ranges(everything)


def pins() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    split = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): Version(version) for name, version in split}


def conda_ranges() -> dict[str, SpecifierSet]:
    own = [line for line in ENVIRONMENT["dependencies"] if isinstance(line, str)]
    (section,) = [line["pip"] for line in ENVIRONMENT["dependencies"] if isinstance(line, dict)]
    found = ranges([*own, *(line for line in section if not line.startswith("-e"))])
    return {canonicalize_name(CONDA_NAMES.get(name, name)): found[name] for name in found}


def test_package_asked_for_twice_is_asked_for_alike():
    everything = [*PROJECT["dependencies"], *(text for extra in EXTRAS.values() for text in extra)]
    assert len({str(Requirement(text)) for text in everything}) == len(project_ranges())


def test_tests_can_execute_the_notebooks():
    assert set(EXTRAS["lab"]) <= set(EXTRAS["test"])


def test_every_dependency_is_pinned_inside_its_range():
    pinned = pins()
    outside = {
        name: str(pinned.get(name)) for name, allowed in project_ranges().items() if pinned.get(name) not in allowed
    }
    assert not outside


def test_constraints_are_plain_pins_without_a_place_to_fetch_from():
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    odd = [line for line in text.splitlines() if not re.fullmatch(r"#.*|[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", line)]
    assert odd == []
    assert "://" not in text


def test_torch_pair_and_both_opencv_builds_are_pinned_together():
    pinned = pins()
    assert (str(pinned["torch"]), str(pinned["torchvision"])) == ("2.13.0", "0.28.0")
    assert pinned["opencv-python"] == pinned["opencv-python-headless"]


def closure(root: str, extras: frozenset[str]) -> set[str]:
    """Every installed distribution that ``root`` with ``extras`` leads to in this environment."""
    seen: set[tuple[str, frozenset[str]]] = set()
    pending = [(root, extras)]
    while pending:
        name, wanted = pending.pop()
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        try:
            texts = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        for requirement in map(Requirement, texts):
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in wanted | {""}):
                pending.append((canonicalize_name(requirement.name), frozenset(requirement.extras)))
    return {name for name, _ in seen} - {root}


def test_constraints_cover_everything_the_package_leads_to():
    needed = closure("lift-core", frozenset({"lab", "test", "dev"}))
    assert {"torch", "jupyterlab", "ruff", "pillow", "setuptools"} <= needed
    assert needed - set(pins()) == set()


def test_conda_has_every_dependency_in_the_same_range_and_no_other():
    conda = conda_ranges()
    assert {name: conda.get(name) for name in project_ranges()} == project_ranges()
    assert set(conda) - set(project_ranges()) == CONDA_OWN


def test_conda_uses_the_same_python_and_only_the_community_channel():
    assert conda_ranges()["python"] == SpecifierSet(PROJECT["requires-python"])
    assert ENVIRONMENT["channels"] == ["conda-forge", "nodefaults"]
    assert ENVIRONMENT["name"] == "lift"


def test_this_python_and_av_share_a_range():
    assert sys.version.split()[0] in SpecifierSet(PROJECT["requires-python"])
    assert project_ranges()["av"] == SpecifierSet(">=18,<19")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names in a wheel built from a copy of the repository's tracked kinds of folders."""
    copy = tmp_path_factory.mktemp("copy")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for name in ("lift_core", "tests", "data_scripts", "labs", "solutions"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    code = "from setuptools.build_meta import build_wheel; print(build_wheel('out'))"
    built = subprocess.run([sys.executable, "-c", code], cwd=copy, capture_output=True, text=True, check=True)
    return zipfile.ZipFile(copy / "out" / built.stdout.split()[-1]).namelist()


def test_wheel_holds_only_the_package(wheel: list[str]):
    tops = {name.split("/")[0] for name in wheel}
    assert tops == {"lift_core", f"lift_core-{__version__}.dist-info"}


def test_wheel_holds_every_module_the_type_marker_and_the_weights(wheel: list[str]):
    package = ROOT / "lift_core"
    kept = {".py", ".safetensors", ".json", ".md", ".typed"}
    expected = {
        path.relative_to(ROOT).as_posix() for path in package.rglob("*") if path.is_file() and path.suffix in kept
    }
    assert {name for name in wheel if name.startswith("lift_core/")} == expected
    assert "lift_core/py.typed" in expected


def test_wheel_installs_the_command(wheel: list[str]):
    assert PROJECT["scripts"] == {"lift": "lift_core.cli:main"}
    assert any(name.endswith("entry_points.txt") for name in wheel)


def dry_run(*arguments: str) -> str:
    """What make would do, asked in an environment that is not part of a make that runs these tests."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    command = [needs_program("make"), *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    "arguments",
    [["lab"], ["lab", "LAB=03", "ARGS=--port 9000"], ["demo"], ["demo", "VIDEO=my clip.mp4", "ARGS=--method dis"]],
)
def test_make_calls_lift_with_arguments_that_it_takes(arguments: list[str]):
    (call,) = re.findall(r"^\.venv/bin/lift (.*)$", dry_run("-n", *arguments), re.MULTILINE)
    args = build_parser().parse_args(shlex.split(call))
    assert args.command == arguments[0]
    assert str(getattr(args, "video", None)) == ("my clip.mp4" if "VIDEO=my clip.mp4" in arguments else "None")


def make_targets() -> list[str]:
    (line,) = re.findall(r"^\.PHONY: (help .*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    return line.split()


def test_every_make_target_is_in_the_help_and_in_contributing():
    shown = dry_run("help")
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [target for target in make_targets() if target != "help" and f"make {target} " not in shown] == []
    assert [target for target in make_targets() if f"`make {target}`" not in contributing] == []


def test_ci_script_is_executable_and_sound():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run([needs_program("bash"), "-n", script], check=True)
    assert script.read_text(encoding="utf-8").index("make check") < script.read_text(encoding="utf-8").index(
        "make test"
    )


def test_changelog_has_this_version():
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_licence_names_both_parts():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Permission is hereby granted, free of charge" in text
    assert "CC-BY-4.0" in text
    assert PROJECT["license"] == "MIT AND CC-BY-4.0"
