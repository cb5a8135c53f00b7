"""Streaming beside encoding every window anew: processor time and memory of one new frame, for each preset."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice

import torch
from torch import Tensor

from lift_core.benchmarks.model_memory import Prepared, measured_growth
from lift_core.benchmarks.table import BenchOptions, Row, Table
from lift_core.inference.lift_method import LiftMethod
from lift_core.inference.streaming import StreamFrame, pairs
from lift_core.model.config import PRESETS, preset
from lift_core.model.lift import LIFT
from lift_core.profiling.measure import in_turn

_WHOLE = "the whole window anew"


def streaming(options: BenchOptions) -> Table:
    """One new frame of a long clip, its neighbours known from the stream, beside one forward pass over its window."""
    size, rounds = ((64, 96), 1) if options.quick else ((256, 448), 3)
    names = ["lift_tiny"] if options.quick else list(PRESETS)
    rows: list[Row] = []
    for name in names:
        kinds = {f"{name}, streamed": next_of_stream, f"{name}, {_WHOLE}": whole_window}
        taken = in_turn({label: prepare(name, size)[0] for label, prepare in kinds.items()}, rounds=rounds)
        streamed, whole = (1e3 * taken[label].median for label in kinds)
        rows.append(Row(f"{name}: time", streamed, "ms", _WHOLE, whole / streamed, beside_value=whole))
        held, at_once = (measured_growth(prepare, name, size) / 1e6 for prepare in (stream_from_start, whole_window))
        rows.append(Row(f"{name}: memory", held, "MB", _WHOLE, at_once / held, beside_value=at_once))
    note = (
        f"Frames of {size[0]}x{size[1]}, untrained weights, one thread of a CPU. Time: processor time of one new frame,"
        " median; streamed with the window full. Memory: what a process grows by, at most, the frames of the window not"
        " counted; streamed from the first frame until the window is full and one more."
    )
    return Table("A stream beside windows encoded anew", tuple(rows), note)


def next_of_stream(name: str, size: tuple[int, int]) -> Prepared:
    """The next new frame of an endless clip, with the window full."""
    method = _method(name)
    stream = pairs(method, _endless(name, size))
    # Frames are encoded when they are first looked at, so these pairs cost nothing.
    for _ in islice(stream, method.context // 2):
        pass
    return lambda: next(stream).at(0.5), []


def stream_from_start(name: str, size: tuple[int, int]) -> Prepared:
    """The first new frames of a clip, until the window is full, and one more."""
    method = _method(name)

    def run() -> None:
        for number, pair in enumerate(islice(pairs(method, _endless(name, size)), method.context // 2 + 1)):
            if number % 8 == 0 or number >= method.context // 2 - 1:
                pair.at(0.5)

    return run, []


def whole_window(name: str, size: tuple[int, int]) -> Prepared:
    """One forward pass over a window."""
    torch.manual_seed(0)
    model = LIFT(preset(name)).eval()
    context = preset(name).context
    frames = _frames(context, size)[None]
    times = torch.arange(context, dtype=torch.float32)[None] - (context - 1) / 2
    valid = torch.ones(1, context, dtype=torch.bool)

    def run() -> object:
        with torch.inference_mode():
            return model(frames, times, valid, 0.5)

    return run, []


def _method(name: str) -> LiftMethod:
    torch.manual_seed(0)
    return LiftMethod(LIFT(preset(name)), memory=2**40)


def _endless(name: str, size: tuple[int, int]) -> Iterator[StreamFrame]:
    return map(StreamFrame, cycle(_frames(preset(name).context, size)))


def _frames(count: int, size: tuple[int, int]) -> Tensor:
    return torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(0))
