"""The traced memory of training steps beside what processes that do them grow by."""

from __future__ import annotations

from dataclasses import replace

from lift_core.benchmarks.table import BenchOptions, Row, Table
from lift_core.benchmarks.training_steps import prepared_step
from lift_core.model.config import preset
from lift_core.profiling.measure import freed_at_once, peak_rss
from lift_core.profiling.release import release_memory
from lift_core.training.config import TrainConfig
from lift_core.training.step_memory import step_memory

_NEAR = 0.2
_STEPS = 3

# Preset, samples, side of the pictures.
_CASES = (
    ("lift_tiny", 4, 64),
    ("lift_tiny", 8, 128),
    ("lift_tiny", 2, 256),
    ("lift_15", 2, 64),
    ("lift_15", 2, 128),
    ("lift_15", 1, 256),
)


def steps(options: BenchOptions) -> Table:
    """Growth of a process that trains on the CPU, beside the trace of a step, at three sizes of each preset."""
    cases = (("lift_tiny", 1, 64),) if options.quick else _CASES
    rows = [row for case in cases for row in _rows(*case)]
    note = (
        f"A model, its optimizer and {_STEPS} steps in a process of its own, one batch in float32, on the CPU; the"
        " libraries are loaded and warmed up on one small sample before the count begins. By default glibc keeps freed"
        " blocks that later ones do not fit; the second row of each pair has it return them (a threshold of 64 kB)."
    )
    return Table("A training step: memory traced, and measured", tuple(rows), note)


def _rows(name: str, batch: int, side: int) -> tuple[Row, Row]:
    config = TrainConfig(
        data=("unread",), steps=100, preset=name, batch=batch, phase2_crop=side, accelerator="cpu", workers=0
    )
    traced = step_memory(config)
    what = f"{name}, {batch} of {preset(name).context} frames of {side}x{side}"
    tensors = traced.tensors + traced.kernels
    grown = _grown(config)
    with freed_at_once():
        returned = _grown(config)
    return (
        _row(what, grown, "traced", traced.total),
        _row(f"{what}, freed blocks returned", returned, "tensors and kernels traced", tensors),
    )


def _row(what: str, measured: int, beside: str, counted: int) -> Row:
    return Row(
        what,
        measured / 1e6,
        "MB",
        beside,
        counted / measured,
        condition=f"within {_NEAR:.0%}",
        holds=abs(counted / measured - 1) <= _NEAR,
        beside_value=counted / 1e6,
    )


def _grown(config: TrainConfig) -> int:
    small = replace(config, batch=1, phase2_crop=32)
    return peak_rss(train_steps, config, _STEPS, warm_up=(small, 1))


def train_steps(config: TrainConfig, number: int) -> None:
    """Some optimizer steps in this process, from a fresh model; what they leave is given back."""
    step = prepared_step(config)
    for _ in range(number):
        step()
    del step
    # A heap full of freed blocks would take in what the measured call allocates.
    release_memory()
