"""The traced memory of a step is that of a real step's tensors, and nothing is taken to know it."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from lift_core.benchmarks import training_steps
from lift_core.model.config import STAGES, preset
from lift_core.model.lift import LIFT
from lift_core.profiling.ledger import batch_bytes, training_state
from lift_core.profiling.live_bytes import LiveBytes
from lift_core.training.config import LossConfig, TrainConfig
from lift_core.training.step_memory import Step, StepMemory, norms_in_float32, step_memory, trace_step
from lift_core.training.trainer import TrainingRun

CONFIG = TrainConfig(data=("clips",), steps=9, batch=2, phase2_crop=64, accelerator="cpu")


def held(run: TrainingRun) -> Iterator[Tensor]:
    """Tensors that are there from step to step."""
    yield from run.model.parameters()
    yield from run.average.parameters()
    yield from (leaf for leaf in tree_leaves(run.optimizer.state_dict()) if isinstance(leaf, Tensor))


def measured(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> int:
    """The most bytes that live tensors of the trainer's own second step take on the CPU, beside those that stay."""
    runs = []

    class Kept(TrainingRun):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)
            runs.append(self)

    monkeypatch.setattr(training_steps, "TrainingRun", Kept)
    step = training_steps.prepared_step(config)
    step()
    batches = step.__closure__[0].cell_contents
    pictures = [leaf for batch in batches for leaf in batch.values() if isinstance(leaf, Tensor)]
    runs[0].optimizer.zero_grad(set_to_none=True)
    with LiveBytes([*held(runs[0]), *pictures]) as live:
        step()
    return live.peak


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"precision": "bf16-mixed", "start": "dis"},
        {"checkpointing": STAGES, "loss": LossConfig(census=0.1, distillation=0.0)},
        {"preset": "lift_15", "accumulate": 2},
    ],
    ids=["plain", "half", "again", "accumulated"],
)
def test_the_trace_is_what_a_real_step_takes(changes: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(CONFIG, **changes)
    traced = step_memory(config)
    assert measured(config, monkeypatch) == pytest.approx(traced.tensors - traced.held, rel=0.02)


def test_what_stays_from_step_to_step_is_counted_by_hand() -> None:
    traced = step_memory(replace(CONFIG, batch=3))
    state = training_state(sum(p.numel() for p in LIFT(preset("lift_tiny")).parameters()))
    assert (traced.parameters, traced.average, traced.gradients) == (state.parameters, state.average, state.gradients)
    # Each parameter's count of steps comes with its two moments.
    assert traced.optimizer == pytest.approx(state.optimizer, rel=1e-3)
    assert traced.batch == batch_bytes(3, 6, 64, 64)


def test_the_total_is_that_of_the_fullest_moment() -> None:
    one = StepMemory(1, 1, 2, 3, gradients=10, gradients_at_peak=4, activations=20, update=5)
    assert (one.held, one.tensors, one.total) == (7, 31, 31)
    late = replace(one, activations=8, kernels=2, gaps=1)
    assert (late.tensors, late.total) == (22, 25)


def test_gradients_come_while_activations_go_and_stay_while_a_step_accumulates() -> None:
    # So small that most is alive in the middle of the backward pass.
    small = replace(CONFIG, preset="lift_15", batch=1, phase2_crop=32)
    one, two = (step_memory(replace(small, accumulate=number)) for number in (1, 2))
    assert 0 < one.gradients_at_peak < one.gradients
    assert two.gradients_at_peak == two.gradients
    assert two.activations >= one.activations


def test_samples_pixels_and_terms_of_the_loss_take_more_and_half_precision_and_checkpointing_less() -> None:
    base = step_memory(CONFIG).activations
    assert step_memory(replace(CONFIG, batch=4)).activations == pytest.approx(2 * base, rel=0.05)
    assert step_memory(replace(CONFIG, phase2_crop=128)).activations == pytest.approx(4 * base, rel=0.05)
    assert step_memory(replace(CONFIG, phase2_crop=128, scales=(0.5,))).activations == base
    assert step_memory(replace(CONFIG, precision="bf16-mixed")).activations < 0.9 * base
    assert step_memory(replace(CONFIG, checkpointing=("refiner",))).activations < base
    assert step_memory(replace(CONFIG, loss=LossConfig(distillation=0.0))).activations < base


def test_a_large_step_is_traced_without_its_memory_and_without_touching_random_numbers() -> None:
    state = torch.get_rng_state()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    traced = trace_step(Step(preset("lift_64"), 4, (256, 448)))
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    assert traced.total > 5e9
    assert grown < 0.1 * traced.total
    assert torch.equal(torch.get_rng_state(), state)


def test_norms_are_computed_in_float32_as_cuda_does() -> None:
    seen = []

    def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        seen.append((type(module).__name__, inputs[0].dtype, output.dtype))

    model = nn.Sequential(nn.Conv1d(8, 8, 1), nn.GroupNorm(2, 8), nn.LayerNorm(4), nn.Linear(4, 4))
    norms_in_float32(model)
    for module in model:
        module.register_forward_hook(note)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        model(torch.rand(2, 8, 4))
    half, whole = torch.bfloat16, torch.float32
    assert seen[0][2] == seen[3][2] == half
    assert seen[1:3] == [("GroupNorm", whole, whole), ("LayerNorm", whole, whole)]


def test_half_precision_keeps_more_on_a_gpu_whose_norms_take_float32() -> None:
    step = Step(preset("lift_tiny"), 2, (64, 64), "bf16-mixed")
    gpu, cpu = trace_step(step), trace_step(replace(step, on_gpu=False))
    assert cpu.activations < gpu.activations < 2 * cpu.activations
    assert gpu.batch == 2 * cpu.batch
    assert (gpu.kernels, gpu.gaps) == (0, 0)


def test_stages_that_are_run_again_meet_the_precision_of_the_first_time() -> None:
    # torch compares what a stage made with what it makes again, and refuses another type.
    step = Step(preset("lift_tiny"), 2, (64, 64), "bf16-mixed")
    again = replace(step, checkpointing=("temporal", "refiner"))
    assert trace_step(again).activations < trace_step(step).activations
