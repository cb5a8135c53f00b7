"""Peak memory of multi-scale batches: scaled on demand, in groups that fit a budget, and at all scales at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lift_core.benchmarks.scaled_clips import (
    BATCH,
    Shape,
    at_all_scales,
    clip_bytes,
    one_scale_a_batch,
    one_scale_stacked,
)
from lift_core.benchmarks.table import BenchOptions, Row, Table
from lift_core.data.multi_scale_dataset import group_scales
from lift_core.profiling.measure import freed_at_once, peak_rss

# The ten sizes that YOLOv2 trains at, 320 to 608 in steps of 32 (Redmon and Farhadi, "YOLO9000", 2017).
TEN_SCALES = tuple(size / 19 for size in range(10, 20))
THREE_SCALES = (1.0, 0.5, 0.25)
_LESS = 0.7


def scales(options: BenchOptions) -> Table:
    """Growth of a process that runs through batches of four clips at ten scales, and at three."""
    shape: Shape = (3, 3, 128, 224) if options.quick else (15, 3, 256, 448)
    groups = group_scales((BATCH, *shape), TEN_SCALES, max_bytes=2 * BATCH * clip_bytes(shape))
    with freed_at_once():
        at_once = _peak(at_all_scales, shape, [TEN_SCALES])
        in_groups = _peak(at_all_scales, shape, groups)
        on_demand, stacked = (_peak(way, shape, TEN_SCALES) for way in (one_scale_a_batch, one_scale_stacked))
        three_at_once = _peak(at_all_scales, shape, [THREE_SCALES])
        three_on_demand = _peak(one_scale_a_batch, shape, THREE_SCALES)
    kept_at_once = _peak(at_all_scales, shape, [TEN_SCALES])
    kept_on_demand = _peak(one_scale_a_batch, shape, TEN_SCALES)
    aim: dict[str, Any] = {"condition": f"≥ {_LESS * 100:.0f} % less", "holds": on_demand <= (1 - _LESS) * at_once}
    rows = (
        Row(_TEN, at_once / 1e6, "MB", note="one read of a sample for ten clips"),
        _beside("10 scales in groups", in_groups, _TEN, at_once, note=f"{len(groups)} reads for ten clips"),
        _beside("10 scales, on demand", on_demand, _TEN, at_once, note="one read for one clip", **aim),
        _beside("10 scales, on demand, stacked by the loader", stacked, _TEN, at_once),
        Row(_THREE, three_at_once / 1e6, "MB"),
        _beside("3 scales, on demand", three_on_demand, _THREE, three_at_once),
        Row(_KEPT, kept_at_once / 1e6, "MB"),
        _beside("10 scales, on demand, heap kept", kept_on_demand, _KEPT, kept_at_once),
    )
    title = f"Peak memory of batches of {BATCH} clips of {shape[0]} frames of {shape[2]}x{shape[3]}, float32"
    return Table(title, rows, _NOTE)


_TEN, _THREE, _KEPT = "10 scales, all at once", "3 scales, all at once", "10 scales, all at once, heap kept"
_NOTE = (
    "Growth of resident memory in a fresh process without workers, over some batches, each laid out at once. On demand:"
    " ScaleBatches, each batch of one scale and no larger than four whole clips, so that smaller scales come in larger"
    " batches. Groups: no more than eight whole clips at once. Ten scales: the sizes 320 to 608 of YOLOv2, in parts of"
    " the largest. What is saved follows from the scales: of three of them the largest alone takes three quarters of"
    " all. glibc is told to give freed memory back at once (MALLOC_MMAP_THRESHOLD_=65536), but for the last two rows:"
    " there it keeps what batches of other sizes left."
)


def _beside(what: str, peak: int, beside: str, other: int, **more: Any) -> Row:
    return Row(what, peak / 1e6, "MB", beside, other / peak, **more)


def _peak(function: Callable[..., object], shape: Shape, chosen: Any) -> int:
    return peak_rss(function, shape, chosen, warm_up=((2, 3, 16, 16), chosen))
