"""The tables of training steps have their rows, each beside the plain step."""

from __future__ import annotations

import math

from lift_core.benchmarks import training_steps
from lift_core.benchmarks.table import BenchOptions

QUICK = BenchOptions(quick=True)


def test_every_way_stands_beside_the_plain_step_in_time_and_memory() -> None:
    rows = training_steps.ways(QUICK).rows
    plain = "one batch of 8"
    assert [row.what for row in rows[:2]] == [plain, plain]
    assert all(row.beside == plain and row.ratio is not None for row in rows[2:])
    assert [row.unit for row in rows[2:]] == ["ms", "MB"]
    assert all(math.isfinite(row.value) for row in rows)


def test_waiting_is_told_for_each_number_of_workers() -> None:
    rows = training_steps.waiting(QUICK).rows
    assert [row.what for row in rows] == ["0 workers", "1 workers", "2 workers"]
    assert all(0 <= row.value <= 100 for row in rows)
