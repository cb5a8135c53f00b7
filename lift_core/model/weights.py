"""Weights of LIFT for others: safetensors with the config inside, bundled by preset or read from a path."""

from __future__ import annotations

import json
import os
from importlib.resources import as_file, files
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from lift_core.atomic import atomic_file
from lift_core.errors import ConfigError, WeightsError
from lift_core.model.config import PRESETS, LiftConfig
from lift_core.model.lift import LIFT

FORMAT = "lift-weights-1"
# One entry only: safetensors writes several in an order that changes, and equal weights should be equal files.
HEADER = "lift"
FINAL_WEIGHTS = "weights.safetensors"


def load_lift(name_or_path: str | os.PathLike[str], device: torch.device | str = "cpu") -> LIFT:
    """A trained LIFT in eval mode.

    Args:
        name_or_path: a preset whose weights are bundled, a ``.safetensors`` file written by ``save_weights``, the
            folder of a training run (its last weights), or one of its checkpoints (``.pt``, the averaged weights).
        device: where the model goes.

    Raises:
        WeightsError: no such weights; a file that is damaged, of another kind, or made for another model.
    """
    name = os.fspath(name_or_path)
    if name in PRESETS:
        return _load_bundled(name).to(device)
    path = Path(name)
    if path.is_dir():
        path = path / FINAL_WEIGHTS
    if not path.is_file():
        raise WeightsError(
            "there are no weights here",
            where=name,
            fix=f"Name a .safetensors file, a training run's folder, or one of {', '.join(bundled_presets())}.",
        )
    return _load_file(path).to(device)


def bundled_presets() -> list[str]:
    """The presets whose weights come with the package."""
    return [name for name in PRESETS if files("lift_core.weights").joinpath(f"{name}.safetensors").is_file()]


def _load_bundled(name: str) -> LIFT:
    resource = files("lift_core.weights").joinpath(f"{name}.safetensors")
    if not resource.is_file():
        raise WeightsError(
            f"no weights are bundled for {name}",
            fix=f"Train some with `lift train --preset {name}` and name their folder, or use one of: "
            f"{', '.join(bundled_presets())}.",
        )
    with as_file(resource) as path:
        return _load_file(path)


def _load_file(path: Path) -> LIFT:
    config, tensors = _read_checkpoint(path) if path.suffix == ".pt" else read_weights(path)
    model = LIFT(config)
    try:
        model.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        detail = str(error).splitlines()
        raise WeightsError(
            f"the tensors do not fit the model they name: {' '.join(detail[:2])}",
            where=path,
            fix="Use the lift_core version that wrote the file.",
        ) from error
    return model.eval()


def read_weights(path: Path) -> tuple[LiftConfig, dict[str, Tensor]]:
    """The config and the tensors of a file that ``save_weights`` wrote. Nothing is unpickled.

    Raises:
        WeightsError: the file is damaged or of another kind.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get(HEADER, "{}"))
            if header.get("format") != FORMAT:
                raise WeightsError(
                    f"this is not a file of LIFT weights of format {FORMAT} (it says {header.get('format')!r})",
                    where=path,
                    fix="Weights are written by `lift train` and by lift_core.model.weights.save_weights.",
                )
            config = LiftConfig.from_dict(header["config"])
            return config, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise WeightsError(f"the file is damaged: {error}", where=path, fix="Copy or train it again.") from error
    except ConfigError as error:
        raise WeightsError(error.what, where=path, fix=error.fix) from error


def _read_checkpoint(path: Path) -> tuple[LiftConfig, dict[str, Tensor]]:
    """The config and the averaged weights of a training checkpoint; only tensors and plain values are accepted."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        prefix = "module."
        average = {name.removeprefix(prefix): t for name, t in state["average"].items() if name.startswith(prefix)}
        return LiftConfig.from_dict(state["model_config"]), average
    except Exception as error:  # Damaged bytes make torch's unpickler raise anything: KeyError, IndexError, ...
        raise WeightsError(
            "this is not a whole checkpoint of a training run",
            where=path,
            fix="Name another checkpoint of the run, or its folder.",
        ) from error


def save_weights(model: LIFT, path: Path, dtype: torch.dtype = torch.float32) -> None:
    """Write parameters, buffers and config of ``model`` to a safetensors file, whole or not at all.

    Args:
        model: what to write.
        path: the file.
        dtype: of the tensors in the file; float16 halves it. They are read into a float32 model either way.

    Raises:
        OutputError: the place cannot be written to.
    """
    tensors = {name: tensor.detach().to("cpu", dtype).contiguous() for name, tensor in model.state_dict().items()}
    header = json.dumps({"format": FORMAT, "config": model.config.to_dict()}, sort_keys=True)
    with atomic_file(path) as temporary:
        temporary.write_bytes(save(tensors, {HEADER: header}))


def load_matching(model: LIFT, path_or_name: str) -> int:
    """Start ``model`` from other weights: every tensor whose name and shape fit; the encoder must fit whole.

    Returns:
        The number of tensors loaded.

    Raises:
        WeightsError: the file's encoder does not fit the model's.
    """
    donor = load_lift(path_or_name).state_dict()
    own = model.state_dict()
    fitting = {name: tensor for name, tensor in donor.items() if name in own and own[name].shape == tensor.shape}
    missing = [name for name in own if name.startswith("encoder.") and name not in fitting]
    if missing:
        raise WeightsError(
            f"{len(missing)} encoder tensors do not fit, {missing[0]} first",
            where=path_or_name,
            fix="Start from weights of a preset with the same encoder widths.",
        )
    model.load_state_dict({**own, **fitting}, strict=True)
    return len(fitting)
