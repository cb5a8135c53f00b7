"""The memory that LIFT needs to interpolate frames of a size, counted before it is taken, and the tiles that fit it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor

from lift_core.errors import ConfigError
from lift_core.inference.tiles import SMALLEST_CORE, Tile, cut
from lift_core.model.config import LiftConfig
from lift_core.model.lift import LIFT, ReferenceFeatures, WindowFeatures
from lift_core.model.padding import MULTIPLE
from lift_core.model.start import reduction_of
from lift_core.model.transformer import Aggregate
from lift_core.profiling.ledger import feature_bytes, frames_bytes, megabytes
from lift_core.profiling.live_bytes import peak_live_bytes
from lift_core.profiling.machine_memory import machine_memory

_SCALES = (4, 8, 16)

_USED = 0.7
"""Share of the free memory that is taken by default: the video's decoder and encoder, and other programs, want some."""

_SCRATCH = 1.3
"""What kernels use inside beside the tensors that they make: up to a fifth more was measured on a CPU."""

_FLOW_KEPT, _FLOW_MADE = 64, 90
"""Bytes a pixel that classical flow between and around two references takes while new frames are made from it, and more
while it is found or brought to a time; of the pictures on which it is found. Up to 60 and 88 were measured."""

_CORES = (2048, 1536, 1024, 768, 512, 384, 256, 192, 128)


@dataclass(frozen=True)
class WorkingMemory:
    """Bytes that interpolation takes, beside the program itself and the video's decoder and encoder.

    Attributes:
        weights: of the model.
        frames: the pictures of the window that are still needed, both references and the new frame.
        features: s16 of the window, all scales of the references.
        start: classical flow between and around the references, and the pictures of the window on which it is found,
            for a model that starts from it; in main memory on any device.
        step: what the hungriest of the three steps takes at once, in float32, on the largest tile; or that flow, while
            it is made.
    """

    weights: int
    frames: int
    features: int
    start: int
    step: int

    @property
    def held(self) -> int:
        """What no tile makes smaller."""
        return self.weights + self.frames + self.features + self.start

    @property
    def total(self) -> int:
        return self.held + self.step


def working_memory(
    config: LiftConfig, context: int, size: tuple[int, int], tiles: Sequence[Tile], dtype: str = "float32"
) -> WorkingMemory:
    """Count what frames of ``size`` need.

    Args:
        config: of the model.
        context: T.
        size: height and width before padding.
        tiles: of the padded frames.
        dtype: of features that are kept.
    """
    height, width = padded_size(size)
    ring = feature_bytes(context, config.widths[2], height, width, 16, dtype)
    pyramids = sum(
        feature_bytes(2, channels, height, width, scale, dtype)
        for channels, scale in zip(config.widths, _SCALES, strict=True)
    )
    # Pictures wait in 8 bits until they are references; both references and the new frame are float32.
    pictures = frames_bytes(context // 2 + 2, *size, "uint8") + frames_bytes(3, height, width)
    seen = max(tile.rows.seen for tile in tiles), max(tile.columns.seen for tile in tiles)
    weights, step = _counted(config, context, *seen)
    flow_pixels = height * width // reduction_of(height, width) ** 2 if config.start != "zero" else 0
    step = max(step, _FLOW_MADE * flow_pixels)
    start = (_FLOW_KEPT + 3 * context) * flow_pixels
    return WorkingMemory(weights, pictures, ring + pyramids, start, step)


def fitting_tiles(
    config: LiftConfig, context: int, size: tuple[int, int], budget: int, dtype: str = "float32"
) -> list[Tile]:
    """The fewest tiles with which frames of ``size`` need no more than ``budget`` bytes; one where whole frames fit.

    Raises:
        ConfigError: the smallest tiles do not fit either; it says what is needed.
    """
    height, width = padded_size(size)
    smallest = cut(height, width, SMALLEST_CORE)
    least = working_memory(config, context, size, smallest, dtype)
    if least.total > budget:
        raise ConfigError(
            f"{megabytes(budget)} do not hold what {config.name} needs for frames of {size[0]}x{size[1]}:"
            f" {megabytes(least.held)} for {context} frames and their features, and {megabytes(least.step)} to work"
            " on a small part of a frame.",
            fix="Allow more (--memory), look at fewer frames (--context), keep features in half precision"
            " (--precision bf16), or scale the video down.",
        )
    larger = (cut(height, width, core) for core in (max(height, width), *_CORES))
    fits = (tiles for tiles in larger if working_memory(config, context, size, tiles, dtype).total <= budget)
    return next(fits, smallest)


def free_memory(device: torch.device) -> int:
    """Bytes of a device's memory that interpolation takes by default: seven tenths of what is free now."""
    if device.type == "cuda":
        return int(_USED * torch.cuda.mem_get_info(device)[0])
    return int(_USED * machine_memory().available)


def padded_size(size: tuple[int, int]) -> tuple[int, int]:
    """Height and width after padding to a multiple of 32."""
    height, width = (-(-side // MULTIPLE) * MULTIPLE for side in size)
    return height, width


@cache
def _counted(config: LiftConfig, context: int, height: int, width: int) -> tuple[int, int]:
    """Bytes of the weights, and the most that one of the three steps makes at once of frames of this size."""
    with torch.device("meta"), torch.no_grad():
        model = LIFT(replace(config, start="zero")).eval()
        frame = torch.empty(1, 3, height, width)
        reference = model.encode_reference(frame)
        window = torch.empty(1, context, *reference.pyramid.s16.shape[1:])
        given = [*model.parameters(), frame, *reference.pyramid, window]
        steps = (
            lambda: model.encode_reference(frame),
            lambda: _aggregated(model, list(window[0, :, None]), reference),
            lambda: model.decode(
                WindowFeatures(window[:, :0], reference, reference),
                Aggregate(reference.pyramid.s16, torch.empty(1, context)),
                0.5,
            ),
        )
        step = max(peak_live_bytes(run, given) for run in steps)
    weights = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    return weights, int(_SCRATCH * step)


def _aggregated(model: LIFT, ring: list[Tensor], reference: ReferenceFeatures) -> Aggregate:
    valid = torch.ones(1, len(ring), dtype=torch.bool)
    features = WindowFeatures(torch.stack(ring, dim=1), reference, reference)
    return model.aggregate(features, torch.empty(1, len(ring)), valid)
