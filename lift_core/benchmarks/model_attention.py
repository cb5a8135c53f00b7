"""One layer of attention over time, in windows of 8 frames and over all frames: operations, time and memory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from lift_core.benchmarks.model_memory import Prepared, counted_and_measured
from lift_core.benchmarks.table import BenchOptions, Row, Table
from lift_core.errors import ShapeError
from lift_core.model.config import preset
from lift_core.model.transformer import TemporalWindowAttention
from lift_core.profiling.measure import in_turn

WINDOW = 8
_WINDOWED, _FULL, _PLAIN = "windows", "all frames", "all frames, scores stored"


@dataclass(frozen=True)
class Layer:
    """The sizes of a layer: frames, frames in a window, places, channels, heads; and whether scores are stored."""

    length: int
    window: int
    places: int
    width: int
    heads: int
    stored: bool = False


def attention(options: BenchOptions) -> Table:
    """Operations, processor time and memory of a layer at T = 16, 64 and 256, windowed beside full."""
    config = preset("lift_tiny" if options.quick else "lift_64")
    lengths, side, rounds = ((16,), 64, 2) if options.quick else ((16, 64, 256), 256, 15)
    places = (side // 32) ** 2
    rows: list[Row] = []
    for length in lengths:
        ways = {
            _WINDOWED: Layer(length, WINDOW, places, config.token_width, config.heads),
            _FULL: Layer(length, length, places, config.token_width, config.heads),
            _PLAIN: Layer(length, length, places, config.token_width, config.heads, stored=True),
        }
        rows += _rows(length, ways, rounds)
    note = (
        f"One TemporalWindowAttention of {config.name} at {side}×{side}: {places} places, {config.token_width}"
        f" channels, {config.heads} heads, in windows of {WINDOW} beside all frames. Operations by torch's counter on"
        " the meta device. On the CPU torch fuses attention and stores no scores; 'scores stored' is the same layer by"
        " the plain formula, and gives the same result (checked)."
    )
    return Table("Attention over time: windows beside all frames", tuple(rows), note)


def check_same(layer: Layer) -> None:
    """Hold the fused layer against the plain formula.

    Raises:
        ShapeError: they differ.
    """
    with torch.inference_mode():
        results = [make_work(replace(layer, stored=stored))[0]() for stored in (False, True)]
    first, second = results
    if not (isinstance(first, Tensor) and isinstance(second, Tensor) and torch.allclose(first, second, atol=1e-4)):
        raise ShapeError("fused attention and the plain formula differ", where=layer)


def make_work(layer: Layer) -> Prepared:
    """The layer on random tokens ``[1, P, T, D]`` of which all are valid; the same tokens and weights each time."""
    torch.manual_seed(0)
    module = TemporalWindowAttention(layer.width, layer.heads, layer.window, shifted=False).eval()
    tokens = torch.randn(1, layer.places, layer.length, layer.width)
    valid = torch.ones(1, layer.length, dtype=torch.bool)

    def work() -> Tensor:
        kernel: AbstractContextManager[None] = sdpa_kernel(SDPBackend.MATH) if layer.stored else nullcontext()
        with kernel:
            return module(tokens, valid)

    return work, [tokens, valid, *module.parameters()]


def flop(layer: Layer) -> tuple[int, int]:
    """Operations of the layer, and those of scores and mixing alone."""
    with torch.device("meta"), torch.inference_mode(), FlopCounterMode(display=False) as counter:
        module = TemporalWindowAttention(layer.width, layer.heads, layer.window, shifted=False)
        module(torch.empty(1, layer.places, layer.length, layer.width), torch.ones(1, layer.length, dtype=torch.bool))
    linear = {torch.ops.aten.addmm, torch.ops.aten.mm}
    counts = counter.get_flop_counts()["Global"]
    return counter.get_total_flops(), sum(count for operator, count in counts.items() if operator not in linear)


def _rows(length: int, ways: dict[str, Layer], rounds: int) -> list[Row]:
    """The windowed layer beside both full ones."""
    check_same(ways[_FULL])
    tasks: dict[str, Callable[[], object]] = {name: make_work(layer)[0] for name, layer in ways.items()}
    with torch.inference_mode():
        timings = in_turn(tasks, rounds=rounds)
    layers, scores, live, grown = {}, {}, {}, {}
    for name, layer in ways.items():
        layers[name], scores[name] = (count / 1e9 for count in flop(layer))
        live[name], grown[name] = (count / 1e6 for count in counted_and_measured(make_work, layer))
    times = {name: timing.median * 1e3 for name, timing in timings.items()}

    def row(what: str, found: dict[str, float], unit: str, beside: str, least: float | None = None) -> Row:
        ratio = found[beside] / found[_WINDOWED]
        return Row(f"T={length}: {what}", found[_WINDOWED], unit, beside, ratio, least, beside_value=found[beside])

    return [
        row("scores and mixing", scores, "GFLOP", _FULL, least=length / WINDOW),
        row("whole layer", layers, "GFLOP", _FULL),
        *(row("processor time", times, "ms", beside) for beside in (_FULL, _PLAIN)),
        *(row("live tensors", live, "MB", beside) for beside in (_FULL, _PLAIN)),
        *(row("growth of the process", grown, "MB", beside) for beside in (_FULL, _PLAIN)),
    ]
