"""What tests of the course share: a work folder of their own, and a lab with checks that is not the course's."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from lift_core.checks.choice import Choice
from lift_core.checks.exercise import Exercise, Probe
from lift_core.course import predictions

CHOICE = Choice(
    "97.A",
    "How many frames lie between two?",
    {"a": "None.", "b": "As many as you like."},
    "b",
    {"a": "A video only holds some moments.", "b": "Time is not cut in pieces."},
)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty work folder, and a process that has predicted nothing."""
    folder = tmp_path / "work"
    monkeypatch.setenv("LIFT_WORK", str(folder))
    predictions._session.cache_clear()
    yield folder
    predictions._session.cache_clear()


def exercise(number: str, name: str, kind: str = "core") -> Exercise:
    return Exercise(number, name, abs, lambda: [Probe("one", (1,))], contract=("its size",), kind=kind)  # type: ignore[arg-type]


@pytest.fixture
def lab97(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of checks with four exercises and one question."""
    module = ModuleType("lift_core.checks.lab97")
    for made in (exercise("97.10", "ten", "optional"), exercise("97.2", "two"), exercise("97.1", "one", "faded")):
        setattr(module, made.name, made)
    module.three = module.drei = exercise("97.3", "three")  # type: ignore[attr-defined]
    module.CHOICES = (CHOICE,)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module
