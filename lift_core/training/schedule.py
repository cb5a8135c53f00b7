"""How far a run is, and what belongs there: the learning rate (warm-up, then a cosine) and the pictures' size."""

from __future__ import annotations

import math

import numpy as np

from lift_core.training.config import TrainConfig

# Share of the peak rate that remains at the end.
FLOOR = 0.01


def progress(config: TrainConfig, step: int, elapsed_s: float) -> float:
    """Share of the run that is done, 0 to 1: by steps, or by the clock where the run has a length in minutes."""
    if config.steps is not None:
        return min(step / config.steps, 1.0)
    assert config.minutes is not None
    return min(elapsed_s / (60.0 * config.minutes), 1.0)


def rate_factor(done: float, warmup: float) -> float:
    """Learning rate at share ``done`` of the run, as a share of its peak (Loshchilov and Hutter 2017, no restarts)."""
    if done < warmup:
        return max(done / warmup, FLOOR)
    fall = (done - warmup) / max(1.0 - warmup, 1e-9)
    return FLOOR + (1.0 - FLOOR) * 0.5 * (1.0 + math.cos(math.pi * min(fall, 1.0)))


def draw_scale(config: TrainConfig, step: int) -> float:
    """The size of the pictures of a step, one of ``config.scales``: it depends on the seed and the step alone."""
    return float(np.random.default_rng([config.seed, step]).choice(config.scales))
