"""Loads RIFE's published contextnet into the trunk of a ContextNetEncoder: all of it, or an error that says why."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from lift_core.errors import WeightsError
from lift_core.model.contextnet import ContextNetEncoder

# A file written under DistributedDataParallel prefixes every name.
PARALLEL_PREFIX = "module."
# RIFE 4.0 to 4.4 keep the trunk within the flow network's file; earlier versions in a file of its own.
WITHIN_FLOWNET = "contextnet."

_FIX = "Use the flownet.pkl of RIFE 4.0 to 4.4, or the contextnet.pkl of an earlier one with 16 channels."


@dataclass(frozen=True)
class TrunkLoad:
    """What was loaded; as text, a sentence that tells it.

    Attributes:
        matched: tensors of the trunk that were filled from the file; all of them.
        total: tensors that the trunk has.
        left_out: other tensors of the file.
        prefix: what stood before the trunk's names in the file.
    """

    matched: int
    total: int
    left_out: int
    prefix: str

    def __str__(self) -> str:
        return (
            f"loaded {self.matched} of {self.total} trunk tensors from names that start with {self.prefix!r};"
            f" {self.left_out} other tensors of the file left out; the adapters are new"
        )


def load_contextnet(encoder: ContextNetEncoder, path: str | os.PathLike[str]) -> TrunkLoad:
    """Fill the trunk of ``encoder`` from one of RIFE's files. Nothing is changed unless every tensor fits.

    The names are ``contextnet.conv{1..4}.conv{1,2}.{0.weight,0.bias,1.weight}``; before them may stand ``module.``,
    and a file of the contextnet alone lacks ``contextnet.``.

    Args:
        encoder: whose trunk is filled; its adapters stay as they are.
        path: a ``.safetensors`` file, or what ``torch.save`` wrote (``.pkl``, ``.pth``). Only tensors are read from
            it: no code of the file runs.

    Raises:
        WeightsError: a file that is missing, damaged or of another kind, one of a RIFE without contextnet, or one
            whose contextnet lacks a tensor or has others.
    """
    file = Path(path)
    tensors = read_tensors(file)
    prefix = find_prefix(tensors, file)
    found = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    wanted = encoder.trunk.state_dict()
    check_fit(found, wanted, file, whole=prefix.endswith(WITHIN_FLOWNET))
    encoder.trunk.load_state_dict({name: found[name] for name in wanted}, strict=True)
    return TrunkLoad(len(wanted), len(wanted), len(tensors) - len(wanted), prefix)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The named tensors of a safetensors file, or of a pickled state dict read with ``weights_only=True``.

    Raises:
        WeightsError: no such file; a damaged one; one that holds anything but tensors by name.
    """
    if not path.is_file():
        raise WeightsError("there is no such file", where=path, fix=_FIX)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # Damaged bytes make torch's unpickler raise anything: EOFError, IndexError, ...
        raise WeightsError("the file is damaged, or holds more than tensors", where=path, fix=_FIX) from error
    if not isinstance(state, Mapping) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in state.items()
    ):
        raise WeightsError("the file holds no tensors by name", where=path, fix=_FIX)
    return dict(state)


def find_prefix(tensors: Mapping[str, Tensor], path: Path) -> str:
    """What stands before the trunk's own names (``conv1.conv1.0.weight`` and so on) in the file.

    Raises:
        WeightsError: no name in the file belongs to a contextnet.
    """
    parallel = PARALLEL_PREFIX if any(name.startswith(PARALLEL_PREFIX) for name in tensors) else ""
    for prefix in (parallel + WITHIN_FLOWNET, parallel):
        if any(name.startswith(f"{prefix}conv") for name in tensors):
            return prefix
    newer = any(".beta" in name or name.startswith(f"{parallel}encode.") for name in tensors)
    why = "RIFE 4.5 and later have none" if newer else "it is not one of RIFE's, or of a part without it"
    raise WeightsError(
        f"there is no contextnet among the {len(tensors)} tensors of this file (0 matched): {why}", where=path, fix=_FIX
    )


def check_fit(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], path: Path, *, whole: bool) -> None:
    """Compare names and shapes; ``whole`` says that every tensor of ``found`` belongs to a contextnet.

    Raises:
        WeightsError: with how many matched of how many, and the first difference of each kind.
    """
    missing = [name for name in wanted if name not in found]
    other = [name for name in wanted if name in found and found[name].shape != wanted[name].shape]
    # conv0 is the fifth scale of an older contextnet, whose conv1 would fit by name and see other features.
    unknown = [name for name in found if name not in wanted and (whole or name.startswith("conv"))]
    if not (missing or other or unknown):
        return
    matched = len(wanted) - len(missing) - len(other)
    said = [f"matched {matched} of {len(wanted)} tensors of the contextnet"]
    if missing:
        said.append(f"{len(missing)} missing, {missing[0]} first")
    if other:
        name = other[0]
        said.append(
            f"{len(other)} of another shape, {name} first: {list(found[name].shape)}, not {list(wanted[name].shape)}"
        )
    if unknown:
        said.append(f"{len(unknown)} unknown, {unknown[0]} first")
    raise WeightsError("; ".join(said), where=path, fix=_FIX)
