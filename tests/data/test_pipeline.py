"""A pipeline is played on a simulated clock as arithmetic says, and on this machine as torch's DataLoader does."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from lift_core.data.pipeline import CostedDataset, Pipeline, keep_busy, play
from lift_core.data.simulation import simulate
from lift_core.data.tracing import TracedDataset, traced
from lift_core.errors import ConfigError
from lift_core.viz.trace import TRAINING, Span, Trace

PLAIN = Pipeline("plain", wait_ms=2, decode_ms=3, transform_ms=5, step_ms=20, batch_size=2, batches=6, start_ms=7)


def steps(trace: Trace) -> list[Span]:
    return [span for span in trace.training if span.kind == "computing"]


def test_without_workers_loading_and_computing_take_turns():
    trace = simulate(PLAIN)
    assert [span.kind for span in trace.training] == ["loading", "computing"] * 6
    assert trace.seconds == pytest.approx(6 * (2 * 10 + 20) / 1000)
    assert trace.waiting == pytest.approx(5 * 20 / (5 * 20 + 6 * 20))


@pytest.mark.parametrize(
    ("costs", "workers", "cores", "batch_ms"),
    [
        ({"wait_ms": 40, "decode_ms": 0, "transform_ms": 0}, 1, 2, 80),
        ({"wait_ms": 40, "decode_ms": 0, "transform_ms": 0}, 4, 1, 20),
        ({"wait_ms": 0, "decode_ms": 30, "transform_ms": 0}, 4, 2, 30),
        ({"wait_ms": 0, "decode_ms": 15, "transform_ms": 15}, 3, 1, 60),
        ({"wait_ms": 0, "decode_ms": 15, "transform_ms": 900, "precomputed": True}, 2, 2, 20),
        ({"wait_ms": 1, "decode_ms": 1, "transform_ms": 1}, 1, 2, 20),
    ],
)
def test_in_the_long_run_the_slowest_sets_the_pace(costs: dict, workers: int, cores: int, batch_ms: float):
    pipeline = replace(PLAIN, **costs, num_workers=workers, cores=cores, batches=200)
    later = steps(simulate(pipeline))[100:]
    assert (later[-1].start - later[0].start) * 1000 / (len(later) - 1) == pytest.approx(batch_ms, rel=0.02)


@settings(max_examples=40, deadline=None)
@given(
    wait=st.floats(0, 30), cpu=st.floats(0, 30), step=st.floats(0, 30), workers=st.integers(0, 5),
    ahead=st.integers(1, 4), batches=st.integers(1, 9), epochs=st.integers(1, 3), stay=st.booleans(),
)  # fmt: skip
def test_every_batch_is_read_once_before_it_is_used_and_no_one_reads_too_far_ahead(
    wait: float, cpu: float, step: float, workers: int, ahead: int, batches: int, epochs: int, stay: bool
):
    pipeline = Pipeline(
        "any", wait, cpu, 1.0, step, batch_size=2, batches=batches, epochs=epochs,
        num_workers=workers, prefetch_factor=ahead, persistent_workers=stay,
    )  # fmt: skip
    trace = simulate(pipeline)
    used = steps(trace)
    read = sorted((span for span in trace.spans if span.kind == "loading"), key=lambda span: span.end)
    assert len(used) == len(read) == batches * epochs
    for number, span in enumerate(used):
        assert sum(other.end <= span.start + 1e-9 for other in read) > number
    if workers:
        for place, span in enumerate(sorted(read, key=lambda span: span.start)):
            begun = sum(other.start < span.start for other in used)
            assert place < begun + workers * ahead + 1


def test_workers_start_in_each_epoch_unless_they_persist():
    def starts(stay: bool) -> int:
        pipeline = replace(PLAIN, num_workers=2, epochs=3, persistent_workers=stay)
        return sum(span.kind == "starting" for span in simulate(pipeline).spans)

    assert (starts(False), starts(True)) == (6, 2)


def test_reading_ahead_carries_over_slow_samples():
    pauses = replace(
        PLAIN, wait_ms=1, decode_ms=0, transform_ms=0, slow_every=12, slow_ms=90, batches=60, num_workers=2
    )
    assert (
        simulate(replace(pauses, prefetch_factor=8)).waiting
        < 0.2 * simulate(replace(pauses, prefetch_factor=1)).waiting
    )


def test_every_so_manieth_sample_is_slow():
    pipeline = replace(PLAIN, slow_every=4, slow_ms=50)
    assert [pipeline.waiting_ms(sample) for sample in range(8)] == [2, 2, 2, 52, 2, 2, 2, 52]


@pytest.mark.parametrize("change", [{"wait_ms": -1}, {"batches": 0}, {"num_workers": -1}, {"step_ms": float("inf")}])
def test_costs_and_settings_that_cannot_be_are_refused(change: dict):
    with pytest.raises(ConfigError, match="plain"):
        replace(PLAIN, **change)


def test_a_pipeline_tells_its_costs_and_settings():
    told = str(replace(PLAIN, num_workers=3, precomputed=True))
    assert told.startswith("plain: 6 batches of 2")
    assert "waits 2 ms, decodes 3, transforms 5 ms, a batch computes 20 ms" in told
    assert "num_workers=3, prefetch_factor=2, persistent_workers=False, precomputed=True" in told


def test_samples_really_cost_what_the_pipeline_says():
    dataset = CostedDataset(replace(PLAIN, wait_ms=20, decode_ms=10, transform_ms=5))
    passed, worked = time.perf_counter(), time.thread_time()
    assert dataset[3] == 3
    assert time.thread_time() - worked >= 0.015
    assert time.perf_counter() - passed >= 0.035
    with pytest.raises(IndexError):
        dataset[len(dataset)]


def test_keeping_busy_uses_time_of_a_core():
    worked = time.thread_time()
    keep_busy(0.01)
    assert 0.01 <= time.thread_time() - worked < 0.02


@pytest.mark.parametrize("workers", [0, 2])
def test_a_trace_of_this_machine_has_every_step_and_names_who_read(workers: int):
    pipeline = replace(PLAIN, num_workers=workers, epochs=2, step_ms=1)
    trace = play(pipeline)
    assert len(steps(trace)) == 12
    assert trace.lanes == ([TRAINING, "worker 0", "worker 1"] if workers else [TRAINING])
    reading = [span for span in trace.spans if span.kind == "loading"]
    assert len(reading) == 12
    assert all(span.end - span.start >= 0.018 for span in reading)


def test_steps_get_the_samples_and_waiting_fills_the_time_between_them():
    seen: list[torch.Tensor] = []
    loader = DataLoader(TracedDataset(range(5)), batch_size=2)  # type: ignore[arg-type]
    trace = traced(loader, seen.append, epochs=2)
    assert [batch.tolist() for batch in seen] == [[0, 1], [2, 3], [4]] * 2
    spans = trace.training
    assert [one.end for one in spans[:-1]] == [other.start for other in spans[1:]]
