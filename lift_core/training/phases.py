"""The two phases of training: first what is new beside a frozen, loaded encoder; then everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import nn
from torch.optim import AdamW, Optimizer

from lift_core.model.lift import LIFT
from lift_core.training.config import TrainConfig


@dataclass(frozen=True)
class Phase:
    """A stretch of training.

    Attributes:
        number: 1 or 2.
        crop: side of the square training crop.
        encoder_frozen: the loaded part of the encoder is in eval and takes no gradient.
    """

    number: Literal[1, 2]
    crop: int
    encoder_frozen: bool


def phase_at(config: TrainConfig, done: float, *, encoder_loaded: bool) -> Phase:
    """The phase at share ``done`` of the run.

    Phase 1 is left out where no encoder was loaded: random features are not worth freezing.
    """
    if encoder_loaded and done < config.phase1_share:
        return Phase(1, config.phase1_crop, encoder_frozen=True)
    return Phase(2, config.phase2_crop, encoder_frozen=False)


def loaded_part(model: LIFT, config: TrainConfig) -> nn.Module | None:
    """What of the encoder was loaded: all of it, or a contextnet's trunk, whose adapters are new; None for nothing."""
    if config.contextnet is not None:
        return model.encoder.get_submodule("trunk")
    return model.encoder if config.init is not None else None


def enter_phase(model: LIFT, phase: Phase, loaded: nn.Module | None) -> None:
    """Freeze or free the loaded part. Frozen, it is in eval and builds no graph: nothing in it needs a gradient."""
    model.train()
    if loaded is not None:
        loaded.requires_grad_(not phase.encoder_frozen)
        loaded.train(not phase.encoder_frozen)


def make_optimizer(model: LIFT, config: TrainConfig, loaded: nn.Module | None) -> Optimizer:
    """AdamW over the loaded part and the rest; norms and biases are not decayed.

    Each group's ``scale`` is its share of the scheduled rate: what was loaded trains at ``loaded_rate``.
    """
    old = list(loaded.parameters()) if loaded is not None else []
    known = {id(parameter) for parameter in old}
    new = [parameter for parameter in model.parameters() if id(parameter) not in known]
    groups = []
    for parameters, scale in ((old, config.loaded_rate), (new, 1.0)):
        for decay, chosen in (
            (config.weight_decay, [p for p in parameters if p.ndim > 1]),
            (0.0, [p for p in parameters if p.ndim <= 1]),
        ):
            if chosen:
                groups.append({"params": chosen, "weight_decay": decay, "scale": scale})
    return AdamW(groups, lr=config.learning_rate)


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """Give every group its share of ``rate``."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"]
