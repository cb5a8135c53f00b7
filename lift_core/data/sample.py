"""Sample: the dict of tensors that data sets serve, how it is built and batched, and how it reaches the device."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from typing import Any, NamedTuple, TypedDict

import torch
from torch import Tensor
from torch.utils.data import default_collate

from lift_core.data.augmentation import ClipParameters, load_clip
from lift_core.data.source import FrameSource
from lift_core.data.window import WindowFrames
from lift_core.errors import ConfigError, WindowError

_PICTURES = ("frames", "gt")
FRAME_DTYPES = (torch.uint8, torch.float32)

Room = Callable[[int, int, int], tuple[Tensor, Tensor]]
"""Gives the memory that a sample of (T, H, W) is read into: uint8 ``[T, 3, H, W]`` and ``[3, H, W]``, contiguous."""


class SampleKey(NamedTuple):
    """What a sampler yields: the epoch travels with the index, so it reaches workers that outlive an epoch."""

    epoch: int
    index: int  # type: ignore[assignment]  # hides tuple.index, which no one asks of a key


class Sample(TypedDict):
    """One training sample. RGB, uint8 in 0..255 or float32 in [0, 1].

    Attributes:
        frames: context, ``[T, 3, H, W]``. ref_frames: the two references, ``[2, 3, H, W]``, a view of ``frames``.
        gt: the hidden frame, ``[3, H, W]``. timestep: where it lies between the references, in (0, 1).
        times: float32 ``[T]``, see WindowFrames. valid: bool ``[T]``. key: stable text id.
    """

    frames: Tensor
    ref_frames: Tensor
    gt: Tensor
    timestep: float
    times: Tensor
    valid: Tensor
    key: str


class Batch(TypedDict):
    """B samples: each tensor of a Sample with a leading B.

    Attributes:
        timestep: float32 ``[B]``. ref_frames: a view of ``frames``. key: B texts.
    """

    frames: Tensor
    ref_frames: Tensor
    gt: Tensor
    timestep: Tensor
    times: Tensor
    valid: Tensor
    key: list[str]


def build_sample(
    source: FrameSource,
    window: WindowFrames,
    parameters: ClipParameters,
    *,
    key: str,
    dtype: torch.dtype = torch.float32,
    room: Room | None = None,
) -> Sample:
    """Read and augment one sample.

    Args:
        source: the clip.
        window: the frames to read; it must hide a target.
        parameters: the clip's augmentation.
        key: stable text id.
        dtype: ``torch.uint8`` (0..255) or ``torch.float32`` ([0, 1]) for the pictures.
        room: where the bytes are written; by default memory of the sample's own. With uint8 the sample's pictures
            are what it gave.

    Raises:
        WindowError: a window without a target. ConfigError: another dtype.
        FrameReadError: a frame that cannot be read.
    """
    if window.target is None:
        raise WindowError(
            "a sample needs a hidden frame, and this window has none", where=key, fix="Choose a stride of 2 or more."
        )
    clip = load_clip(source, window, parameters)
    shown = clip.window
    frames, gt = (room or own_room)(len(shown.indices), *clip.size)
    clip.write([*frames.numpy(), gt.numpy()])
    assert shown.timestep is not None
    return as_sample(
        frames,
        gt,
        timestep=shown.timestep,
        times=torch.tensor(shown.times, dtype=torch.float32),
        valid=torch.tensor(shown.valid, dtype=torch.bool),
        key=key,
        dtype=dtype,
    )


def as_sample(
    frames: Tensor, gt: Tensor, *, timestep: float, times: Tensor, valid: Tensor, key: str, dtype: torch.dtype
) -> Sample:
    """A sample of uint8 pictures ``frames`` ``[T, 3, H, W]`` and ``gt`` ``[3, H, W]``, which become ``dtype``."""
    if dtype not in FRAME_DTYPES:
        raise ConfigError(f"pictures cannot have dtype {dtype}", fix="Choose torch.uint8 or torch.float32.")
    if dtype == torch.float32:
        frames, gt = frames.to(torch.float32).mul_(1 / 255), gt.to(torch.float32).mul_(1 / 255)
    return Sample(
        frames=frames,
        ref_frames=references(frames),
        gt=gt,
        timestep=timestep,
        times=times,
        valid=valid,
        key=key,
    )


def own_room(context: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Fresh memory for a sample's pictures, see Room."""
    pictures = torch.empty((context + 1, 3, height, width), dtype=torch.uint8)
    return pictures[:context], pictures[context]


