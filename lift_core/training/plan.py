"""What a run will take, told before it starts: parameters, operations, memory, and how its steps divide into epochs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch.utils.flop_counter import FlopCounterMode

from lift_core.model.config import STAGES, preset
from lift_core.model.lift import LIFT
from lift_core.profiling.ledger import megabytes
from lift_core.training.config import TrainConfig
from lift_core.training.data import make_loaders
from lift_core.training.step_memory import StepMemory, step_memory


@dataclass(frozen=True)
class RunPlan:
    """What one process of a run will take in phase 2.

    Attributes:
        parameters: of each stage.
        flop: floating-point operations of one sample, forward and backward; a multiplication with its addition is two.
        memory: of one step.
        samples: training samples of an epoch, of all processes together.
        batches: of an epoch, per process.
        steps: optimizer steps of an epoch.
        val_samples: validation samples.
    """

    parameters: Mapping[str, int]
    flop: int
    memory: StepMemory
    samples: int
    batches: int
    steps: int
    val_samples: int

    def text(self, config: TrainConfig) -> str:
        """The plan in lines for a terminal."""
        per_step = self.flop * config.batch * config.accumulate
        memory = self.memory
        epochs = "" if config.steps is None else f", {config.steps / max(self.steps, 1):.1f} epochs"
        length = f"{config.minutes:g} minutes" if config.steps is None else f"{config.steps} steps{epochs}"
        held = memory.kernels + memory.gaps
        beside = f", {megabytes(held)} for compiled kernels and gaps between blocks" if held else ""
        lines = [
            f"model        {config.preset}: {sum(self.parameters.values()):,} parameters ("
            + ", ".join(f"{name} {count:,}" for name, count in self.parameters.items())
            + ")",
            f"operations   {self.flop / 1e9:.1f} GFLOP a sample, {per_step / 1e9:.0f} GFLOP a step and process,"
            " forward and backward",
            f"memory       {megabytes(memory.total)} a process by count: {megabytes(memory.parameters)} for weights,"
            f" {megabytes(memory.average)} for their average, {megabytes(memory.optimizer)} for the optimizer,"
            f" {megabytes(memory.gradients)} for gradients, {megabytes(memory.batch)} for the batch,"
            f" {megabytes(memory.activations)} for activations at their peak{beside}",
            f"data         {self.samples} training samples, {self.val_samples} for validation",
            f"epoch        {self.batches} batches of {config.batch} a process, {self.steps} optimizer steps of"
            f" {config.accumulate} batches",
            f"run          {length}",
        ]
        return "\n".join(lines)


def plan(config: TrainConfig) -> RunPlan:
    """Count what a run will take. The data is looked at as the run would; no step is done and nothing is written.

    Raises:
        DatasetError, SourceError, WindowError: the data cannot be used.
    """
    world_size = config.devices * config.num_nodes
    with torch.device("meta"):
        model = LIFT(replace(config.model_config(), start="zero"))
    loaders = make_loaders(replace(config, workers=0), config.phase2_crop, world_size=world_size)
    batches = len(loaders.train)
    side = round(config.phase2_crop * max(config.scales))
    return RunPlan(
        parameters={name: sum(p.numel() for p in model.get_submodule(name).parameters()) for name in STAGES},
        flop=step_flop(model, preset(config.preset).context, side, side),
        memory=step_memory(config),
        samples=len(loaders.train.dataset),
        batches=batches,
        steps=-(-batches // config.accumulate),
        val_samples=0 if loaders.val is None else len(loaders.val.dataset),
    )


def step_flop(model: LIFT, frames: int, height: int, width: int) -> int:
    """Operations of a forward and a backward pass on one sample; the meta device alone counts attention.

    Args:
        model: on the meta device; what it runs again in the backward pass counts twice.
        frames: context T.
        height, width: of the pictures.
    """
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        valid = torch.ones(1, frames, dtype=torch.bool)
        inputs = torch.empty(1, frames, 3, height, width), torch.empty(1, frames), valid, torch.empty(1)
        output = model.train()(*inputs)
        (output.frame.sum() + output.coarse.sum()).backward()
    return counter.get_total_flops()
