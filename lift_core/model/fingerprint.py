"""weights_fingerprint: a short text that tells a module and its weights from all others."""

from __future__ import annotations

import hashlib

import torch
from torch import nn


def weights_fingerprint(module: nn.Module) -> str:
    """32 hex digits of what a module is made of and of every parameter and buffer that it saves.

    They depend on the class, on the layers as torch prints them (strides and slopes among them), and on names, dtypes,
    shapes and bytes of the tensors; not on the device. Code that changes without a trace in these is not seen.

    Args:
        module: an encoder, say.
    """
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{type(module).__qualname__}\n{module!r}\n".encode())
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
