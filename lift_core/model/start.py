"""The motion that stage 3 starts from, where a model was trained to start from classical flow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lift_core.classical import PairFlow
from lift_core.model.ifnet import CELL, Motion

LARGEST = 1920 * 1088
"""Pixels of the largest frames whose motion is found at full size; that of larger ones is found at a half or a quarter,
since the quarter grid keeps no more."""


@dataclass(frozen=True)
class ClassicalStart:
    """Motion by Dense Inverse Search between pairs of references: found once, it serves every time between them.

    It is computed on the CPU, in 8 bits; no gradient flows through it.

    Attributes:
        flows: one for each pair.
        reduction: by how much the frames were made smaller: 1, 2 or 4.
        device: of the frames.
    """

    flows: tuple[PairFlow, ...]
    reduction: int
    device: torch.device

    @classmethod
    def find(cls, frame_0: Tensor, frame_1: Tensor) -> ClassicalStart:
        """Find the motion between references ``[B, 3, H, W]`` in [0, 1], H and W multiples of 4."""
        reduction = reduction_of(frame_0.shape[-2], frame_0.shape[-1])
        first, second = (to_images(F.avg_pool2d(frame.detach(), reduction)) for frame in (frame_0, frame_1))
        flows = tuple(PairFlow.find(a, b) for a, b in zip(first, second, strict=True))
        return cls(flows, reduction, frame_0.device)

    def at(self, t: Tensor) -> Motion:
        """The motion at ``t`` ``[B, 1, 1, 1]``, strictly between 0 and 1, on a grid of H/4 x W/4 cells."""
        found = [flow.motion(moment) for flow, moment in zip(self.flows, t.flatten().tolist(), strict=True)]
        motion = torch.from_numpy(np.stack([pair[0] for pair in found])).permute(0, 3, 1, 2).to(self.device)
        logits = torch.from_numpy(np.stack([pair[1] for pair in found])).unsqueeze(1).to(self.device)
        side = CELL // self.reduction
        # In cells of the quarter grid: pixels of the reduced frames are `side` to a cell.
        cells = F.avg_pool2d(motion, side) / side
        return Motion(-t * cells, (1.0 - t) * cells, F.avg_pool2d(logits, side))


def reduction_of(height: int, width: int) -> int:
    """By how much frames are made smaller before their motion is found: 1, 2 or 4."""
    return next((share for share in (1, 2) if height * width <= LARGEST * share**2), CELL)


def to_images(frames: Tensor) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    """Frames ``[N, 3, H, W]`` in [0, 1] as N RGB uint8 images ``[H, W, 3]``."""
    quantised = (frames.detach() * 255.0).round().clamp(0, 255).to(torch.uint8)
    return list(quantised.permute(0, 2, 3, 1).contiguous().cpu().numpy())
