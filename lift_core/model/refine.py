"""Stage 5, FullResolutionRefiner: a last residual that restores detail."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lift_core.model.config import LiftConfig
from lift_core.model.ifnet import Motion
from lift_core.model.synthesis import Coarse
from lift_core.model.warp import backward_warp

GROUPS = 8


class NormalisedBlock(nn.Module):
    """A residual block with group norm before each convolution: ``[B, C, H, W]`` to the same shape."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(GROUPS, width)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.norm2 = nn.GroupNorm(GROUPS, width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.conv1(F.gelu(self.norm1(x)))
        return x + self.conv2(F.gelu(self.norm2(hidden)))


class FullResolutionRefiner(nn.Module):
    """Residual from the coarse frame, the warped references and the references' warped s4 features.

    Every pixel of the full resolution takes part: 2x2 pixels are laid into channels (pixel unshuffle), which loses
    nothing and quarters the cost of each convolution.
    """

    def __init__(self, config: LiftConfig) -> None:
        super().__init__()
        hidden = config.refine_width
        self.reduce = nn.Conv2d(config.widths[0], config.refine_feature_width, 1)
        self.from_pixels = nn.Conv2d(3 * 3 * 4, hidden, 3, padding=1)
        self.from_features = nn.Conv2d(2 * config.refine_feature_width, hidden, 1)
        self.blocks = nn.Sequential(*(NormalisedBlock(hidden) for _ in range(config.refine_blocks)))
        self.head = nn.Conv2d(hidden, 3 * 4, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, coarse: Coarse, motion: Motion, s4_0: Tensor, s4_1: Tensor) -> Tensor:
        """The refined frame ``[B, 3, H, W]``, not clamped; ``s4_0`` and ``s4_1`` are the references' s4 features."""
        pictures = torch.cat((coarse.frame, coarse.warped_0, coarse.warped_1), dim=1)
        pixels = F.pixel_unshuffle(pictures, 2)  # [B, 3 * 3 * 4, H / 2, W / 2]
        features = torch.cat(
            (backward_warp(self.reduce(s4_0), motion.flow_t0), backward_warp(self.reduce(s4_1), motion.flow_t1)), dim=1
        )
        # A 1x1 convolution and bilinear interpolation commute; at s4 the convolution is four times cheaper.
        hidden = self.from_pixels(pixels) + F.interpolate(
            self.from_features(features), scale_factor=2.0, mode="bilinear", align_corners=False
        )
        residual = self.head(self.blocks(hidden))
        return coarse.frame + F.pixel_shuffle(residual, 2).float()
