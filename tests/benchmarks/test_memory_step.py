"""The table of traced steps holds a trace against a process that really does the step."""

from __future__ import annotations

import pytest

from lift_core.benchmarks import memory_step
from lift_core.benchmarks.table import BenchOptions
from lift_core.training.config import TrainConfig
from lift_core.training.step_memory import step_memory


def test_a_trace_is_near_what_a_process_grows_by() -> None:
    traced, returned = memory_step.steps(BenchOptions(quick=True)).rows
    for row in (traced, returned):
        assert row.holds is True, row.cells()
        assert row.ratio == pytest.approx(row.beside_value / row.value)
    counted = step_memory(
        TrainConfig(data=("unread",), steps=1, preset="lift_tiny", batch=1, phase2_crop=64, accelerator="cpu")
    )
    assert traced.beside_value == pytest.approx(counted.total / 1e6)
    assert returned.beside_value == pytest.approx((counted.total - counted.gaps) / 1e6)


@pytest.mark.parametrize(("measured", "holds"), [(100, True), (84, True), (124, True), (83, False), (126, False)])
def test_a_row_holds_within_a_fifth_of_what_was_measured(measured: int, holds: bool) -> None:
    assert memory_step._row("step", measured, "traced", 100).holds is holds


def test_each_preset_is_measured_at_three_sizes() -> None:
    sizes: dict[str, set[int]] = {}
    for name, _, side in memory_step._CASES:
        sizes.setdefault(name, set()).add(side)
    assert sizes.keys() == {"lift_tiny", "lift_15"}
    assert all(len(sides) == 3 for sides in sizes.values())
