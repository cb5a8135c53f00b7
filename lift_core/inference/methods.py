"""Ways to make a frame between two others, behind one interface: blend, dis, and LIFT."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from lift_core.classical import blend, interpolate_dis
from lift_core.errors import ConfigError
from lift_core.inference.frames import Frame, Image, batch_as, image_as, to_batch, to_image
from lift_core.model.lift import LIFT, ReferenceFeatures, WindowFeatures
from lift_core.model.weights import load_lift

BASELINES: dict[str, Callable[[Image, Image, float], Image]] = {"blend": blend, "dis": interpolate_dis}

Draw = Callable[[float], Frame]
"""Makes the frame at a time strictly between 0 and 1."""


@dataclass(frozen=True)
class Window:
    """What a method knows of the frames around a pair.

    Attributes:
        features: T results of ``Method.encode``; those at invalid positions carry no meaning.
        times: T times relative to the pair's midpoint, in units of its gap.
        valid: T flags; the pair itself, at T/2 - 1 and T/2, is valid.
    """

    features: Sequence[Any]
    times: Sequence[float]
    valid: Sequence[bool]


class Method(Protocol):
    """One way to interpolate. A stream calls ``encode`` and ``encode_reference`` at most once for each frame,
    ``between`` once for each pair, and what that returns once for each new frame."""

    @property
    def name(self) -> str:
        """What tables call it."""

    @property
    def context(self) -> int:
        """T, the number of frames of the window; even."""

    def encode(self, frame: Frame) -> Any:
        """What the window keeps of a frame."""

    def encode_reference(self, frame: Frame) -> Any:
        """What is needed of a frame while it is one of the pair."""

    def between(self, first: Any, second: Any, window: Window) -> Draw:
        """Prepare a pair, given its two results of ``encode_reference``; new frames have the kind of the first."""


@dataclass(frozen=True)
class BaselineMethod:
    """A method that looks at the two references only and works in 8 bits.

    Attributes:
        name: key of ``BASELINES``.
    """

    name: str
    context: int = 2

    def encode(self, frame: Frame) -> None:
        """Nothing: there is no context."""

    def encode_reference(self, frame: Frame) -> Frame:
        """The frame itself."""
        return frame

    def between(self, first: Frame, second: Frame, window: Window) -> Draw:
        """Interpolate the 8-bit images whenever a frame is asked for."""
        return lambda t: image_as(BASELINES[self.name](to_image(first), to_image(second), t), first)


@dataclass(frozen=True)
class _LiftReference:
    frame: Frame
    features: ReferenceFeatures


class LiftMethod:
    """A LIFT model in eval mode.

    Args:
        model: the model; it is moved to ``device``.
        context: T; by default what the model's configuration says.
        device: where the model runs.

    Raises:
        ConfigError: an odd ``context``, or one below 2.
    """

    def __init__(self, model: LIFT, *, context: int | None = None, device: torch.device | None = None) -> None:
        self.device = device or torch.device("cpu")
        self.model = model.to(self.device).eval()
        self.name = model.config.name
        self.context = model.config.context if context is None else context
        if self.context < 2 or self.context % 2:
            raise ConfigError(f"a context of {self.context} frames.", fix="Choose an even number, at least 2.")

    @torch.inference_mode()
    def encode(self, frame: Frame) -> Tensor:
        """s16 features ``[C, H/16, W/16]``."""
        return self.model.encode_frames(to_batch(frame, self.device))[0]

    @torch.inference_mode()
    def encode_reference(self, frame: Frame) -> _LiftReference:
        """The frame with its features at all scales."""
        return _LiftReference(frame, self.model.encode_reference(to_batch(frame, self.device)))

    @torch.inference_mode()
    def between(self, first: _LiftReference, second: _LiftReference, window: Window) -> Draw:
        """Aggregate the window once; each new frame is one decoding."""
        features = WindowFeatures(torch.stack(list(window.features))[None], first.features, second.features)
        aggregate = self.model.aggregate(
            features,
            torch.tensor([window.times], dtype=torch.float32, device=self.device),
            torch.tensor([window.valid], device=self.device),
        )

        @torch.inference_mode()
        def draw(t: float) -> Frame:
            output = self.model.decode(features, aggregate, t)
            return batch_as(output.frame, first.frame)

        return draw


def make_method(name: str | Path, *, context: int | None = None, device: str = "auto") -> Method:
    """Make the method that ``name`` stands for.

    Args:
        name: ``blend``, ``dis``, a preset with bundled weights such as ``lift_tiny``, or the path of a model's weights
            (``.safetensors``), of a checkpoint, or of a training run's folder.
        context: T for a LIFT model; by default the model's own.
        device: ``auto`` (a GPU where there is one), ``cpu``, ``cuda``, ``cuda:1``, …

    Raises:
        ConfigError: a device that this machine lacks, or a context that the method cannot use.
        WeightsError: weights that are missing, damaged, or not bundled.
    """
    if str(name) in BASELINES:
        if context not in (None, 2):
            raise ConfigError(f"{name} looks at 2 frames, not {context}.", fix="Leave the context out.")
        return BaselineMethod(str(name))
    return LiftMethod(load_lift(name), context=context, device=choose_device(device))


def choose_device(name: str) -> torch.device:
    """The device called ``name``; ``auto`` is a GPU where there is one, else the CPU.

    Raises:
        ConfigError: torch does not know the device, or the machine lacks it.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"device {name!r} cannot be used: {reason}", fix="Try --device cpu.") from error
    return device
