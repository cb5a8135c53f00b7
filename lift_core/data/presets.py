"""Batch presets: how many samples fit a GPU of 16, 24 or 40 GB, for each model preset, at one effective batch."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from lift_core.errors import ConfigError


@dataclass(frozen=True)
class BatchPreset:
    """What one GPU trains with.

    The table is computed, not measured on GPUs of these sizes: per sample, what autograd keeps of a forward pass in
    float32 (counted on the meta device), half as much again for the loss and the backward pass, and the batch in
    float32 twice; beside them the weights five times (with gradients, two moments and the average) and 1.5 GB for
    CUDA itself; all of it within 80 % of the GPU's memory. Mixed precision needs less. A test holds the table to this.

    Attributes:
        model: the model preset. gpu_gb: memory of the GPU, in GB of 10^9 bytes.
        batch: samples of one forward pass. accumulate: forward passes per optimizer step.
        frames: context frames T. crop: height and width in pixels.
    """

    model: str
    gpu_gb: int
    batch: int
    accumulate: int
    frames: int
    crop: tuple[int, int]

    @property
    def effective_batch(self) -> int:
        """Samples per optimizer step: the same on every GPU, so that learning rates carry over."""
        return self.batch * self.accumulate


_CROP = (256, 256)

PRESETS = MappingProxyType(
    {
        (preset.model, preset.gpu_gb): preset
        for preset in (
            BatchPreset("lift_64", 16, batch=4, accumulate=6, frames=64, crop=_CROP),
            BatchPreset("lift_64", 24, batch=6, accumulate=4, frames=64, crop=_CROP),
            BatchPreset("lift_64", 40, batch=12, accumulate=2, frames=64, crop=_CROP),
            BatchPreset("lift_15", 16, batch=16, accumulate=2, frames=14, crop=_CROP),
            BatchPreset("lift_15", 24, batch=16, accumulate=2, frames=14, crop=_CROP),
            BatchPreset("lift_15", 40, batch=32, accumulate=1, frames=14, crop=_CROP),
            BatchPreset("lift_tiny", 16, batch=48, accumulate=1, frames=6, crop=_CROP),
            BatchPreset("lift_tiny", 24, batch=48, accumulate=1, frames=6, crop=_CROP),
            BatchPreset("lift_tiny", 40, batch=48, accumulate=1, frames=6, crop=_CROP),
        )
    }
)
"""By model preset and GB of the GPU."""


def batch_preset(model: str, gpu_gb: float) -> BatchPreset:
    """The preset of ``model`` for the largest GPU that needs no more than ``gpu_gb`` GB.

    Raises:
        ConfigError: no presets for that model, or a GPU smaller than the smallest of them.
    """
    sizes = sorted(size for name, size in PRESETS if name == model)
    if not sizes:
        raise ConfigError(
            f"no batch preset for the model {model!r}",
            fix=f"Choose one of {', '.join(sorted({name for name, _ in PRESETS}))}.",
        )
    fitting = [size for size in sizes if size <= gpu_gb]
    if not fitting:
        raise ConfigError(
            f"the smallest batch preset of {model} is for {sizes[0]} GB, and this GPU has {gpu_gb:g} GB",
            fix="Choose a smaller batch by hand, and more accumulation steps to keep the effective batch.",
        )
    return PRESETS[model, fitting[-1]]
