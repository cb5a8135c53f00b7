"""Padding of frames to a multiple of 32 pixels, and cropping back."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

# The deepest scale is a sixteenth and the transformer joins 2x2 of its cells to a token.
MULTIPLE = 32


def pad_to_multiple(frames: Tensor, multiple: int = MULTIPLE) -> Tensor:
    """Repeat the last row and column of ``frames`` ``[N, C, H, W]`` until both sides are a multiple of ``multiple``."""
    height, width = frames.shape[-2:]
    bottom, right = -height % multiple, -width % multiple
    if bottom == 0 and right == 0:
        return frames
    return F.pad(frames, (0, right, 0, bottom), mode="replicate")


def crop_to(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Undo ``pad_to_multiple``: the top left ``size`` (height, width) of ``image`` ``[..., H, W]``."""
    return image[..., : size[0], : size[1]]
