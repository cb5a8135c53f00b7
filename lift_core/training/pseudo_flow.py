"""Pseudo-labels for flow: classical flow between the true middle frame and each reference, and how far to trust it."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from lift_core.classical import dis_flow
from lift_core.model.padding import pad_to_multiple
from lift_core.model.start import to_images
from lift_core.model.warp import backward_warp

# Warping errors, in [0, 1] grey values, at which a label counts for 1/e of a perfect one.
ERROR_SCALE = 0.05


class PseudoFlow(NamedTuple):
    """Classical flows on the quarter grid of the padded frame.

    Attributes:
        flow: ``[B, 2, 2, H'/4, W'/4]`` in pixels of the full frame; dimension 1 is the reference (0 before, 1 after).
        confidence: ``[B, 2, 1, H'/4, W'/4]`` in (0, 1], 1 where warping by the flow gives the true frame.
    """

    flow: Tensor
    confidence: Tensor


def pseudo_flow(target: Tensor, references: Tensor, executor: Executor | None = None) -> PseudoFlow:
    """Flow by Dense Inverse Search from the true frame to both references.

    The true frame is known in training only, which makes this a far better label than flow between the references.

    Args:
        target: the true frame ``[B, 3, H, W]`` in [0, 1].
        references: ``[B, 2, 3, H, W]`` in [0, 1].
        executor: threads to compute samples side by side; OpenCV releases the interpreter's lock.

    Returns:
        Labels on the device of ``target``.
    """
    batch = target.shape[0]
    middle = to_images(target)
    sides = to_images(references.flatten(0, 1))
    pairs = [(middle[index // 2], sides[index]) for index in range(2 * batch)]
    flows = list(executor.map(_flow, pairs)) if executor is not None else [_flow(pair) for pair in pairs]
    flow = torch.from_numpy(np.stack(flows)).permute(0, 3, 1, 2).to(target.device)
    warped = backward_warp(references.flatten(0, 1), flow)
    error = (warped - target.repeat_interleave(2, dim=0)).abs().mean(dim=1, keepdim=True)
    confidence = torch.exp(-error / ERROR_SCALE)
    return PseudoFlow(_quarter(flow).unflatten(0, (batch, 2)), _quarter(confidence).unflatten(0, (batch, 2)))


def _flow(pair: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> NDArray[np.float32]:
    return dis_flow(pair[0], pair[1], preset="fast")


def _quarter(maps: Tensor) -> Tensor:
    return F.avg_pool2d(pad_to_multiple(maps), 4)
