"""The motion that stage 3 starts from, where a model was trained to start from classical flow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lift_core.classical import Floats, Image, PairFlow, PairPath, dis_flow
from lift_core.model.ifnet import CELL, Motion

LARGEST = 1280 * 736
"""Pixels of the largest pictures on which motion is found; those of larger frames are a half or a quarter as
wide. The quarter grid keeps no more, and the search then ends at the pictures' full size instead of at half of it."""

MOST_UNEQUAL = 4.2
"""Frames around a pair are looked at for acceleration where their gap to it is at most so many times the pair's, or the
pair's so many times theirs. From frames too close errors of flow would be scaled up, and those too far tell little.
Between the ratios that occur, so that rounding decides nothing."""


@dataclass(frozen=True)
class ClassicalStart:
    """Motion by Dense Inverse Search between pairs of references: found once, it serves every time between them.

    It is computed on the CPU, in 8 bits; no gradient flows through it.

    Attributes:
        paths: one for each pair.
        reduction: by how much the pictures are smaller than the frames: 1, 2 or 4.
        device: of what `at` gives.
    """

    paths: tuple[PairPath, ...]
    reduction: int
    device: torch.device

    @classmethod
    def find(cls, frames: Tensor, times: Tensor, valid: Tensor, *, bent: bool) -> ClassicalStart:
        """Find the motion between the references of windows.

        Args:
            frames: ``[B, T, 3, H, W]`` in [0, 1], H and W multiples of 4.
            times: ``[B, T]``, see `LIFT.forward`.
            valid: ``[B, T]`` bool.
            bent: whether the frames before and after the references bend the way.
        """
        middle = around_references(frames.shape[1])
        reduction = reduction_of(frames.shape[-2], frames.shape[-1])
        paths = [
            path_between(pictures(window), moments, known, bent=bent, find_flow=partial(flow_on_pictures, reduction))
            for window, moments, known in zip(
                frames[:, middle], times[:, middle].tolist(), valid[:, middle].tolist(), strict=True
            )
        ]
        return cls(tuple(paths), reduction, frames.device)

    def at(self, t: Tensor | float) -> Motion:
        """The motion at ``t``, one for all or B of them, strictly between 0 and 1, on a grid of H/4 x W/4 cells."""
        moments = t.flatten().tolist() if isinstance(t, Tensor) else [t] * len(self.paths)
        found = [path.at(moment) for path, moment in zip(self.paths, moments, strict=True)]
        to_first, to_second, logits = (torch.from_numpy(np.stack(parts)) for parts in zip(*found, strict=True))
        side = CELL // self.reduction
        # In cells of the quarter grid: `side` pixels of the pictures are a cell's.
        flows = (F.avg_pool2d(flow.permute(0, 3, 1, 2), side) / side for flow in (to_first, to_second))
        return Motion(*(part.to(self.device) for part in (*flows, F.avg_pool2d(logits.unsqueeze(1), side))))


def around_references(length: int) -> slice:
    """Of a window of ``length`` frames the references, and where there is one the frame before and after them."""
    reach = min(length // 2, 2)
    return slice(length // 2 - reach, length // 2 + reach)


def path_between(
    images: Sequence[Image],
    times: Sequence[float],
    valid: Sequence[bool],
    *,
    bent: bool,
    find_flow: Callable[[Image, Image], Floats],
) -> PairPath:
    """The way between the two images in the middle, bent by the outer two unless their times are too unequal.

    Args:
        images: two or four, of one size.
        times: of each, in units of the gap in the middle.
        valid: whether each is known; the two in the middle are.
        bent: whether the outer two bend the way.
        find_flow: `flow_on_pictures` for their reduction.
    """
    first = len(images) // 2 - 1
    flow = PairFlow.find(images[first], images[first + 1], find_flow)
    if not bent or len(images) < 4:
        return PairPath(flow)
    gaps = times[1] - times[0], times[3] - times[2]
    before, after = (
        (image, gap) if known and 1 / MOST_UNEQUAL <= gap <= MOST_UNEQUAL else None
        for image, gap, known in zip((images[0], images[3]), gaps, (valid[0], valid[3]), strict=True)
    )
    return PairPath.find(flow, before, after, find_flow)


def flow_on_pictures(reduction: int, a: Image, b: Image) -> Floats:
    """DIS flow between two of the `pictures`, which are smaller than the frames by ``reduction``."""
    return dis_flow(a, b, finest_scale=1 if reduction == 1 else 0)


def pictures(frames: Tensor) -> list[Image]:
    """Frames ``[N, 3, H, W]`` in [0, 1] as images in 8 bits, in the size at which motion is found between them."""
    reduction = reduction_of(frames.shape[-2], frames.shape[-1])
    # A mean over 1 x 1 pixels would be the frames themselves, computed at length.
    return to_images(frames if reduction == 1 else F.avg_pool2d(frames.detach(), reduction))


def reduction_of(height: int, width: int) -> int:
    """By how much frames are made smaller before their motion is found: 1, 2 or 4."""
    return next((share for share in (1, 2) if height * width <= LARGEST * share**2), CELL)


def to_images(frames: Tensor) -> list[Image]:
    """Frames ``[N, 3, H, W]`` in [0, 1] as N RGB uint8 images ``[H, W, 3]``."""
    quantised = (frames.detach() * 255.0).round().clamp(0, 255).to(torch.uint8)
    return list(quantised.permute(0, 2, 3, 1).contiguous().cpu().numpy())
