"""The memory of a training step, counted before it is taken: on the meta device, where tensors have no values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor

from lift_core.model.config import LiftConfig, preset
from lift_core.model.lift import LIFT
from lift_core.profiling.ledger import batch_bytes
from lift_core.training.config import TrainConfig

# The loss and the backward pass need memory of their own; the batch presets count half as much again for them too.
_BACKWARD = 1.5


@dataclass(frozen=True)
class StepMemory:
    """Bytes of one training step of one process.

    Attributes:
        weights: parameters, their gradients, AdamW's two moments and the average: five times the parameters.
        batch: the pictures in float32.
        activations: what the forward pass keeps for the backward pass, and half as much again for that.
    """

    weights: int
    batch: int
    activations: int

    @property
    def total(self) -> int:
        return self.weights + self.batch + self.activations


def step_memory(config: TrainConfig) -> StepMemory:
    """Count the memory of a step of phase 2, at the largest scale, in the run's precision."""
    side = round(config.phase2_crop * max(config.scales))
    kept = _of_batch(config, side, config.checkpointing)
    if config.checkpointing:
        # The backward pass holds one stage's activations again at a time.
        everything = _of_batch(config, side, ())
        kept += max(everything - _of_batch(config, side, (stage,)) for stage in config.checkpointing)
    if config.precision != "32-true":
        kept /= 2
    frames = preset(config.preset).context
    weights = _counted(config.model_config(), side, 1, ())[0]
    return StepMemory(5 * weights, batch_bytes(config.batch, frames, side, side), int(_BACKWARD * kept))


def _of_batch(config: TrainConfig, side: int, checkpointing: tuple[str, ...]) -> float:
    """What the forward pass keeps of the whole batch: it grows evenly with the samples, and two are quickly counted."""
    one, two = (_counted(config.model_config(), side, batch, checkpointing)[1] for batch in (1, 2))
    return one + (config.batch - 1) * (two - one)


@cache
def _counted(sizes: LiftConfig, side: int, batch: int, checkpointing: tuple[str, ...]) -> tuple[int, int]:
    """Bytes of the weights, and of the tensors that a forward pass keeps for its backward pass, each memory once."""
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage()._cdata] = tensor
        return tensor

    with torch.device("meta"):
        model = LIFT(replace(sizes, start="zero")).train()
        model.recomputed = frozenset(checkpointing)
        frames = sizes.context
        valid = torch.ones(batch, frames, dtype=torch.bool)
        inputs = torch.empty(batch, frames, 3, side, side), torch.empty(batch, frames), valid, torch.empty(batch)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            model(*inputs)
    weights = {parameter.untyped_storage()._cdata for parameter in model.parameters()}
    activations = sum(tensor.untyped_storage().nbytes() for place, tensor in kept.items() if place not in weights)
    return sum(parameter.numel() * parameter.element_size() for parameter in model.parameters()), activations
