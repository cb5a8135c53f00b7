"""What one process adds to a shared counter, the others see."""

from __future__ import annotations

import multiprocessing
import sys

import pytest

from lift_core.data.shared_counter import SharedCounter

no_fork = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")


@pytest.mark.parametrize("method", ["spawn", pytest.param("fork", marks=no_fork)])
def test_what_another_process_adds_is_seen_here(method: str) -> None:
    counter = SharedCounter()
    counter.add()
    process = multiprocessing.get_context(method).Process(target=counter.add)
    process.start()
    process.join()
    assert counter.total == 2
