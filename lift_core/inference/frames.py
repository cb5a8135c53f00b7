"""The two kinds of frame that interpolation takes and gives back, and the ways between them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lift_core.errors import ShapeError

Image = NDArray[np.uint8]
Frame = Image | Tensor
"""uint8 RGB ``[H, W, 3]`` (numpy), or float RGB ``[3, H, W]`` in [0, 1] (torch)."""


def check_frame(frame: Frame) -> None:
    """Refuse what is not one RGB frame of either kind.

    Raises:
        ShapeError: another shape or type, or a frame without pixels.
    """
    if isinstance(frame, Tensor):
        known = frame.ndim == 3 and frame.shape[0] == 3 and frame.is_floating_point() and frame.numel() > 0
    elif isinstance(frame, np.ndarray):
        known = frame.ndim == 3 and frame.shape[2] == 3 and frame.dtype == np.uint8 and frame.size > 0
    else:
        known = False
    if not known:
        raise ShapeError(
            f"{_in_words(frame)} is not one RGB frame.",
            fix="Pass numpy uint8 [H, W, 3] or torch float [3, H, W] in [0, 1].",
        )


def _in_words(thing: object) -> str:
    if isinstance(thing, Tensor | np.ndarray):
        return f"a {type(thing).__name__} of shape {list(thing.shape)} and type {thing.dtype}"
    return f"a {type(thing).__name__}"


def to_image(frame: Frame) -> Image:
    """Bring a frame to uint8 ``[H, W, 3]``, clamped and rounded."""
    if not isinstance(frame, Tensor):
        return frame
    rounded = frame.detach().to(torch.float32).clamp(0, 1).mul(255).round().to(torch.uint8)
    return np.ascontiguousarray(rounded.permute(1, 2, 0).cpu().numpy())


def to_batch(frame: Frame, device: torch.device) -> Tensor:
    """Bring a frame to float32 ``[1, 3, H, W]`` in [0, 1] on ``device``."""
    if isinstance(frame, Tensor):
        return frame.detach().to(device, torch.float32)[None]
    # torch takes no array that cannot be written to, such as one that PIL lends.
    pixels = torch.from_numpy(np.require(frame, requirements=["C", "W"])).to(device)
    return pixels.permute(2, 0, 1)[None].to(torch.float32, memory_format=torch.contiguous_format).div_(255)


def image_as(image: Image, like: Frame) -> Frame:
    """Give an image the kind, type and device of ``like``."""
    if not isinstance(like, Tensor):
        return image
    return torch.from_numpy(image).permute(2, 0, 1).to(like.device).to(like.dtype).div(255)


def batch_as(batch: Tensor, like: Frame) -> Frame:
    """Give the only frame of ``batch`` ``[1, 3, H, W]`` the kind, type and device of ``like``."""
    if not isinstance(like, Tensor):
        return to_image(batch[0])
    return batch[0].to(like.device, like.dtype)


def same_frame(a: Frame, b: Frame) -> bool:
    """Whether two frames of one kind and size are equal to the last bit."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return torch.equal(a, b)
    return np.array_equal(to_image(a), to_image(b))
