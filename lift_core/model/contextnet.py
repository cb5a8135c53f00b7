"""Another stage 1: an encoder on the trunk of RIFE's contextnet, whose published weights it can start from."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lift_core.model.config import LiftConfig
from lift_core.model.encoder import FeaturePyramid

# Channels at 1/2, 1/4, 1/8 and 1/16 of the resolution, as in the published files.
TRUNK_WIDTHS = (16, 32, 64, 128)


def convolution(in_width: int, out_width: int, stride: int) -> nn.Sequential:
    """A 3x3 convolution and a PReLU, numbered 0 and 1 as in RIFE's files."""
    return nn.Sequential(nn.Conv2d(in_width, out_width, 3, stride=stride, padding=1), nn.PReLU(out_width))


class TrunkScale(nn.Module):
    """Halve the resolution, then one more convolution: ``[N, in, H, W]`` to ``[N, out, H/2, W/2]``."""

    def __init__(self, in_width: int, out_width: int) -> None:
        super().__init__()
        self.conv1 = convolution(in_width, out_width, stride=2)
        self.conv2 = convolution(out_width, out_width, stride=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(self.conv1(x))


class ContextTrunk(nn.Module):
    """The four scales of contextnet, without its warping (Huang et al. 2022, "Real-Time Intermediate Flow Estimation").

    Its parameters are named and shaped as those below ``contextnet.`` in RIFE's files.
    """

    def __init__(self) -> None:
        super().__init__()
        width2, width4, width8, width16 = TRUNK_WIDTHS
        self.conv1 = TrunkScale(3, width2)
        self.conv2 = TrunkScale(width2, width4)
        self.conv3 = TrunkScale(width4, width8)
        self.conv4 = TrunkScale(width8, width16)

    def forward(self, frames: Tensor) -> FeaturePyramid:
        """``frames`` ``[N, 3, H, W]`` in [0, 1], as RIFE takes them: s4 with 32, s8 with 64, s16 with 128 channels."""
        s4 = self.conv2(self.conv1(frames))
        s8 = self.conv3(s4)
        return FeaturePyramid(s4, s8, self.conv4(s8))


class ContextNetEncoder(nn.Module):
    """The trunk, and a 1x1 convolution per scale from its widths to those of the config.

    It takes the place of `FrameEncoder`. The trunk is what published weights fill and what a first phase of training
    keeps frozen; the adapters are always new.
    """

    def __init__(self, config: LiftConfig) -> None:
        super().__init__()
        self.chunk = config.encode_chunk
        self.trunk = ContextTrunk()
        self.adapt4, self.adapt8, self.adapt16 = (
            nn.Conv2d(trunk_width, width, 1) for trunk_width, width in zip(TRUNK_WIDTHS[1:], config.widths, strict=True)
        )

    def forward(self, frames: Tensor) -> FeaturePyramid:
        """All three scales of ``frames`` ``[N, 3, H, W]`` in [0, 1]; H and W are multiples of 32."""
        trunk = self.trunk(frames)
        return FeaturePyramid(self.adapt4(trunk.s4), self.adapt8(trunk.s8), self.adapt16(trunk.s16))

    def deepest(self, frames: Tensor) -> Tensor:
        """Only s16 of ``frames`` ``[N, 3, H, W]``, ``chunk`` frames at a time, as `FrameEncoder.deepest`."""
        return torch.cat([self.adapt16(self.trunk(chunk).s16) for chunk in frames.split(self.chunk)])