def collate(samples: Sequence[Sample]) -> Batch:
    """Stack samples; the references stay a view of the frames, so they are not sent through the workers' queue twice.

    Raises:
        ConfigError: samples of different sizes.
    """
    shapes = {tuple(s["frames"].shape) for s in samples}
    if len(shapes) > 1:
        raise ConfigError(
            f"samples of different shapes cannot be stacked: {sorted(shapes)}",
            where=", ".join(s["key"] for s in samples),
            fix="Set a crop that fits every clip, windows of one context length, or a batch size of 1.",
        )
    stacked: dict[str, Any] = default_collate([{k: v for k, v in s.items() if k != "ref_frames"} for s in samples])
    return Batch(
        frames=stacked["frames"],
        ref_frames=references(stacked["frames"]),
        gt=stacked["gt"],
        timestep=stacked["timestep"].to(torch.float32),
        times=stacked["times"],
        valid=stacked["valid"],
        key=list(stacked["key"]),
    )


def pin(batch: Batch) -> Batch:
    """The batch in page-locked memory, from which transfers to an accelerator run on their own."""
    moved: dict[str, Any] = dict(batch)
    for name in (*_PICTURES, "timestep", "times", "valid"):
        moved[name] = moved[name].pin_memory()
    moved["ref_frames"] = references(moved["frames"])
    return Batch(**moved)  # type: ignore[typeddict-item]


def to_device(batch: Batch, device: torch.device | str, *, buffers: MutableMapping[str, Tensor] | None = None) -> Batch:
    """Move a batch to ``device`` and convert uint8 pictures to float32 in [0, 1] there.

    Bytes travel, not floats: four times fewer. Pinned memory makes the transfer asynchronous.

    Args:
        batch: pictures uint8, or float32 in [0, 1], which is only moved.
        device: where to.
        buffers: an empty dict, kept by the caller between calls: pictures are then written into the same memory
            again while shapes stay the same, which saves a CPU its page faults. The batch returned is valid until
            the next call with the same dict.
    """
    target = torch.device(device)
    moved: dict[str, Any] = dict(batch)
    for name in ("timestep", "times", "valid"):
        moved[name] = _moved(moved[name], target)
    for name in _PICTURES:
        moved[name] = _to_float(moved[name], target, name, buffers)
    moved["ref_frames"] = references(moved["frames"])
    return Batch(**moved)  # type: ignore[typeddict-item]


def _to_float(picture: Tensor, device: torch.device, name: str, buffers: MutableMapping[str, Tensor] | None) -> Tensor:
    # The cast must follow the move: across devices, copy_ would cast first and send four times the bytes.
    there = _moved(picture, device)
    if there.dtype != torch.uint8:
        return there
    out = None if buffers is None else buffers.get(name)
    if out is None or out.shape != there.shape or out.device != there.device:
        out = torch.empty(there.shape, dtype=torch.float32, device=there.device)
        if buffers is not None:
            buffers[name] = out
    return out.copy_(there).mul_(1 / 255)


def _moved(tensor: Tensor, device: torch.device) -> Tensor:
    # Only torch's own page-locked memory waits, when it is dropped, for transfers that still read it; a slot does not.
    return tensor.to(device, non_blocking=tensor.is_pinned())


def references(frames: Tensor) -> Tensor:
    """The two references of ``[..., T, 3, H, W]``, as a view ``[..., 2, 3, H, W]``."""
    return frames.narrow(-4, frames.shape[-4] // 2 - 1, 2)
