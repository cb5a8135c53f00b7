"""Tensors in a safetensors file with facts and a checksum, so that a damaged file is told from a whole one."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from lift_core.atomic import atomic_file
from lift_core.data.checked_json import parse_json
from lift_core.errors import DatasetError

# One entry only: safetensors writes several in an order that changes, and equal contents should be equal files.
_ENTRY = "lift"
_CHECKSUM = "crc32"


def write_tensors(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write tensors and facts as one file, which appears when it is complete.

    Args:
        path: becomes the file.
        tensors: on the CPU.
        facts: whatever JSON can hold, by name.

    Raises:
        OutputError: the place cannot be written to.
    """
    whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
    entry = json.dumps({**facts, _CHECKSUM: _checksum(whole, facts)})
    # safetensors' own save_file leaves a temporary file of a random name behind where it is killed.
    content = save(whole, {_ENTRY: entry})
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `write_tensors` wrote: the tensors and the facts. Every byte is compared with the checksum.

    Raises:
        FileNotFoundError: no such file.
        DatasetError: a file that is cut short, changed, or of another kind.
    """
    try:
        with safe_open(path, "pt") as file:
            facts = dict(parse_json((file.metadata() or {})[_ENTRY]))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
    except FileNotFoundError:
        raise
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, str(error)) from error
    expected = facts.pop(_CHECKSUM, None)
    if _checksum(tensors, facts) != expected:
        raise _damaged(path, "its checksum is another")
    return tensors, facts


def _checksum(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> int:
    found = zlib.crc32(json.dumps(facts, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        found = zlib.crc32(f"{name} {tensor.dtype} {list(tensor.shape)}".encode(), found)
        # numpy has no bfloat16, and bytes are all that is wanted.
        found = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, found)
    return found


def _damaged(path: Path, why: str) -> DatasetError:
    return DatasetError(f"the file is damaged ({why})", where=path, fix="Delete it; it will be made anew.")
