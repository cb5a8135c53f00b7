"""Stage 1, FrameEncoder: features of single frames at a quarter, an eighth and a sixteenth of their resolution."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from lift_core.model.config import LiftConfig


class FeaturePyramid(NamedTuple):
    """Features of N frames: ``s4 [N, C4, H/4, W/4]``, ``s8 [N, C8, H/8, W/8]``, ``s16 [N, C16, H/16, W/16]``."""

    s4: Tensor
    s8: Tensor
    s16: Tensor


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut: ``[N, C, H, W]`` to the same shape."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.act1 = nn.LeakyReLU(0.1, inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.act2 = nn.LeakyReLU(0.1, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.act2(x + self.conv2(self.act1(self.conv1(x))))


class Scale(nn.Module):
    """Halve the resolution with a strided convolution, then one residual block."""

    def __init__(self, in_width: int, out_width: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(in_width, out_width, 3, stride=2, padding=1)
        self.act = nn.LeakyReLU(0.1, inplace=True)
        self.block = ResidualBlock(out_width)

    def forward(self, x: Tensor) -> Tensor:
        return self.block(self.act(self.down(x)))


class FrameEncoder(nn.Module):
    """A convolutional pyramid that treats every frame alone.

    The two references keep all three scales; every other frame keeps s16 only (``deepest``), which is what makes
    a long context affordable: at 128/192/256 channels, s16 holds 1/8 of the bytes of s4.
    """

    def __init__(self, config: LiftConfig) -> None:
        super().__init__()
        width4, width8, width16 = config.widths
        self.chunk = config.encode_chunk
        self.stem = nn.Conv2d(3, config.stem_width, 3, stride=2, padding=1)
        self.stem_act = nn.LeakyReLU(0.1, inplace=True)
        self.scale4 = Scale(config.stem_width, width4)
        self.scale8 = Scale(width4, width8)
        self.scale16 = Scale(width8, width16)

    def forward(self, frames: Tensor) -> FeaturePyramid:
        """All three scales of ``frames`` ``[N, 3, H, W]`` in [0, 1]; H and W are multiples of 32."""
        s4 = self.scale4(self.stem_act(self.stem(frames * 2.0 - 1.0)))
        s8 = self.scale8(s4)
        return FeaturePyramid(s4, s8, self.scale16(s8))

    def deepest(self, frames: Tensor) -> Tensor:
        """Only s16 of ``frames`` ``[N, 3, H, W]``, ``chunk`` frames at a time: peak memory is that of a chunk.

        The frames do not see each other, so the result does not depend on how they are cut into chunks.
        """
        return torch.cat([self(chunk).s16 for chunk in frames.split(self.chunk)])
