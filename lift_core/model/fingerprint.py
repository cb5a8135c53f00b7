"""weights_fingerprint: a short text that tells a module and its weights from all others."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn


def weights_fingerprint(module: nn.Module) -> str:
    """32 hex digits of what a module is made of and of all that it saves: parameters, buffers, extra state.

    They depend on the class, on the layers as torch prints them (strides and slopes among them), and on names, dtypes,
    shapes and bytes of the tensors; not on the device. Extra state (`nn.Module.get_extra_state`) may be tensors, in
    dictionaries and lists too, and whatever pickle takes. Code that changes without a trace in these is not seen.

    Args:
        module: an encoder, say.
    """
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{type(module).__qualname__}\n{module!r}\n".encode())
    for name, value in sorted(module.state_dict().items()):
        for part in _parts(name, value):
            digest.update(part)
    return digest.hexdigest()


def _parts(name: str, value: object) -> Iterator[bytes | memoryview]:
    """What tells a saved value from others."""
    if isinstance(value, Tensor):
        yield f"{name} {value.dtype} {list(value.shape)}\n".encode()
        yield value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data
    elif isinstance(value, Mapping | list | tuple):
        items = list(value.items() if isinstance(value, Mapping) else enumerate(value))
        yield f"{name} {type(value).__name__} of {len(items)}\n".encode()
        for key, each in items:
            yield from _parts(f"{name}.{key!r}", each)
    else:
        content = pickle.dumps(value, protocol=4)
        yield f"{name} {type(value).__name__} {len(content)}\n".encode()
        yield content
