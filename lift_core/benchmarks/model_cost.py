"""One new frame of a stream: what it costs beside two frames, beside full attention, and beside encoding all again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from lift_core.benchmarks.model_stages import count_flop
from lift_core.benchmarks.table import BenchOptions, Row, Table
from lift_core.errors import ShapeError
from lift_core.model.config import PRESETS, LiftConfig, preset
from lift_core.model.lift import LIFT, LiftOutput, WindowFeatures
from lift_core.profiling.measure import in_turn

BUDGETS = {"lift_64": 65.0, "lift_15": 40.0, "lift_tiny": 6.0}
"""GFLOP that a new frame at 256×256 may cost."""

_STREAM, _TWO, _FULL, _ALL = "in a stream", "T=2", "full attention", "all frames encoded again"

Frames = tuple[Tensor, Tensor, Tensor]


def operations(options: BenchOptions) -> Table:
    """Operations for one new frame at 256×256: two frames encoded, one aggregation, one decoding."""
    rows: list[Row] = []
    for name in PRESETS:
        with torch.device("meta"), torch.inference_mode():
            found = {way: count_flop(call) / 1e9 for way, call in ways(preset(name), 256).items()}
        budget = BUDGETS[name]
        rows.append(
            Row(
                f"{name}, T={preset(name).context}",
                found[_STREAM],
                "GFLOP",
                condition=f"≤ {budget:g} GFLOP",
                holds=found[_STREAM] <= budget,
            )
        )
        rows += _beside(name, found, "GFLOP")
    note = "By torch's counter on the meta device, where it counts attention too; warping is no operation to it."
    return Table("Operations for one new frame, 256×256", tuple(rows), note)


def time(options: BenchOptions) -> Table:
    """Processor time for the same, the ways in turn; first it is checked that a stream gives what `forward` gives."""
    names, side, rounds = (("lift_tiny",), 64, 1) if options.quick else (tuple(PRESETS), 256, 3)
    rows: list[Row] = []
    for name in names:
        config = preset(name)
        check_same(config, side)
        torch.manual_seed(options.seed)
        with torch.inference_mode():
            made = ways(config, side)
            # Half a minute a call at T=64; the count of operations says enough.
            del made[_ALL]
            timings = in_turn(made, rounds=rounds)
        found = {way: timing.median * 1e3 for way, timing in timings.items()}
        rows.append(Row(f"{name}, T={config.context}", found[_STREAM], "ms"))
        rows += _beside(name, found, "ms")
    note = (
        f"Median processor time of {rounds} rounds in turn, random weights, threads:"
        f" {torch.get_num_threads()}. Checked before: the stream gives the frame that encoding all gives, and full"
        " attention gives the same as windows where T is no more than the window."
    )
    return Table(f"Processor time for one new frame, {side}×{side}", tuple(rows), note)


def ways(config: LiftConfig, side: int) -> dict[str, Callable[[], LiftOutput]]:
    """The ways to a new frame that are held beside each other, on the default device, with random weights."""
    model = LIFT(config).eval()
    two = replace(config, context=2)
    full = LIFT(replace(config, window=config.context)).eval()
    full.load_state_dict(model.state_dict())
    window = random_window(config, side)
    middle = (config.context // 2 - 1, config.context // 2 + 1)
    pair = (window[0][:, slice(*middle)], window[1][:, slice(*middle)], window[2][:, slice(*middle)])
    made: dict[str, Callable[[], LiftOutput]] = {
        _STREAM: streamed(model, window),
        _TWO: streamed(LIFT(two).eval(), pair),
        _FULL: streamed(full, window),
        _ALL: lambda: model(*window, 0.5),
    }
    if config.context <= config.window:
        del made[_FULL]
    return made


def random_window(config: LiftConfig, side: int) -> Frames:
    """Random frames, their times, and that all are valid."""
    frames = torch.rand(1, config.context, 3, side, side)
    times = torch.arange(config.context).float()[None] - (config.context - 1) / 2
    return frames, times, torch.ones(1, config.context, dtype=torch.bool)


def streamed(model: LIFT, window: Frames) -> Callable[[], LiftOutput]:
    """A step of a stream: the frame that comes in to s16, the one that becomes a reference whole, the rest is kept."""
    frames, times, valid = window
    right = frames.shape[1] // 2
    with torch.inference_mode():
        kept = model.encode_frames(frames[0])[None]
        reference_0 = model.encode_reference(frames[:, right - 1])

    def step() -> LiftOutput:
        newest = model.encode_frames(frames[:, -1])
        s16 = torch.cat((kept[:, :-1], newest[None]), dim=1)
        features = WindowFeatures(s16, reference_0, model.encode_reference(frames[:, right]))
        return model.decode(features, model.aggregate(features, times, valid), 0.5)

    return step


def check_same(config: LiftConfig, side: int) -> None:
    """Hold a step of a stream against `forward`, and full attention against windows over as many frames as a window.

    Raises:
        ShapeError: they differ.
    """
    torch.manual_seed(0)
    short = replace(config, context=min(config.context, config.window))
    model, full = LIFT(short).eval(), LIFT(replace(short, window=2 * config.window)).eval()
    _stir(model)
    full.load_state_dict(model.state_dict())
    window = random_window(short, min(side, 64))
    with torch.inference_mode():
        expected = model(*window, 0.5).frame
        found = {"the stream": streamed(model, window)().frame, "full attention": full(*window, 0.5).frame}
    for way, frame in found.items():
        if not torch.allclose(frame, expected, atol=1e-4):
            raise ShapeError(f"{way} does not give what forward gives", where=config.name)


def _stir(model: LIFT) -> None:
    """Give layers that start at zero an effect, so that a difference would show."""
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(std=0.02)


def _beside(name: str, found: Mapping[str, float], unit: str) -> list[Row]:
    own = found[_STREAM]
    return [
        Row(name, own, unit, way, value / own, beside_value=value) for way, value in found.items() if way != _STREAM
    ]
