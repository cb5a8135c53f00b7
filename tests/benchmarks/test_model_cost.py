"""The tables of a new frame's cost: budgets, the ways beside each other, stages that add up, compiling."""

from __future__ import annotations

import json

import pytest
import torch

from lift_core.benchmarks import model_compile, model_cost, model_stages
from lift_core.benchmarks.table import BenchOptions
from lift_core.errors import ShapeError
from lift_core.model.config import PRESETS, preset
from lift_core.model.lift import LIFT
from lift_core.profiling.live_bytes import peak_live_bytes
from tests.model.test_cost import gigaflop_per_new_frame

QUICK = BenchOptions(quick=True)


def test_operations_are_those_of_the_tests_and_within_budget() -> None:
    rows = model_cost.operations(QUICK).rows
    budgets = {row.what.split(",")[0]: row for row in rows if row.condition}
    assert list(budgets) == list(PRESETS)
    assert all(row.reached for row in budgets.values())
    for name, row in budgets.items():
        assert row.value == pytest.approx(gigaflop_per_new_frame(name))
    again = {row.what: row.ratio for row in rows if row.beside == "all frames encoded again"}
    assert again["lift_64"] is not None
    assert again["lift_64"] > 5


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_the_stages_add_up_to_a_new_frame(name: str) -> None:
    assert sum(model_stages.stage_flop(name, 256).values()) / 1e9 == pytest.approx(gigaflop_per_new_frame(name))
    with torch.device("meta"):
        parameters = sum(parameter.numel() for parameter in LIFT(preset(name)).parameters())
    assert sum(model_stages.stage_parameters(name).values()) == parameters


def test_the_table_of_stages_has_its_lines_in_every_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_stages, "counted_and_measured", lambda prepare, *args: (3_000_000, 4_000_000))
    table = model_stages.stages(QUICK)
    text, page = table.text().splitlines(), table.markdown().splitlines()
    assert sum(line.startswith("lift_tiny") for line in text) == 6
    assert sum(line.startswith("| lift_tiny |") for line in page) == 6
    assert {line.count("|") for line in page if line.startswith("|")} == {8}
    assert [cost["flop"] > 0 for cost in json.loads(table.to_json())["costs"]] == [True] * 5
    drawn = table.figure()
    assert drawn is not None
    assert "2 aggregation" in drawn[1]
    assert len(drawn[0].axes) == 3


def test_ways_are_timed_beside_each_other() -> None:
    rows = model_cost.time(QUICK).rows
    assert [row.beside for row in rows] == ["", "T=2"]
    assert all(row.value > 0 for row in rows)


def test_a_stream_that_gave_another_frame_would_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    encode = LIFT.encode_reference
    monkeypatch.setattr(LIFT, "encode_reference", lambda self, frame: encode(self, 1 - frame))
    made = model_cost.streamed
    monkeypatch.setattr(model_cost, "streamed", lambda model, window: made(model, (window[0].flip(1), *window[1:])))
    with pytest.raises(ShapeError, match="does not give what forward gives"):
        model_cost.check_same(preset("lift_tiny"), 64)


def test_the_encoders_memory_grows_with_the_window_by_its_s16_features_only() -> None:
    model = LIFT(preset("lift_tiny")).eval()
    model.encoder.chunk = 4
    with torch.inference_mode():
        peaks = {}
        for length in (16, 32, 64):
            frames = torch.zeros(length, 3, 64, 64)
            peaks[length] = peak_live_bytes(lambda frames=frames: model.encode_frames(frames), [frames])
    s16 = 96 * 4 * 4 * 4
    # Chunk by chunk, and once more when the chunks are joined at the end.
    assert peaks[64] - peaks[32] <= 2 * 32 * s16
    assert peaks[64] < 3 * peaks[16]


def test_compiled_gives_the_same() -> None:
    rows = model_compile.compiled(QUICK).rows
    assert [row.reached for row in rows] == [None, True, None]
