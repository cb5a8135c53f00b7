"""What every test may use: the check for programs beside Python, and a work folder that keeps the repository clean."""

from __future__ import annotations

import os
import shutil

import pytest


def needs_program(name: str) -> str:
    """Return the path of the program ``name``; without it skip the test, or fail it where ``CI=true``."""
    path = shutil.which(name)
    if path is not None:
        return path
    reason = f"needs the program '{name}', which is not installed"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
