"""Peak memory of multi-scale batches: scaled on demand, in groups that fit a budget, and at all scales at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from lift_core.benchmarks.table import BenchOptions, Row, Table
from lift_core.data.multi_scale_dataset import MultiScaleDataset, ScaleBatches, ScaleGroupDataset, group_scales
from lift_core.profiling.measure import peak_rss

# The ten sizes that YOLOv2 trains at, 320 to 608 in steps of 32 (Redmon and Farhadi, "YOLO9000", 2017).
TEN_SCALES = tuple(size / 19 for size in range(10, 20))
THREE_SCALES = (1.0, 0.5, 0.25)
_BATCH, _BATCHES = 8, 3
_LESS = 0.7


class Pictures(Dataset[Tensor]):
    """Float pictures ``[3, S, S]`` that are made when they are asked for, and take no memory before."""

    def __init__(self, count: int, side: int) -> None:
        self.count = count
        self.side = side

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Tensor:
        return torch.full((3, self.side, self.side), index / self.count)


def scales(options: BenchOptions) -> Table:
    """Growth of a process that runs through batches of eight pictures at ten scales, and at three."""
    side = 152 if options.quick else 608
    whole = 3 * side * side * 4
    rows: list[Row] = []
    for chosen, wanted in ((TEN_SCALES, True), (THREE_SCALES, False)):
        name = f"{len(chosen)} scales"
        groups = group_scales((_BATCH, 3, side, side), chosen, max_bytes=2 * _BATCH * whole)
        at_once = _peak(at_all_scales, side, [chosen])
        in_groups = _peak(at_all_scales, side, groups)
        on_demand = _peak(one_scale_a_batch, side, chosen)
        beside = f"all {len(chosen)} at once"
        rows += [
            Row(f"{name}, all at once", at_once / 1e6, "MB", note=f"one read of a sample for {len(chosen)} pictures"),
            Row(
                f"{name}, groups of two batches' bytes",
                in_groups / 1e6,
                "MB",
                beside,
                at_once / in_groups,
                note=f"{len(groups)} reads for {len(chosen)}",
            ),
            Row(
                f"{name}, on demand",
                on_demand / 1e6,
                "MB",
                beside,
                at_once / on_demand,
                condition=f"≥ {_LESS * 100:.0f} % less" if wanted else "",
                holds=on_demand <= (1 - _LESS) * at_once if wanted else None,
                note="one read for one",
            ),
        ]
    return Table(f"Peak memory of batches of {_BATCH} pictures of {side}x{side}, float32", tuple(rows), _NOTE)


_NOTE = (
    "Growth of resident memory in a fresh process without workers, over some batches; a loader holds a batch twice while"
    " it stacks the samples. On demand: ScaleBatches, each batch of one scale and no larger than eight whole pictures, so"
    " that smaller scales come in larger batches. Ten scales: the sizes 320 to 608 of YOLOv2, in parts of the largest."
    " What is saved follows from the scales: with three of them the largest alone takes three quarters of all."
)


def at_all_scales(side: int, groups: Sequence[Sequence[float]]) -> None:
    """Run through some batches, each at the scales of one group after the other."""
    dataset = MultiScaleDataset(Pictures(_BATCH * _BATCHES, side))
    for group in groups:
        _run_through(DataLoader(ScaleGroupDataset(dataset, group), batch_size=_BATCH))


def one_scale_a_batch(side: int, scales: Sequence[float]) -> None:
    """Run through an epoch, each batch at one scale."""
    length = _BATCH * _BATCHES * len(scales)
    batches = ScaleBatches(length, (3, side, side), scales, max_bytes=_BATCH * 3 * side * side * 4)
    _run_through(DataLoader(MultiScaleDataset(Pictures(length, side)), batch_sampler=batches))


def _run_through(loader: DataLoader[Any]) -> None:
    batches = iter(loader)
    # A loop with a variable would hold each batch while the next one is made.
    while next(batches, None) is not None:
        pass


def _peak(function: Any, side: int, scales: Any) -> int:
    return peak_rss(function, side, scales, warm_up=(16, scales))
