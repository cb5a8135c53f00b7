"""Releasing memory collects cycles, gives pages back, and says what it did."""

from __future__ import annotations

import gc
import sys
import weakref

import psutil
import pytest
import torch

from lift_core.profiling.release import Released, release_memory

MB = 10**6


class Cycle:
    """Refers to itself, so that only the collector frees what it holds."""

    def __init__(self, megabytes: int) -> None:
        self.block = torch.ones(megabytes * MB // 4)
        self.itself = self


def test_what_a_cycle_held_goes_back_and_is_told() -> None:
    release_memory()  # What earlier tests left is not counted.
    gc.disable()
    try:
        cycle = Cycle(40)
        gone = weakref.ref(cycle)
        del cycle
        assert gone() is not None
        before = psutil.Process().memory_info().rss
        released = release_memory()
        after = psutil.Process().memory_info().rss
    finally:
        gc.enable()
    assert gone() is None
    assert released.objects >= 1
    assert released.rss == pytest.approx(40 * MB, rel=0.2)
    assert before - after == pytest.approx(released.rss, rel=0.1)


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only glibc gives back pages from the middle of a heap"
)
def test_freed_blocks_below_one_that_is_used_go_back() -> None:
    # Blocks too small for a mapping of their own, and one at the end that keeps the heap from shrinking.
    blocks = [torch.ones(20_000) for _ in range(500)]
    end = torch.ones(20_000)
    del blocks
    assert release_memory().rss > 0.8 * 500 * 80_000
    assert end.sum() == 20_000


def test_nothing_that_is_held_is_lost() -> None:
    held = torch.arange(1000)
    release_memory()
    assert held.sum() == 499_500


def test_it_says_what_it_released() -> None:
    released = Released(12, 50 * MB, 20 * MB, 400 * MB, 100 * MB, 0.0123)
    assert str(released) == (
        "released 30.0 MB of main memory and 300 MB of the GPU in 12 ms; 12 unreachable objects collected"
    )
    assert "GPU" not in str(Released(0, 20 * MB, 21 * MB, 0, 0, 0.001))
    assert Released(0, 20 * MB, 21 * MB, 0, 0, 0.001).rss == 0


def test_every_gpu_is_waited_for_before_its_blocks_go_back(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[object] = []
    reserved = {0: 300 * MB, 1: 200 * MB}
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(reserved))
    monkeypatch.setattr(torch.cuda, "memory_reserved", reserved.__getitem__)
    monkeypatch.setattr(torch.cuda, "synchronize", done.append)

    def empty() -> None:
        done.append("emptied")
        reserved[1] -= 150 * MB

    monkeypatch.setattr(torch.cuda, "empty_cache", empty)
    released = release_memory()
    assert done == [0, 1, "emptied"]
    assert released.reserved == 150 * MB
    assert "and 150 MB of the GPU" in str(released)
