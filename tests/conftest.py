"""What every test may use: the check for programs beside Python, and folders that keep the user's own clean."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

# Read when torch is first imported, and inherited by the processes that tests start. The tests' tensors are tiny: a
# second thread gains nothing, and on a busy machine two threads that wait for each other cost a hundred times more.
os.environ.setdefault("OMP_NUM_THREADS", "1")

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


@pytest.fixture(scope="session", autouse=True)
def work_folder_outside_the_repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Point ``LIFT_WORK`` and ``LIFT_CACHE`` to temporary folders, for the tests and for the processes they start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIFT_WORK", str(tmp_path_factory.mktemp("work")))
        patch.setenv("LIFT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
