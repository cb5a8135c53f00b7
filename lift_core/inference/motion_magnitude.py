"""Motion magnitude: how far things move between a hidden frame's two neighbours, and its class: small to large."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lift_core.classical import dis_flow

Magnitude = Literal["small", "medium", "large"]
MAGNITUDES: tuple[Magnitude, ...] = get_args(Magnitude)

SMALL_BELOW_PX, LARGE_FROM_PX = 4.0, 16.0
"""Bounds of the classes in pixels; see `magnitude_class`."""

_PERCENTILE = 95


def motion_px(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """How far things move from one frame to another: the 95th percentile of the length of DIS flow, in pixels.

    A percentile, because the mean drowns a person who walks before a still wall, and the maximum is a mistake of the
    flow; the 95th, so that what covers a twentieth of the picture is seen. What is smaller is not, a hand that waves
    in a still picture for one; PSNR, a mean over all pixels, hardly sees it either. Pixels of the frames as they are
    compared, not shares of the picture: how far a method can follow is counted in pixels, and the same scene at twice
    the size is the harder task.

    Args:
        first, second: the neighbours of a hidden frame, RGB uint8 ``[H, W, 3]`` of one size.

    Raises:
        ShapeError: other images.
    """
    flow = dis_flow(first, second)
    return float(np.percentile(np.hypot(flow[..., 0], flow[..., 1]), _PERCENTILE))


def magnitude_class(pixels: float) -> Magnitude:
    """The class of a motion: small below 4 pixels, medium below 16, large from there on.

    The bounds are round numbers with a meaning for networks that compare features at 1/4 to 1/16 of the frame's size:
    a small motion stays within one cell of the finest grid, a large one leaves a cell of the coarsest.
    """
    if pixels < SMALL_BELOW_PX:
        return "small"
    return "medium" if pixels < LARGE_FROM_PX else "large"


def magnitude_in_words(magnitude: Magnitude) -> str:
    """The class with its bounds, as tables name it."""
    return {
        "small": f"small (< {SMALL_BELOW_PX:g} px)",
        "medium": f"medium ({SMALL_BELOW_PX:g} to {LARGE_FROM_PX:g} px)",
        "large": f"large (≥ {LARGE_FROM_PX:g} px)",
    }[magnitude]
