"""The choice of a method: from names or weights, and how they are to run, to what makes frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import torch

from lift_core.errors import ConfigError
from lift_core.inference.ensembles import MIRROR_IMAGES, Ensemble, SelfEnsemble, SelfEnsembling
from lift_core.inference.lift_method import LiftMethod, Precision
from lift_core.inference.methods import BASELINES, BaselineMethod, Method
from lift_core.model.weights import load_lift

Name = str | Path


@dataclass(frozen=True)
class MethodOptions:
    """How a LIFT model runs; the baselines have no options.

    Attributes:
        context: T; by default the model's own.
        device: ``auto`` (a GPU where there is one), ``cpu``, ``cuda``, …; several, with commas between, are dealt out
            to the members of an ensemble.
        precision: ``fp32``, ``bf16`` or ``fp16``, see `LiftMethod`.
        memory: bytes that interpolation may take; by default most of what is free. Members of an ensemble on one device
            share them.
        self_ensemble: ``none``, ``reversal`` or ``full``, see `SelfEnsemble`.
        parallel: run the members of an ensemble at the same time.
    """

    context: int | None = None
    device: str = "auto"
    precision: Precision = "fp32"
    memory: int | None = None
    self_ensemble: SelfEnsembling = "none"
    parallel: bool = False

    def __post_init__(self) -> None:
        if self.memory is not None and self.memory < 1:
            raise ConfigError(f"{self.memory} bytes of memory hold nothing.", fix="Allow some, or leave it out.")
        for value, kind in ((self.precision, Precision), (self.self_ensemble, SelfEnsembling)):
            if value not in get_args(kind):
                raise ConfigError(f"{value!r} is no such option.", fix=f"Choose one of {', '.join(get_args(kind))}.")


def make_method(names: Name | Sequence[Name], options: MethodOptions | None = None) -> Method:
    """Make the method that a name stands for, or the ensemble of several.

    Args:
        names: each a baseline (``blend``, ``dis``, ``quadratic``), a preset with bundled weights such as ``lift_tiny``,
            or the path of a model's weights (``.safetensors``), of a checkpoint, or of a training run's folder;
            ``runs/a+runs/b`` names both.
        options: how it runs.

    Raises:
        ConfigError: no name, a device that this machine lacks, or options that the method cannot use.
        WeightsError: weights that are missing, damaged, or not bundled.
    """
    options = options or MethodOptions()
    several = [part for name in ([names] if isinstance(names, str | Path) else names) for part in _parts(name)]
    if not several:
        raise ConfigError("no method is named.", fix="Name one, such as lift_tiny.")
    devices = [choose_device(name.strip()) for name in options.device.split(",")]
    placed = [(name, devices[number % len(devices)]) for number, name in enumerate(several)]
    learnt = Counter(device for name, device in placed if str(name) not in BASELINES)
    members = [_one(name, device, learnt[device], options) for name, device in placed]
    return members[0] if len(members) == 1 else Ensemble(members, parallel=options.parallel)


def choose_device(name: str) -> torch.device:
    """The device called ``name``; ``auto`` is a GPU where there is one, else the CPU.

    Raises:
        ConfigError: torch does not know the device, or the machine lacks it.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"device {name!r} cannot be used: {reason}", fix="Try --device cpu.") from error
    return device


def _parts(name: Name) -> list[Name]:
    """What stands between the plus signs of a name, unless a file has that name."""
    return [name] if Path(name).exists() else list(str(name).split("+"))


def _one(name: Name, device: torch.device, sharers: int, options: MethodOptions) -> Method:
    if str(name) in BASELINES:
        looks_at = BASELINES[str(name)].context
        if options.context not in (None, looks_at):
            raise ConfigError(f"{name} looks at {looks_at} frames, not {options.context}.", fix="Leave it out.")
        return BaselineMethod(str(name))
    method = LiftMethod(
        load_lift(name),
        context=options.context,
        device=device,
        precision=options.precision,
        memory=options.memory,
        sharers=sharers * (MIRROR_IMAGES if options.self_ensemble == "full" else 1),
    )
    return method if options.self_ensemble == "none" else SelfEnsemble(method, options.self_ensemble)
