"""The exercises and questions of a lab, found in its module of checks."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from lift_core.checks.choice import Choice
from lift_core.checks.exercise import Exercise


def exercises(lab_number: int) -> list[Exercise]:
    """The exercises that ``lift_core.checks.labNN`` holds, in the order of their numbers; none without that module."""
    module = _checks_of(lab_number)
    found = {value.id: value for value in vars(module).values() if isinstance(value, Exercise)} if module else {}
    return sorted(found.values(), key=lambda exercise: [int(part) for part in exercise.id.split(".")])


def choices(lab_number: int) -> tuple[Choice, ...]:
    """The questions of ``lift_core.checks.labNN``, its ``CHOICES``; none without that module."""
    return tuple(getattr(_checks_of(lab_number), "CHOICES", ()))


def _checks_of(lab_number: int) -> ModuleType | None:
    name = f"lift_core.checks.lab{lab_number:02d}"
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None
