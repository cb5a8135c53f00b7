"""LiftMethod: a LIFT model as a way to interpolate, in the precision and the memory that it is given."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import torch
from torch import Tensor

from lift_core.errors import ConfigError, WeightsError
from lift_core.inference.frames import Frame, Image, batch_as, to_batch
from lift_core.inference.methods import Draw, Window
from lift_core.inference.remembered_flow import RememberedFlow
from lift_core.inference.tiled_stages import aggregate, decode, encode_deepest, encode_reference
from lift_core.inference.tiles import Tile
from lift_core.inference.working_memory import fitting_tiles, free_memory
from lift_core.model.fingerprint import weights_fingerprint
from lift_core.model.lift import LIFT, ReferenceFeatures
from lift_core.model.padding import pad_to_multiple
from lift_core.model.start import (
    ClassicalStart,
    around_references,
    flow_on_pictures,
    path_between,
    pictures,
    reduction_of,
)

_log = logging.getLogger(__name__)

Precision = Literal["fp32", "bf16", "fp16"]

_AUTOCAST: dict[str, torch.dtype] = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class _LiftFeatures:
    """What a window keeps of a frame: its s16 features, and what its motion is found on where that is asked for."""

    s16: Tensor
    picture: Image | None


@dataclass(frozen=True)
class _LiftReference:
    frame: Frame
    features: ReferenceFeatures


class LiftMethod:
    """A LIFT model in eval mode.

    Frames for which ``memory`` is too little are worked on in overlapping tiles, see `lift_core.inference.tiles`.

    Args:
        model: the model; it is moved to ``device``.
        context: T; by default what the model's configuration says.
        device: where the model runs.
        precision: ``fp32``; ``bf16`` or ``fp16``: convolutions and matrix products in half precision (autocast), and
            features kept in it. Flows, sampling positions and the blend stay in float32.
        memory: bytes that interpolation may take on the device; by default most of what is free when the first frame
            comes.
        sharers: how many methods and mirror images share that memory.

    Raises:
        ConfigError: an odd ``context``, or one below 2; an unknown precision; or, with the first frame, too little
            memory.
        WeightsError: with a new frame: it is not made of numbers, as of weights that have diverged.
    """

    def __init__(
        self,
        model: LIFT,
        *,
        context: int | None = None,
        device: torch.device | None = None,
        precision: Precision = "fp32",
        memory: int | None = None,
        sharers: int = 1,
    ) -> None:
        self.device = device or torch.device("cpu")
        self.model = model.to(self.device).eval()
        self.name = model.config.name
        self.context = model.config.context if context is None else context
        self.precision = precision
        self._memory, self._sharers = memory, sharers
        self._tiles: dict[tuple[int, int], list[Tile]] = {}
        self._flows: dict[int, RememberedFlow] = {}
        if self.context < 2 or self.context % 2:
            raise ConfigError(f"a context of {self.context} frames.", fix="Choose an even number, at least 2.")
        if precision not in get_args(Precision):
            raise ConfigError(f"{precision!r} is no precision.", fix=f"Choose one of {', '.join(get_args(Precision))}.")
        if precision == "fp16" and self.device.type == "cpu":
            _log.warning("a CPU computes in fp16 many times more slowly than in fp32; bf16 is its half precision")

    @property
    def fingerprint(self) -> str:
        """A text that differs for models, contexts and precisions that make different frames."""
        return f"{weights_fingerprint(self.model)} {self.model.config.start} {self.context} {self.precision}"

    @torch.no_grad()
    def encode(self, frame: Frame) -> _LiftFeatures:
        """s16 features ``[1, C, H/16, W/16]`` of the padded frame; and it in 8 bits, if motion is to be found on it."""
        padded, tiles = self._prepared(frame)
        picture = None if self.model.config.start == "zero" else pictures(padded)[0]
        with self._autocast():
            return _LiftFeatures(encode_deepest(self.model, padded, tiles), picture)

    @torch.no_grad()
    def encode_reference(self, frame: Frame) -> _LiftReference:
        """The frame with its features at all scales."""
        padded, tiles = self._prepared(frame)
        with self._autocast():
            return _LiftReference(frame, encode_reference(self.model, padded, _size(frame), tiles))

    @torch.no_grad()
    def between(self, first: _LiftReference, second: _LiftReference, window: Window) -> Draw:
        """Aggregate the window once, and find the classical flow that the model may start from; each new frame is one
        decoding."""
        references = (first.features, second.features)
        tiles = self.tiles(first.features.size)
        times = torch.tensor([window.times], dtype=torch.float32, device=self.device)
        valid = torch.tensor([window.valid], device=self.device)
        with self._autocast():
            s16 = [features.s16 for features in window.features]
            aggregated = aggregate(self.model, s16, references, times, valid, tiles)
        start = self._start(window, first.features)

        @torch.no_grad()
        def draw(t: float) -> Frame:
            initial = None if start is None else start.at(t)
            with self._autocast():
                frame = decode(self.model, references, aggregated, t, tiles, initial)
            if not torch.isfinite(frame).all():
                raise WeightsError(
                    f"{self.name} made a frame that is not made of numbers, in {self.precision}",
                    fix="Use --precision bf16 or fp32."
                    if self.precision == "fp16"
                    else "These weights have diverged in training: use others.",
                )
            return batch_as(frame, first.frame)

        return draw

    def tiles(self, size: tuple[int, int]) -> list[Tile]:
        """How frames of a size are cut; one tile is the whole frame.

        Raises:
            ConfigError: too little memory for frames of this size.
        """
        if size not in self._tiles:
            budget = free_memory(self.device) if self._memory is None else self._memory
            dtype = "float32" if self.precision == "fp32" else "float16"
            self._tiles[size] = fitting_tiles(self.model.config, self.context, size, budget // self._sharers, dtype)
            if len(self._tiles[size]) > 1:
                _log.info("%s works on %dx%d frames in %d tiles", self.name, *size, len(self._tiles[size]))
        return self._tiles[size]

    def _start(self, window: Window, reference: ReferenceFeatures) -> ClassicalStart | None:
        if self.model.config.start == "zero":
            return None
        middle = around_references(len(window.times))
        reduction = reduction_of(*reference.frame.shape[-2:])
        find_flow = self._flows.setdefault(reduction, RememberedFlow(partial(flow_on_pictures, reduction)))
        path = path_between(
            [features.picture for features in window.features[middle]],
            window.times[middle],
            window.valid[middle],
            bent=self.model.config.start == "quadratic",
            find_flow=find_flow,
        )
        return ClassicalStart((path,), reduction, self.device)

    def _prepared(self, frame: Frame) -> tuple[Tensor, list[Tile]]:
        return pad_to_multiple(to_batch(frame, self.device)), self.tiles(_size(frame))

    def _autocast(self) -> AbstractContextManager[object]:
        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, _AUTOCAST[self.precision])


def _size(frame: Frame) -> tuple[int, int]:
    height, width = frame.shape[-2:] if isinstance(frame, Tensor) else frame.shape[:2]
    return height, width
