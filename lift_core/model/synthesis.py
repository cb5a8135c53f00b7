"""Stage 4, CoarseSynthesis: both references warped to the new frame and blended where they are visible."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lift_core.model.config import LiftConfig
from lift_core.model.encoder import ResidualBlock
from lift_core.model.ifnet import Motion
from lift_core.model.warp import backward_warp


class Coarse(NamedTuple):
    """The coarse frame and what it was made of, at full resolution.

    Attributes:
        frame: ``[B, 3, H, W]``, not clamped.
        warped_0: reference 0 seen from the new frame, ``[B, 3, H, W]``.
        warped_1: the same for reference 1.
        visibility: ``[B, 1, H, W]`` in [0, 1], the share of reference 0 in the blend.
    """

    frame: Tensor
    warped_0: Tensor
    warped_1: Tensor
    visibility: Tensor


class CoarseSynthesis(nn.Module):
    """Blend in logit space, corrected by what the context knows.

    The share of reference 0 is ``sigmoid(log((1 - t) / t) + occlusion)``: with no opinion about occlusion it is the
    blend by time, 1 - t, and an opinion moves it from there. The correction (one logit and three colours per pixel)
    is computed on the s4 grid and laid out by pixel shuffle, so that full resolution costs nothing but the layout.
    """

    def __init__(self, config: LiftConfig) -> None:
        super().__init__()
        hidden = config.synthesis_width
        self.reduce_context = nn.Conv2d(config.widths[2], hidden // 2, 1)
        self.join = nn.Conv2d(2 * 3 * 16 + hidden // 2 + 6, hidden, 1)
        self.act = nn.LeakyReLU(0.1, inplace=True)
        self.block = ResidualBlock(hidden)
        self.head = nn.Conv2d(hidden, 4 * 16, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, frame_0: Tensor, frame_1: Tensor, motion: Motion, context: Tensor, t: Tensor) -> Coarse:
        """Make the coarse frame.

        Args:
            frame_0: reference 0, ``[B, 3, H, W]``.
            frame_1: reference 1.
            motion: on the s4 grid.
            context: ``[B, C16, H/16, W/16]``.
            t: ``[B, 1, 1, 1]``, strictly between 0 and 1.
        """
        full = motion.resized((frame_0.shape[-2], frame_0.shape[-1]))
        warped_0 = backward_warp(frame_0, full.flow_t0)
        warped_1 = backward_warp(frame_1, full.flow_t1)
        correction = self._correct(warped_0, warped_1, motion, context, t)
        visibility = torch.sigmoid(torch.log((1.0 - t) / t) + full.occlusion + correction[:, :1])
        frame = visibility * warped_0 + (1.0 - visibility) * warped_1 + correction[:, 1:]
        return Coarse(frame, warped_0, warped_1, visibility)

    def _correct(self, warped_0: Tensor, warped_1: Tensor, motion: Motion, context: Tensor, t: Tensor) -> Tensor:
        """A logit and three colours to add at every pixel, ``[B, 4, H, W]``."""
        size = (motion.occlusion.shape[-2], motion.occlusion.shape[-1])
        near = F.interpolate(self.reduce_context(context), size=size, mode="bilinear", align_corners=False)
        pixels = F.pixel_unshuffle(torch.cat((warped_0, warped_1), dim=1), 4)  # [B, 2 * 3 * 16, H / 4, W / 4]
        known = torch.cat((pixels, near, *motion, t.expand(-1, 1, *size)), dim=1)
        return F.pixel_shuffle(self.head(self.block(self.act(self.join(known)))), 4).float()
