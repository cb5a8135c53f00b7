"""The table of attention: windows save T/8 of the scores, and the layers that are compared agree."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from lift_core.benchmarks import model_attention
from lift_core.benchmarks.model_attention import Layer, flop, make_work
from lift_core.benchmarks.model_memory import count_live_bytes
from lift_core.benchmarks.table import BenchOptions


@pytest.mark.parametrize("length", [16, 64, 256])
def test_operations_are_those_of_the_formula(length: int) -> None:
    windowed, full = (flop(Layer(length, window, 64, 256, 8)) for window in (8, length))
    linear = 2 * 64 * length * 4 * 256**2
    assert full == (linear + 4 * 64 * length**2 * 256, 4 * 64 * length**2 * 256)
    assert windowed == (linear + 4 * 64 * length * 8 * 256, 4 * 64 * length * 8 * 256)


def test_every_length_has_its_rows_and_the_saving_is_there() -> None:
    table = model_attention.attention(BenchOptions(quick=True))
    assert [row.what.split(":")[0] for row in table.rows] == ["T=16"] * 8
    assert all(math.isfinite(row.value) and row.ratio is not None and row.ratio > 0 for row in table.rows)
    assert [(row.ratio, row.reached) for row in table.rows if row.least is not None] == [(2, True)]


def test_stored_scores_are_what_windows_save_of_memory() -> None:
    layer = Layer(64, 64, 4, 16, 4)
    fused, stored = (count_live_bytes(make_work, replace(layer, stored=stored)) for stored in (False, True))
    scores = 4 * 4 * 64 * 64 * 4
    assert stored - fused > scores
