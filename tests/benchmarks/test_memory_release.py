"""The table of released memory tells where releasing helps from where it does not, and what a call costs."""

from __future__ import annotations

import sys

import pytest

from lift_core.benchmarks import memory_release
from lift_core.benchmarks.table import BenchOptions

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what goes back is glibc's to decide")


def test_it_helps_with_cycles_and_small_blocks_and_with_nothing_that_is_held() -> None:
    rows = {row.what: row for row in memory_release.release(BenchOptions(quick=True)).rows}
    cycle, small, training, large, held = (rows[name] for name in memory_release.SITUATIONS)
    assert cycle.value == pytest.approx(40, rel=0.2)
    assert cycle.beside_value == pytest.approx(40, rel=0.2)
    assert small.value == pytest.approx(40, rel=0.2)
    assert small.beside_value < 8
    assert training.value > 8
    assert large.value < 8
    assert held.value < 8
    times = list(rows.values())[len(memory_release.SITUATIONS) :]
    assert [row.unit for row in times] == ["ms"] * 3
    assert all(row.value > 0 for row in times)
