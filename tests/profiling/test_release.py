"""Releasing memory collects cycles, gives pages back, and says what it did."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch

from lift_core.profiling.release import Released, release_memory

MB = 10**6

# Measured in new processes: in an old one a block may lie at the end of a heap that glibc cannot shrink.
CYCLE = """
import gc, json, weakref
import psutil, torch
from lift_core.profiling.release import release_memory

class Cycle:
    def __init__(self, size):
        self.block = torch.ones(size // 4)
        self.itself = self

gc.disable()
cycle = Cycle(40_000_000)
gone = weakref.ref(cycle)
del cycle
held = gone() is not None
before = psutil.Process().memory_info().rss
released = release_memory()
after = psutil.Process().memory_info().rss
print(json.dumps([held, gone() is None, released.objects, released.rss, before - after]))
"""

# Blocks too small for a mapping of their own, and one at the end that keeps the heap from shrinking.
BLOCKS = """
import json
import torch
from lift_core.profiling.release import release_memory

blocks = [torch.ones(20_000) for _ in range(500)]
end = torch.ones(20_000)
del blocks
released = release_memory()
assert end.sum() == 20_000
print(json.dumps([released.rss]))
"""


def in_new_process(code: str) -> list[float]:
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    return list(json.loads(printed))


def test_what_a_cycle_held_goes_back_and_is_told() -> None:
    held_until_then, gone, objects, told, measured = in_new_process(CYCLE)
    assert held_until_then
    assert gone
    assert objects >= 1
    assert told == pytest.approx(40 * MB, rel=0.2)
    assert measured == pytest.approx(told, rel=0.1)


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only glibc gives back pages from the middle of a heap"
)
def test_freed_blocks_below_one_that_is_used_go_back() -> None:
    (released,) = in_new_process(BLOCKS)
    assert released > 0.8 * 500 * 80_000


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
