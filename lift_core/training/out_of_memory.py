"""When a step does not fit the memory: how it is told, and what would fit."""

from __future__ import annotations

from dataclasses import replace

import torch

from lift_core.model.config import STAGES, preset
from lift_core.training.config import TrainConfig
from lift_core.training.step_memory import step_memory

_WORDS = ("out of memory", "can't allocate memory", "not enough memory", "CUBLAS_STATUS_ALLOC_FAILED")


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether torch raised ``error`` because a device, or this machine, had no memory left."""
    return isinstance(error, torch.OutOfMemoryError) or any(words in str(error) for words in _WORDS)


def what_would_fit(config: TrainConfig) -> str:
    """Advice for a run of which a single sample is too much: changes, each with the memory that it leaves."""
    single = replace(config, batch=1, checkpointing=())
    base = step_memory(single).total
    smaller = max(32, config.phase2_crop // 2)
    tries = [
        ("activation checkpointing (--checkpointing " + " ".join(STAGES) + ")", replace(single, checkpointing=STAGES)),
        (f"a crop of {smaller}", replace(single, phase2_crop=smaller, phase1_crop=min(smaller, config.phase1_crop))),
    ]
    fewer = [name for name in ("lift_15", "lift_tiny") if preset(name).context < preset(config.preset).context]
    tries += [(f"fewer frames (--preset {name})", replace(single, preset=name)) for name in fewer]
    shares = [f"{what}: {step_memory(other).total / base:.0%}" for what, other in tries]
    return "By count, of the memory that a sample takes now: " + "; ".join(shares) + "."
