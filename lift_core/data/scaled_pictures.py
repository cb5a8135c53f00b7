"""Pictures at another size: each new pixel is the mean of the area that it covers."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from lift_core.errors import ShapeError


def scale_pictures(pictures: Tensor, scale: float) -> Tensor:
    """Pictures ``[N, C, H, W]`` at a scale of at most 1, see `resize_pictures`."""
    return resize_pictures(pictures, scaled_size(pictures.shape[-2], pictures.shape[-1], scale))


def resize_pictures(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    """Pictures ``[N, C, H, W]`` at another height and width; those that have it are returned as they are.

    Each new pixel is the mean of the area that it covers; where the pictures grow in height or width, bilinear.

    Args:
        pictures: floating-point, or uint8: these are scaled as float32 and rounded, halves to the even number.
        size: height and width.

    Raises:
        ShapeError: pictures of another dtype.
    """
    height, width = pictures.shape[-2:]
    if size == (height, width):
        return pictures
    if pictures.dtype == torch.uint8:
        return resize_pictures(pictures.float(), size).round_().to(torch.uint8)
    if not pictures.is_floating_point():
        raise ShapeError(f"pictures of {pictures.dtype} cannot be scaled", fix="Give them as uint8 or floating-point.")
    if size[0] > height or size[1] > width:
        return interpolate(pictures, size=size, mode="bilinear", align_corners=False)
    return interpolate(pictures, size=size, mode="area")


def scaled_size(height: int, width: int, scale: float) -> tuple[int, int]:
    """Height and width at a scale, rounded, halves up, at least 1."""
    return max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5))
