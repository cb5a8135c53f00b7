"""LIFT: the five stages composed, whole (`forward`) or in the three steps that a stream needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from lift_core.errors import ConfigError, ShapeError
from lift_core.model.config import LiftConfig
from lift_core.model.contextnet import ContextNetEncoder
from lift_core.model.encoder import FeaturePyramid, FrameEncoder
from lift_core.model.ifnet import FlowEstimator, Motion
from lift_core.model.padding import crop_to, pad_to_multiple
from lift_core.model.refine import FullResolutionRefiner
from lift_core.model.start import ClassicalStart, around_references
from lift_core.model.synthesis import CoarseSynthesis
from lift_core.model.transformer import Aggregate, TemporalAggregator


@dataclass(frozen=True)
class ReferenceFeatures:
    """One reference, encoded.

    Attributes:
        frame: ``[B, 3, H', W']`` in [0, 1], padded to a multiple of 32.
        pyramid: its features at s4, s8 and s16.
        size: height and width before padding.
    """

    frame: Tensor
    pyramid: FeaturePyramid
    size: tuple[int, int]


@dataclass(frozen=True)
class WindowFeatures:
    """A window, encoded: what `aggregate` and `decode` need of it. A stream puts it together from what it kept.

    Attributes:
        s16: ``[B, T, C16, H'/16, W'/16]``, features of all frames, the references at T/2 - 1 and T/2 among them.
        reference_0: the reference before the new frame, at all scales.
        reference_1: the reference after it.
    """

    s16: Tensor
    reference_0: ReferenceFeatures
    reference_1: ReferenceFeatures


@dataclass
class LiftOutput:
    """Everything that one decoding makes.

    Attributes:
        frame: the new frame ``[B, 3, H, W]``; clamped to [0, 1] in eval only.
        coarse: the frame before refinement ``[B, 3, H, W]``, not clamped.
        flow_t0: ``[B, 2, H'/4, W'/4]`` from the new frame to reference 0, in cells of that grid (4 pixels each);
            H' and W' are H and W padded to a multiple of 32.
        flow_t1: the same to reference 1.
        occlusion: ``[B, 1, H'/4, W'/4]`` logits, positive where only reference 0 shows the place.
        visibility: ``[B, 1, H, W]`` in [0, 1], the share of reference 0 in the blend.
        warped_0: reference 0 warped to the new frame ``[B, 3, H, W]``.
        warped_1: the same for reference 1.
        frame_weights: ``[B, T]``, how much each frame of the window counted; they sum to 1.
    """

    frame: Tensor
    coarse: Tensor
    flow_t0: Tensor
    flow_t1: Tensor
    occlusion: Tensor
    visibility: Tensor
    warped_0: Tensor
    warped_1: Tensor
    frame_weights: Tensor


# torch.export flattens the results of a model and rebuilds them.
torch.export.register_dataclass(LiftOutput, serialized_type_name="lift_core.LiftOutput")


class LIFT(nn.Module):
    """Long-range Interpolation with Far Temporal context.

    ``forward`` is ``encode``, ``aggregate`` and ``decode`` in a row. A stream calls them apart: it encodes each frame
    once, aggregates once per pair of references, and decodes once per new frame.

    Any stage can be swapped in; a stage left out is the package's own, built from ``config``.

    Attributes:
        recomputed: names of stages, among ``config.STAGES``, of which training keeps the inputs alone and which the
            backward pass runs again: less memory for more time (activation checkpointing, Chen et al. 2016).
    """

    def __init__(
        self,
        config: LiftConfig,
        *,
        encoder: nn.Module | None = None,
        temporal: nn.Module | None = None,
        flow: nn.Module | None = None,
        synthesis: nn.Module | None = None,
        refiner: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.encoder = make_encoder(config) if encoder is None else encoder
        self.temporal = TemporalAggregator(config) if temporal is None else temporal
        self.flow = FlowEstimator(config) if flow is None else flow
        self.synthesis = CoarseSynthesis(config) if synthesis is None else synthesis
        self.refiner = FullResolutionRefiner(config) if refiner is None else refiner
        self.recomputed: frozenset[str] = frozenset()

    def forward(
        self,
        frames: Tensor,
        times: Tensor,
        valid: Tensor,
        t: Tensor | float,
        initial: Motion | None = None,
    ) -> LiftOutput:
        """Make the frame at time ``t`` between the two frames in the middle of a window.

        Args:
            frames: ``[B, T, 3, H, W]`` in [0, 1], T even; the references stand at T/2 - 1 and T/2. Any H and W.
            times: ``[B, T]`` relative to the references' midpoint, in units of their gap.
            valid: ``[B, T]`` bool; an invalid frame changes no bit of the result, nor of a gradient, whatever it
                holds. Both references are valid.
            t: strictly between 0 and 1, one number or ``[B]``.
            initial: motion that stage 3 starts from, on any grid; by default as ``config.start`` says.

        Raises:
            ShapeError: a shape, or a number ``t``, that the model does not take. The values of a tensor ``t`` are not
                looked at: on a GPU that would wait for it.
        """
        check_window(frames, times, valid)
        # Stage 2 ignores invalid frames; but a gradient of zero times a pixel that is not finite would not be zero.
        features = self.encode(frames.masked_fill(~valid[:, :, None, None, None], 0.0))
        if initial is None and (start := self.find_start(frames, times, valid)) is not None:
            initial = start.at(as_timestep(t, frames))
        return self.decode(features, self.aggregate(features, times, valid), t, initial)

    def encode(self, frames: Tensor) -> WindowFeatures:
        """Stage 1 on a window ``[B, T, 3, H, W]`` in [0, 1]: all scales of the references, s16 of the other frames."""
        length = frames.shape[1]
        left, right = length // 2 - 1, length // 2
        reference_0 = self.encode_reference(frames[:, left])
        reference_1 = self.encode_reference(frames[:, right])
        middle = torch.stack((reference_0.pyramid.s16, reference_1.pyramid.s16), dim=1)
        before, after = (self._encode_context(part) for part in (frames[:, :left], frames[:, right + 1 :]))
        return WindowFeatures(torch.cat((before, middle, after), dim=1), reference_0, reference_1)

    def encode_frames(self, frames: Tensor) -> Tensor:
        """s16 features ``[N, C16, H'/16, W'/16]`` of ``frames`` ``[N, 3, H, W]`` in [0, 1], padded to 32s."""
        return self._stage("encoder", self.encoder.deepest, pad_to_multiple(frames))  # type: ignore[arg-type]

    def encode_reference(self, frame: Tensor) -> ReferenceFeatures:
        """All scales of one reference per sample, ``[B, 3, H, W]`` in [0, 1]."""
        padded = pad_to_multiple(frame)
        return ReferenceFeatures(
            padded, self._stage("encoder", self.encoder, padded), (frame.shape[-2], frame.shape[-1])
        )

    def aggregate(
        self, features: WindowFeatures, times: Tensor, valid: Tensor, origin: tuple[int, int] = (0, 0)
    ) -> Aggregate:
        """Stage 2: once per pair of references, whatever the number of new frames.

        Args:
            features: of the window.
            times: ``[B, T]``, see ``forward``.
            valid: ``[B, T]`` bool.
            origin: row and column of the first token, of 32x32 pixels, where ``features.s16`` shows a part of larger
                frames. A stage 2 that takes no origin serves whole frames.
        """
        place = () if origin == (0, 0) else (origin,)
        return self._stage("temporal", self.temporal, features.s16, times, valid, *place)

    def find_start(self, frames: Tensor, times: Tensor, valid: Tensor) -> ClassicalStart | None:
        """The motion that stage 3 starts from, as ``config.start`` says: once per pair of references; None for zero.

        Args:
            frames, times, valid: see ``forward``.
        """
        if self.config.start == "zero":
            return None
        middle = around_references(frames.shape[1])
        padded = pad_to_multiple(frames[:, middle].flatten(0, 1)).unflatten(0, (frames.shape[0], -1))
        return ClassicalStart.find(padded, times[:, middle], valid[:, middle], bent=self.config.start == "quadratic")

    def decode(
        self, features: WindowFeatures, aggregate: Aggregate, t: Tensor | float, initial: Motion | None = None
    ) -> LiftOutput:
        """Stages 3 to 5: one new frame at ``t`` from the encoded references and the window's context.

        Args:
            features: of the window; stage 3 to 5 look at its references only.
            aggregate: what stage 2 made of it.
            t: see ``forward``.
            initial: motion that stage 3 starts from, on any grid; what ``find_start`` found, at ``t``. Zero by default.

        Raises:
            ShapeError: a number ``t`` that is not strictly between 0 and 1; see ``forward``.
            ConfigError: no ``initial`` for a model that does not start from zero.
        """
        if initial is None and self.config.start != "zero":
            raise ConfigError(
                f"this model's stage 3 starts from classical flow ({self.config.start}), and decode was given none",
                fix="Pass find_start(frames, times, valid).at(t), or call the model as a whole.",
            )
        first, second = features.reference_0, features.reference_1
        moment = as_timestep(t, first.frame)
        motion = self._stage("flow", self.flow, first.pyramid, second.pyramid, aggregate.context, moment, initial)
        coarse = self._stage("synthesis", self.synthesis, first.frame, second.frame, motion, aggregate.context, moment)
        frame = self._stage("refiner", self.refiner, coarse, motion, first.pyramid.s4, second.pyramid.s4)
        size = first.size
        return LiftOutput(
            frame=crop_to(frame if self.training else frame.clamp(0.0, 1.0), size),
            coarse=crop_to(coarse.frame, size),
            flow_t0=motion.flow_t0,
            flow_t1=motion.flow_t1,
            occlusion=motion.occlusion,
            visibility=crop_to(coarse.visibility, size),
            warped_0=crop_to(coarse.warped_0, size),
            warped_1=crop_to(coarse.warped_1, size),
            frame_weights=aggregate.frame_weights,
        )

    def _stage(self, name: str, run: Callable[..., Any], *inputs: Any) -> Any:
        if name in self.recomputed and self.training and torch.is_grad_enabled():
            # No stage draws random numbers, so there is no state of a generator to restore.
            return checkpoint(run, *inputs, use_reentrant=False, preserve_rng_state=False)
        return run(*inputs)

    def _encode_context(self, frames: Tensor) -> Tensor:
        batch, length = frames.shape[:2]
        if length == 0:
            rows, columns = (-(-side // 32) * 2 for side in frames.shape[-2:])
            return frames.new_zeros(batch, 0, self.config.widths[2], rows, columns)
        return self.encode_frames(frames.flatten(0, 1)).unflatten(0, (batch, length))


def make_encoder(config: LiftConfig) -> nn.Module:
    """Stage 1 as ``config.encoder`` names it."""
    return ContextNetEncoder(config) if config.encoder == "contextnet" else FrameEncoder(config)


def check_window(frames: Tensor, times: Tensor, valid: Tensor) -> None:
    """Refuse a window that the model cannot take, with the shape it should have.

    Raises:
        ShapeError: frames are not ``[B, T, 3, H, W]`` with T even and at least 2, or times or valid not ``[B, T]``.
    """
    if frames.ndim != 5 or frames.shape[2] != 3 or not frames.is_floating_point():
        raise ShapeError(
            f"frames must be float [B, T, 3, H, W], not {frames.dtype} {list(frames.shape)}",
            fix="Convert uint8 frames with lift_core.data.sample.to_device.",
        )
    if frames.shape[1] < 2 or frames.shape[1] % 2:
        raise ShapeError(
            f"a window needs an even number of frames, at least 2, not {frames.shape[1]}",
            fix="The new frame lies between the two middle ones; drop the frame that is to be made.",
        )
    if times.shape != frames.shape[:2] or valid.shape != frames.shape[:2]:
        raise ShapeError(
            f"times {list(times.shape)} and valid {list(valid.shape)} must both be [B, T] = {list(frames.shape[:2])}"
        )


def as_timestep(t: Tensor | float, like: Tensor) -> Tensor:
    """``t`` as float32 ``[B, 1, 1, 1]`` on the device of ``like`` ``[B, ...]``.

    Raises:
        ShapeError: a number that is not strictly between 0 and 1, or a tensor that is not ``[B]``.
    """
    batch = like.shape[0]
    if isinstance(t, Tensor):
        if t.shape != (batch,):
            raise ShapeError(f"t must be one number or a tensor of shape [{batch}], not {list(t.shape)}")
        moment = t.to(device=like.device, dtype=torch.float32)
    else:
        if not 0.0 < t < 1.0:
            raise ShapeError(
                f"t must lie strictly between 0 and 1, not {t}",
                fix="At 0 and 1 the references themselves are the answer.",
            )
        moment = torch.full((batch,), t, device=like.device)
    return moment.view(batch, 1, 1, 1)
