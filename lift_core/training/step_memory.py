"""The memory of a training step, traced before it is taken: a whole step on fake tensors, which have no values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import torch
from lightning_fabric.plugins.precision import MixedPrecision, Precision
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.optim import Optimizer

from lift_core.data.sample import Batch, references
from lift_core.model.config import LiftConfig
from lift_core.model.ifnet import CELL, Motion
from lift_core.model.lift import LIFT, LiftOutput
from lift_core.model.padding import MULTIPLE
from lift_core.profiling.ledger import batch_bytes
from lift_core.profiling.live_bytes import LiveBytes
from lift_core.training.backward import sound_samples
from lift_core.training.config import LossConfig, TrainConfig
from lift_core.training.config import Precision as PrecisionName
from lift_core.training.losses import lift_loss
from lift_core.training.phases import make_optimizer
from lift_core.training.pseudo_flow import PseudoFlow

# What a CPU holds beside live tensors. oneDNN compiles its kernels anew for every shape; glibc keeps freed blocks that
# none of the next ones fits, here as a share of the activations. Found by the side of `lift bench memory`, which also
# measures a step whose freed blocks are all given back.
_KERNELS = 10_000_000
_GAPS = 0.3


@dataclass(frozen=True)
class Step:
    """What decides the memory of a training step of one process.

    Attributes:
        model: sizes of the model; ``context`` is the number of frames.
        batch: samples of one forward pass.
        size: height and width of the pictures.
        precision: of Lightning Fabric.
        checkpointing: stages that are run again in the backward pass.
        accumulate: forward passes of the step.
        loss: terms of weight 0 are not computed and take nothing.
        on_gpu: whether a CUDA device or the CPU computes.
    """

    model: LiftConfig
    batch: int
    size: tuple[int, int]
    precision: PrecisionName = "32-true"
    checkpointing: tuple[str, ...] = ()
    accumulate: int = 1
    loss: LossConfig = field(default_factory=LossConfig)
    on_gpu: bool = True


@dataclass(frozen=True)
class StepMemory:
    """Bytes of one training step of one process, from the second step on, when the optimizer has its state.

    Attributes:
        parameters: the weights.
        average: their moving average.
        optimizer: AdamW's two moments of each weight.
        batch: the pictures in float32; on a GPU twice, for the next batch is on its way.
        gradients: of all weights, once the backward pass is over.
        gradients_at_peak: those of them that are there when forward and backward pass hold most.
        activations: what forward and backward pass hold beside all these at that moment.
        update: what clipping and the optimizer hold beside all these after the backward pass, which frees the
            activations.
        kernels: code that a CPU's library compiles for the shapes of this step; 0 on a GPU.
        gaps: what a CPU's allocator holds beside live blocks; 0 on a GPU. What CUDA takes for both was not measured.
    """

    parameters: int
    average: int
    optimizer: int
    batch: int
    gradients: int
    gradients_at_peak: int
    activations: int
    update: int
    kernels: int = 0
    gaps: int = 0

    @property
    def held(self) -> int:
        """What is there from step to step: weights, average, optimizer and batch."""
        return self.parameters + self.average + self.optimizer + self.batch

    @property
    def tensors(self) -> int:
        """The most that live tensors take at one moment."""
        return self.held + max(self.gradients_at_peak + self.activations, self.gradients + self.update)

    @property
    def total(self) -> int:
        """The most that the step takes at one moment."""
        return self.tensors + self.kernels + self.gaps


def step_memory(config: TrainConfig) -> StepMemory:
    """Trace a step of phase 2 of a run, at its largest scale."""
    side = round(config.phase2_crop * max(config.scales))
    on_gpu = torch.cuda.is_available() if config.accelerator == "auto" else config.accelerator != "cpu"
    return trace_step(
        Step(
            model=config.model_config(),
            batch=config.batch,
            size=(side, side),
            precision=config.precision,
            checkpointing=tuple(sorted(config.checkpointing)),
            accumulate=config.accumulate,
            loss=config.loss,
            on_gpu=on_gpu,
        )
    )


@cache
def trace_step(step: Step) -> StepMemory:
    """Run a step on fake tensors (forward, loss, backward, clipping, AdamW) and follow what lives.

    Nothing is allocated and no GPU is needed: a fake tensor has a shape and a type, its memory is never taken. What
    kernels use inside themselves is not seen. Classical flow, which is computed outside of torch, is given as it
    would come. Half precision is traced by a CPU's autocast, which casts as CUDA's does, but for norms: see
    `norms_in_float32`.
    """
    with FakeTensorMode():
        model = LIFT(replace(step.model, start="zero")).train()
        model.recomputed = frozenset(step.checkpointing)
        batch = _batch(step)
        optimizer = make_optimizer(model, TrainConfig(data=("unread",), steps=1), None)
        if step.on_gpu:
            norms_in_float32(model)
        parameters = list(model.parameters())
        given = [*parameters, *(value for value in batch.values() if isinstance(value, Tensor))]
        with torch.enable_grad(), LiveBytes(given) as live:
            arrived = _Arrivals(parameters, live)
            _loss(model, batch, step)["total"].backward()
            # While a step accumulates, the gradients of its first pass are there in all others.
            at_peak, activations = arrived.at_peak() if step.accumulate == 1 else (None, arrived.beside())
            gradients = _bytes(p.grad for p in parameters if p.grad is not None)
            before, live.peak = live.live, live.live
            _update(parameters, optimizer)
            moments = _bytes(value for state in optimizer.state.values() for value in state.values())
            # The moments are made here, in the first step, and are there from then on.
            update = live.peak - before - moments
    weights = _bytes(parameters)
    pictures = batch_bytes(step.batch, step.model.context, *step.size)
    return StepMemory(
        parameters=weights,
        average=weights,
        optimizer=moments,
        batch=2 * pictures if step.on_gpu else pictures,
        gradients=gradients,
        gradients_at_peak=gradients if at_peak is None else at_peak,
        activations=activations,
        update=max(update, 0),
        kernels=0 if step.on_gpu else _KERNELS,
        gaps=0 if step.on_gpu else round(_GAPS * activations),
    )


class _Arrivals:
    """Follows the gradients as they come: which were there when most was alive, and the most beside them."""

    def __init__(self, parameters: Iterable[Tensor], live: LiveBytes) -> None:
        self._live = live
        self._there = self._at_peak = self._peak = self._beside = 0
        for parameter in parameters:
            parameter.register_post_accumulate_grad_hook(self._arrive)

    def at_peak(self) -> tuple[int, int]:
        """Bytes of the gradients that were there at the peak, and of all else that was alive then."""
        self._look()
        return self._at_peak, self._peak - self._at_peak

    def beside(self) -> int:
        """The most bytes that were alive beside the gradients that were there."""
        self._look()
        return self._beside

    def _arrive(self, parameter: Tensor) -> None:
        self._look()
        self._there += parameter.nbytes

    def _look(self) -> None:
        """Take in the peak since the last look, during which no gradient arrived."""
        if self._live.peak > self._peak:
            self._peak, self._at_peak = self._live.peak, self._there
        self._beside = max(self._beside, self._live.peak - self._there)
        self._live.peak = self._live.live


def norms_in_float32(model: nn.Module) -> None:
    """Let every layer norm and group norm take float32, as under CUDA's autocast; a CPU's leaves them in half."""
    for module in model.modules():
        if isinstance(module, nn.LayerNorm | nn.GroupNorm):
            module.register_forward_pre_hook(lambda _, inputs: (inputs[0].float(),))


def _loss(model: LIFT, batch: Batch, step: Step) -> dict[str, Tensor]:
    # As in the trainer, where the output and the labels go with this function's frame before the backward pass.
    labels = _labels(step) if step.loss.distillation else None
    output = _forward(model, batch, step)
    terms = lift_loss(output, batch["gt"], step.loss, labels)
    sound_samples(output, batch, terms["total"])
    return terms


def _forward(model: LIFT, batch: Batch, step: Step) -> LiftOutput:
    precision = _precision(step.precision)
    given = batch["frames"], batch["times"], batch["valid"], batch["timestep"], _start(step)
    inputs = precision.convert_input(given)
    with precision.forward_context():
        output = model(*inputs)
    converted: LiftOutput = precision.convert_output(output)
    return converted


def _update(parameters: list[nn.Parameter], optimizer: Optimizer) -> None:
    torch.nn.utils.clip_grad_norm_(parameters, 1.0, error_if_nonfinite=False)
    optimizer.step()


def _precision(name: PrecisionName) -> Precision:
    return Precision() if name == "32-true" else MixedPrecision(name, "cpu")


def _batch(step: Step) -> Batch:
    count, frames, (height, width) = step.batch, step.model.context, step.size
    window = torch.empty(count, frames, 3, height, width)
    return Batch(
        frames=window,
        ref_frames=references(window),
        gt=torch.empty(count, 3, height, width),
        timestep=torch.empty(count),
        times=torch.empty(count, frames),
        valid=torch.empty(count, frames, dtype=torch.bool),
        key=[""] * count,
    )


def _labels(step: Step) -> PseudoFlow:
    flow, confidence = (torch.empty(step.batch, 2, channels, *_cells(step)) for channels in (2, 1))
    return PseudoFlow(flow, confidence)


def _start(step: Step) -> Motion | None:
    if step.model.start == "zero":
        return None
    return Motion(*(torch.empty(step.batch, channels, *_cells(step)) for channels in (2, 2, 1)))


def _cells(step: Step) -> tuple[int, int]:
    height, width = (-(-side // MULTIPLE) * MULTIPLE // CELL for side in step.size)
    return height, width


def _bytes(tensors: Iterable[Any]) -> int:
    return sum(tensor.nbytes for tensor in tensors)
