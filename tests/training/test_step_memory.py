"""The counted memory of a step: it grows with what is asked for, and is what autograd keeps."""

from __future__ import annotations

from dataclasses import replace

import torch

from lift_core.model.config import STAGES, preset
from lift_core.model.lift import LIFT
from lift_core.training.config import TrainConfig
from lift_core.training.step_memory import step_memory

CONFIG = TrainConfig(data=("clips",), steps=1, batch=3, phase2_crop=64)


def kept(batch: int) -> int:
    """Bytes that autograd keeps of a real forward pass on the CPU, weights apart."""
    model = LIFT(preset("lift_tiny")).train()
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    storages: dict[int, int] = {}
    alive = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            storages[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)
        return tensor

    frames, times = torch.rand(batch, 6, 3, 64, 64), torch.zeros(batch, 6)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model(frames, times, torch.ones(batch, 6, dtype=torch.bool), torch.full((batch,), 0.5))
    return sum(storages.values())


def test_activations_are_half_as_much_again_as_what_autograd_keeps() -> None:
    counted = step_memory(CONFIG)
    assert abs(counted.activations / (1.5 * kept(3)) - 1) < 0.03
    assert counted.weights == 5 * 4 * sum(p.numel() for p in LIFT(preset("lift_tiny")).parameters())
    assert counted.total == counted.weights + counted.batch + counted.activations


def test_more_samples_and_pixels_take_more_and_half_precision_takes_half() -> None:
    base = step_memory(CONFIG).activations
    assert 1.9 < step_memory(replace(CONFIG, batch=6)).activations / base < 2.1
    assert step_memory(replace(CONFIG, phase2_crop=128)).activations > 3.5 * base
    assert step_memory(replace(CONFIG, phase2_crop=128, scales=(0.5,))).activations == base
    assert step_memory(replace(CONFIG, precision="bf16-mixed")).activations == base // 2


def test_stages_that_are_run_again_take_less() -> None:
    base = step_memory(CONFIG).activations
    one = step_memory(replace(CONFIG, checkpointing=("refiner",))).activations
    every = step_memory(replace(CONFIG, checkpointing=STAGES)).activations
    assert every < one <= base
    assert every < 0.5 * base
