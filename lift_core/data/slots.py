"""Slots: shared memory that is used again and again, in which workers hand over the pictures of batches.

A batch that a worker stacks in fresh shared memory costs a page fault for every 4 kB, in the worker and again in the
training process. A slot is faulted in once: a worker reads the samples straight into it and sends back its number.
"""

from __future__ import annotations

import logging
import weakref
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lift_core.data.sample import Batch, Room, Sample, SampleKey, collate, references

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchOrder:
    """What a worker is asked for: samples, and the slot to read them into; None: fresh memory."""

    keys: tuple[SampleKey, ...]
    slot: int | None = None


@dataclass(frozen=True)
class FilledSlot:
    """What a worker sends back: where the pictures lie, and everything else of the batch.

    Attributes:
        slot: its number. shape: B, T, height, width.
        timestep: float32 ``[B]``. times: float32 ``[B, T]``. valid: bool ``[B, T]``. key: B texts.
    """

    slot: int
    shape: tuple[int, int, int, int]
    timestep: NDArray[np.float32]
    times: NDArray[np.float32]
    valid: NDArray[np.bool_]
    key: list[str]


class ReadsIntoRoom(Protocol):
    """A data set that reads samples into memory it is given, as ClipDataset does."""

    def read(self, item: SampleKey, room: Room | None = None) -> Sample:
        """The sample, uint8, its pictures in the memory that ``room`` gives."""
        ...


class SlotRing:
    """The slots of one set of workers, and which of them are free. It lives in the process that uses the batches.

    A slot is taken when a batch is ordered, and free again when the last tensor or array that shows it is gone, so a
    batch may be kept as long as one likes: who keeps more than ``len(ring)`` allows gets the next ones in fresh
    memory. A worker owns a slot only while it has an order for it; when it dies, nothing is left to give back.

    Args:
        count: slots. size: bytes of each.

    Raises:
        RuntimeError, OSError: there is not as much shared memory, or no file descriptor for it.
    """

    def __init__(self, count: int, size: int) -> None:
        self.memory = torch.empty((count, size), dtype=torch.uint8).share_memory_()
        self._rows: NDArray[np.uint8] = self.memory.numpy()
        self._free = deque(range(count))

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def free(self) -> int:
        """Slots that may be taken."""
        return len(self._free)

    def take(self) -> int | None:
        """A free slot, now taken; None where there is none."""
        return self._free.popleft() if self._free else None

    def give_back(self, slot: int) -> None:
        """Make a slot free whose order came to nothing."""
        self._free.append(slot)

    def batch(self, filled: FilledSlot) -> Batch:
        """Show a filled slot as a batch; the slot is free again when the batch's pictures are gone."""
        row = self._rows[filled.slot]
        # torch keeps `row` itself until the last tensor that shares this memory is gone.
        weakref.finalize(row, self._free.append, filled.slot).atexit = False
        frames, gt = _split(torch.from_numpy(row), filled.shape)
        return Batch(
            frames=frames,
            ref_frames=references(frames),
            gt=gt,
            timestep=torch.from_numpy(filled.timestep),
            times=torch.from_numpy(filled.times),
            valid=torch.from_numpy(filled.valid),
            key=filled.key,
        )


def picture_bytes(batch: int, context: int, height: int, width: int) -> int:
    """Bytes of the pictures of a batch, uint8: the context and the hidden frame of every sample."""
    return batch * (context + 1) * 3 * height * width


def read_batch(dataset: ReadsIntoRoom, order: BatchOrder, memory: Tensor | None) -> Batch | FilledSlot:
    """Read a batch, in the slot of ``order`` where there is one and the batch fits, else stacked in fresh memory.

    Args:
        dataset: where samples come from.
        order: which samples, and the slot.
        memory: ``SlotRing.memory``, or None without slots.

    Raises:
        LiftError: see the data set and ``collate``.
    """
    if memory is None or order.slot is None:
        return collate([dataset.read(key) for key in order.keys])
    slot = _Slot(memory[order.slot], len(order.keys))
    samples = [dataset.read(key, slot.room(place)) for place, key in enumerate(order.keys)]
    if slot.shape is None or any(_shape(sample) != slot.shape[1:] for sample in samples):
        return collate(samples)
    return FilledSlot(
        slot=order.slot,
        shape=slot.shape,
        timestep=np.array([sample["timestep"] for sample in samples], dtype=np.float32),
        times=np.stack([sample["times"].numpy() for sample in samples]),
        valid=np.stack([sample["valid"].numpy() for sample in samples]),
        key=[sample["key"] for sample in samples],
    )


class _Slot:
    """A slot while a worker fills it; the first sample settles the shape of the batch, if that fits."""

    def __init__(self, memory: Tensor, batch: int) -> None:
        self._memory = memory
        self._batch = batch
        self.shape: tuple[int, int, int, int] | None = None

    def room(self, place: int) -> Room:
        def give(context: int, height: int, width: int) -> tuple[Tensor, Tensor]:
            shape = (self._batch, context, height, width)
            if self.shape is None and picture_bytes(*shape) <= self._memory.numel():
                self.shape = shape
            if self.shape == shape:
                frames, gt = _split(self._memory, shape)
                return frames[place], gt[place]
            frames, gt = _split(torch.empty(picture_bytes(1, *shape[1:]), dtype=torch.uint8), (1, *shape[1:]))
            return frames[0], gt[0]

        return give


def _shape(sample: Sample) -> tuple[int, int, int]:
    context, _, height, width = sample["frames"].shape
    return context, height, width


def _split(memory: Tensor, shape: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Frames ``[B, T, 3, H, W]`` and hidden frames ``[B, 3, H, W]``, both contiguous, at the start of ``memory``."""
    batch, context, height, width = shape
    frame = 3 * height * width
    middle, end = batch * context * frame, batch * (context + 1) * frame
    frames = memory[:middle].view(batch, context, 3, height, width)
    return frames, memory[middle:end].view(batch, 3, height, width)
