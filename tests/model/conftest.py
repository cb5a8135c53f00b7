"""Small models, so that properties of the architecture are tested in milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from lift_core.model.config import LiftConfig, preset
from lift_core.model.lift import LIFT

SMALL = replace(
    preset("lift_tiny"),
    name="small",
    stem_width=8,
    widths=(8, 12, 16),
    encode_chunk=3,
    token_width=16,
    heads=2,
    warp_widths=(8, 8),
    match_width=4,
    flow_widths=(16, 8),
    match_radii=(2, 1),
    synthesis_width=8,
    refine_feature_width=4,
    refine_width=8,
    refine_blocks=1,
)


@pytest.fixture
def small_config() -> LiftConfig:
    return SMALL


@pytest.fixture
def stirred_model() -> LIFT:
    """A small model in eval whose zero layers hold noise, so that every stage has an effect."""
    torch.manual_seed(0)
    model = LIFT(SMALL).eval()
    stir(model)
    return model


def stir(module: nn.Module) -> None:
    """Replace parameters that are zero by small noise."""
    with torch.no_grad():
        for parameter in module.parameters():
            if not parameter.any():
                parameter.normal_(std=0.02)


@pytest.fixture
def make_window() -> Callable[..., tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Makes frames ``[B, T, 3, H, W]``, times ``[B, T]`` and valid ``[B, T]``."""

    def make(batch: int = 1, length: int = 6, height: int = 32, width: int = 64) -> tuple[torch.Tensor, ...]:
        generator = torch.Generator().manual_seed(length * 1000 + height)
        frames = torch.rand(batch, length, 3, height, width, generator=generator)
        times = (torch.arange(length) - (length - 1) / 2).expand(batch, length)
        return frames, times, torch.ones(batch, length, dtype=torch.bool)

    return make  # type: ignore[return-value]
