"""Runs through batches of clips at several scales: what the benchmark of scales measures in processes of their own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, SequentialSampler

from lift_core.data.multi_scale_dataset import MultiScaleDataset, ScaleBatches, ScaleGroupDataset

BATCH, _BATCHES = 4, 3

Shape = tuple[int, int, int, int]


class Clips(Dataset[Tensor]):
    """Float clips ``[T, 3, H, W]`` that are made when they are asked for, and take no memory before."""

    def __init__(self, count: int, shape: Shape) -> None:
        self.count = count
        self.shape = shape

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Tensor:
        return torch.full(self.shape, index / self.count)


def at_all_scales(shape: Shape, groups: Sequence[Sequence[float]]) -> None:
    """Run through some batches, each at the scales of one group after the other."""
    dataset = MultiScaleDataset(Clips(BATCH * _BATCHES, shape))
    for group in groups:
        numbers = BatchSampler(SequentialSampler(dataset), BATCH, drop_last=False)
        _run_through(DataLoader(ScaleGroupDataset(dataset, group), sampler=numbers, batch_size=None))


def one_scale_a_batch(shape: Shape, chosen: Sequence[float]) -> None:
    """Run through an epoch, each batch at one scale."""
    dataset, batches = _on_demand(shape, chosen)
    _run_through(DataLoader(dataset, sampler=batches, batch_size=None))


def one_scale_stacked(shape: Shape, chosen: Sequence[float]) -> None:
    """The same, with samples that the loader stacks."""
    dataset, batches = _on_demand(shape, chosen)
    _run_through(DataLoader(dataset, batch_sampler=batches))


def _on_demand(shape: Shape, chosen: Sequence[float]) -> tuple[MultiScaleDataset, ScaleBatches]:
    length = BATCH * _BATCHES * len(chosen)
    batches = ScaleBatches(length, shape, chosen, max_bytes=BATCH * clip_bytes(shape))
    return MultiScaleDataset(Clips(length, shape)), batches


def _run_through(loader: DataLoader[Any]) -> None:
    batches = iter(loader)
    # A loop with a variable would hold each batch while the next one is made.
    while next(batches, None) is not None:
        pass


def clip_bytes(shape: Shape) -> int:
    """Bytes of a clip of that shape, float32."""
    return math.prod(shape) * 4
