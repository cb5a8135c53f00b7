"""The course around the package: what labs ask, labs built from their solutions, and the doctor of a machine.

``from lift_core.course import predict, reveal, choose`` is what notebooks use; the three load when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lift_core.course.choices import choose
    from lift_core.course.predictions import predict, reveal

__all__ = ["choose", "predict", "reveal"]

_HOMES = {"choose": "choices", "predict": "predictions", "reveal": "predictions"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
