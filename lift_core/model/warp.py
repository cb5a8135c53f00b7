"""Backward warping of images and features by a flow, and resizing of flows."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def backward_warp(image: Tensor, flow: Tensor) -> Tensor:
    """Sample ``image`` at every pixel's position plus its flow: bilinear, border pixels repeated outside.

    The sampling grid is built in float32 whatever the type of ``image``: in float16 its positions would err by
    half a pixel on a frame of 4K width.

    Args:
        image: ``[B, C, H, W]``, any float type.
        flow: ``[B, 2, H, W]`` in pixels of this grid; channel 0 points right, channel 1 down.

    Returns:
        ``[B, C, H, W]`` in the type of ``image``; its pixel at ``(y, x)`` is ``image`` at
        ``(y + flow[1], x + flow[0])``. It is not a number where the flow is not.
    """
    height, width = image.shape[-2:]
    rows = torch.arange(height, device=image.device, dtype=torch.float32).view(1, height, 1)
    columns = torch.arange(width, device=image.device, dtype=torch.float32).view(1, 1, width)
    shift = flow.float()
    # grid_sample counts from -1 at the first pixel's centre to +1 at the last one's (align_corners=True).
    grid_x = (columns + shift[:, 0]) * (2.0 / max(width - 1, 1)) - 1.0
    grid_y = (rows + shift[:, 1]) * (2.0 / max(height - 1, 1)) - 1.0
    grid = torch.stack((grid_x, grid_y), dim=-1)
    # With border padding grid_sample makes a plain colour of a position that is not a number, and its backward pass on
    # a CPU reads beyond the image there and can crash (torch 2.13).
    unknown = torch.isnan(grid)
    grid = grid.masked_fill(unknown, 0.0)
    warped = F.grid_sample(image.float(), grid, mode="bilinear", padding_mode="border", align_corners=True)
    return warped.masked_fill(unknown.any(dim=-1)[:, None], torch.nan).to(image.dtype)


def resize_flow(flow: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize a flow to another grid; its values scale with the resolution, because they are in pixels.

    Args:
        flow: ``[B, 2, h, w]`` in pixels of its own grid.
        size: height and width of the new grid.

    Returns:
        ``[B, 2, *size]`` in pixels of the new grid, float32.
    """
    height, width = flow.shape[-2:]
    if (height, width) == size:
        return flow.float()
    resized = F.interpolate(flow.float(), size=size, mode="bilinear", align_corners=False)
    return torch.cat((resized[:, :1] * (size[1] / width), resized[:, 1:] * (size[0] / height)), dim=1)
