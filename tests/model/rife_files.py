"""State dicts with exactly the names and shapes of RIFE's files, of random values."""

from __future__ import annotations

import torch

# Written out from the published files, not from the code under test.
CONTEXTNET_SHAPES: dict[str, tuple[int, ...]] = {
    "conv1.conv1.0.weight": (16, 3, 3, 3),
    "conv1.conv1.0.bias": (16,),
    "conv1.conv1.1.weight": (16,),
    "conv1.conv2.0.weight": (16, 16, 3, 3),
    "conv1.conv2.0.bias": (16,),
    "conv1.conv2.1.weight": (16,),
    "conv2.conv1.0.weight": (32, 16, 3, 3),
    "conv2.conv1.0.bias": (32,),
    "conv2.conv1.1.weight": (32,),
    "conv2.conv2.0.weight": (32, 32, 3, 3),
    "conv2.conv2.0.bias": (32,),
    "conv2.conv2.1.weight": (32,),
    "conv3.conv1.0.weight": (64, 32, 3, 3),
    "conv3.conv1.0.bias": (64,),
    "conv3.conv1.1.weight": (64,),
    "conv3.conv2.0.weight": (64, 64, 3, 3),
    "conv3.conv2.0.bias": (64,),
    "conv3.conv2.1.weight": (64,),
    "conv4.conv1.0.weight": (128, 64, 3, 3),
    "conv4.conv1.0.bias": (128,),
    "conv4.conv1.1.weight": (128,),
    "conv4.conv2.0.weight": (128, 128, 3, 3),
    "conv4.conv2.0.bias": (128,),
    "conv4.conv2.1.weight": (128,),
}


def contextnet_state(seed: int = 0) -> dict[str, torch.Tensor]:
    """The contextnet alone, without a prefix."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(shape, generator=generator) / (shape[1] * 9 if len(shape) == 4 else 4) ** 0.5
        for name, shape in CONTEXTNET_SHAPES.items()
    }


def flownet_state(prefix: str = "") -> dict[str, torch.Tensor]:
    """A flow network of RIFE 4.0 to 4.4: blocks, the contextnet, the U-net."""
    blocks = {"block0.conv0.0.0.weight": torch.zeros(45, 6, 3, 3), "block0.conv0.0.1.weight": torch.zeros(45)}
    unet = {"unet.down0.conv1.0.weight": torch.zeros(32, 17, 3, 3), "unet.conv.weight": torch.zeros(3, 32, 3, 3)}
    context = {f"contextnet.{name}": tensor for name, tensor in contextnet_state().items()}
    return {f"{prefix}{name}": tensor for name, tensor in (blocks | context | unet).items()}


def newer_flownet_state() -> dict[str, torch.Tensor]:
    """A flow network of RIFE 4.5 or later: other blocks, a small encoder, no contextnet."""
    return {
        "module.block0.conv0.0.0.weight": torch.zeros(96, 7, 3, 3),
        "module.block0.convblock.0.beta": torch.zeros(1, 192, 1, 1),
        "module.block0.convblock.0.conv.weight": torch.zeros(192, 192, 3, 3),
        "module.encode.cnn0.weight": torch.zeros(16, 3, 3, 3),
    }
