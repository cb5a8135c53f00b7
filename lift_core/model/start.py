"""The motion that stage 3 starts from, where a model was trained to start from classical flow."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lift_core.classical import motion_between
from lift_core.model.ifnet import Motion


@torch.no_grad()
def classical_start(frame_0: Tensor, frame_1: Tensor, t: Tensor) -> Motion:
    """Motion by Dense Inverse Search between two references, on the quarter grid.

    It is computed on the CPU, in 8 bits; no gradient flows through it.

    Args:
        frame_0: reference 0, ``[B, 3, H, W]`` in [0, 1], H and W multiples of 4.
        frame_1: reference 1.
        t: ``[B, 1, 1, 1]``, strictly between 0 and 1.

    Returns:
        Motion on a grid of H/4 x W/4, on the device of the frames.
    """
    first, second = to_images(frame_0), to_images(frame_1)
    found = [motion_between(a, b, moment) for a, b, moment in zip(first, second, t.flatten().tolist(), strict=True)]
    motion = torch.from_numpy(np.stack([pair[0] for pair in found])).permute(0, 3, 1, 2).to(frame_0.device)
    logits = torch.from_numpy(np.stack([pair[1] for pair in found])).unsqueeze(1).to(frame_0.device)
    # In cells of the quarter grid, hence a quarter of the pixels.
    cells = F.avg_pool2d(motion, 4) / 4.0
    return Motion(-t * cells, (1.0 - t) * cells, F.avg_pool2d(logits, 4))


def to_images(frames: Tensor) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    """Frames ``[N, 3, H, W]`` in [0, 1] as N RGB uint8 images ``[H, W, 3]``."""
    quantised = (frames.detach() * 255.0).round().clamp(0, 255).to(torch.uint8)
    return list(quantised.permute(0, 2, 3, 1).contiguous().cpu().numpy())
