"""What each stage of LIFT costs for one new frame of a stream: operations, parameters, memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from lift_core.benchmarks.model_memory import Prepared, counted_and_measured
from lift_core.benchmarks.model_stage_figure import StageBars, stage_figure
from lift_core.benchmarks.table import BenchOptions, Table
from lift_core.model.config import PRESETS, preset
from lift_core.model.lift import LIFT, WindowFeatures, as_timestep

STAGES = {
    "encoder": "1 encoder, two frames",
    "temporal": "2 aggregation",
    "flow": "3 flow",
    "synthesis": "4 synthesis",
    "refiner": "5 refinement",
}
_HEADINGS = ("preset", "stage", "GFLOP", "share", "parameters", "live tensors", "growth of the process")


@dataclass(frozen=True)
class StageCost:
    """One stage of one preset.

    Attributes:
        preset, stage: their names.
        flop: operations; a multiplication and an addition are two.
        parameters: numbers that are learnt.
        live_bytes: of tensors that the stage makes, at most at once; its inputs and parameters are not among them.
        grown_bytes: by how much a process grows that runs the stage, at most.
    """

    preset: str
    stage: str
    flop: int
    parameters: int
    live_bytes: int
    grown_bytes: int


@dataclass(frozen=True)
class StageTable(Table):
    """A table with a column for each kind of cost.

    Attributes:
        costs: of every stage, in the order of the rows.
    """

    costs: tuple[StageCost, ...] = ()

    def lines(self) -> list[tuple[str, ...]]:
        """The cells: five stages of each preset and their sum; memory is the largest of the five."""
        lines = []
        for name in dict.fromkeys(cost.preset for cost in self.costs):
            own = [cost for cost in self.costs if cost.preset == name]
            whole = sum(cost.flop for cost in own)
            total = StageCost(
                name,
                "all",
                whole,
                sum(cost.parameters for cost in own),
                max(cost.live_bytes for cost in own),
                max(cost.grown_bytes for cost in own),
            )
            lines += [_cells(cost, whole) for cost in (*own, total)]
        return lines

    def text(self) -> str:
        lines = [_HEADINGS, *self.lines()]
        widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
        body = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        ]
        return "\n".join([self.title, *body, self.note])

    def markdown(self) -> str:
        lines = [_HEADINGS, ("---",) * len(_HEADINGS), *self.lines()]
        return "\n\n".join([f"### {self.title}", "\n".join(f"| {' | '.join(line)} |" for line in lines), self.note])

    def figure(self) -> tuple[Figure, str] | None:
        """Three panels of bars, a group for each stage, and a sentence that says the same."""
        panels = {
            "GFLOP": [cost.flop / 1e9 for cost in self.costs],
            "million parameters": [cost.parameters / 1e6 for cost in self.costs],
            "MB of live tensors": [cost.live_bytes / 1e6 for cost in self.costs],
        }
        bars = [
            StageBars(title, {(cost.preset, cost.stage): value for cost, value in zip(self.costs, values, strict=True)})
            for title, values in panels.items()
        ]
        return stage_figure(self.title, bars)

    def to_json(self) -> str:
        costs = [asdict(cost) for cost in self.costs]
        return json.dumps({"title": self.title, "costs": costs, "note": self.note}, ensure_ascii=False, indent=1)


def stages(options: BenchOptions) -> Table:
    """Operations, parameters and memory of the five stages of each preset."""
    names, side = (("lift_tiny",), 64) if options.quick else (tuple(PRESETS), 256)
    costs = []
    for name in names:
        flop, parameters = stage_flop(name, side), stage_parameters(name)
        for stage, label in STAGES.items():
            live, grown = counted_and_measured(make_stage, name, stage, side)
            costs.append(StageCost(name, label, flop[stage], parameters[stage], live, grown))
    note = (
        f"One new frame of a stream at {side}×{side}: its two references' worth of encoding, one aggregation of all T"
        " frames' features, one decoding. Operations by torch's counter on the meta device; warping is none of them."
        " Live tensors: the most bytes that tensors of a stage hold at once, its inputs and parameters left out;"
        " growth: what a process of its own grew by at most, looked at every two milliseconds. Of all: sums, and the"
        " largest memory."
    )
    return StageTable(f"Cost by stage, {side}×{side}", (), note, tuple(costs))


def stage_work(model: LIFT, side: int) -> tuple[dict[str, Callable[[], object]], list[Tensor]]:
    """Each stage as a call without arguments, and all inputs, made by the stages before, on the default device."""
    config = model.config
    frame = torch.rand(1, 3, side, side)
    reference = model.encode_reference(frame)
    s16 = torch.rand(1, config.context, config.widths[2], side // 16, side // 16)
    times = torch.arange(config.context).float()[None] - (config.context - 1) / 2
    features = WindowFeatures(s16, reference, reference)
    valid = torch.ones(1, config.context, dtype=torch.bool)
    context = model.aggregate(features, times, valid).context
    t = as_timestep(torch.full((1,), 0.5), frame)
    pyramid = reference.pyramid
    motion = model.flow(pyramid, pyramid, context, t, None)
    coarse = model.synthesis(frame, frame, motion, context, t)
    work: dict[str, Callable[[], object]] = {
        "encoder": lambda: (model.encode_reference(frame), model.encode_frames(frame)),
        "temporal": lambda: model.aggregate(features, times, valid),
        "flow": lambda: model.flow(pyramid, pyramid, context, t, None),
        "synthesis": lambda: model.synthesis(frame, frame, motion, context, t),
        "refiner": lambda: model.refiner(coarse, motion, pyramid.s4, pyramid.s4),
    }
    return work, [frame, *pyramid, s16, times, valid, context, t, *motion, *coarse]


def stage_flop(name: str, side: int) -> dict[str, int]:
    """Operations of each stage of a preset."""
    with torch.device("meta"), torch.inference_mode():
        work, _ = stage_work(LIFT(preset(name)).eval(), side)
        return {stage: count_flop(call) for stage, call in work.items()}


def stage_parameters(name: str) -> dict[str, int]:
    """Parameters of each stage of a preset."""
    with torch.device("meta"):
        model = LIFT(preset(name))
    return {stage: _parameters(getattr(model, stage)) for stage in STAGES}


def count_flop(work: Callable[[], object]) -> int:
    """Operations of ``work`` by torch's counter; on the meta device, or attention counts as none."""
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def make_stage(name: str, stage: str, side: int) -> Prepared:
    """One stage of a preset with random weights, ready to run, on the CPU."""
    torch.manual_seed(0)
    model = LIFT(preset(name)).eval()
    with torch.inference_mode():
        work, inputs = stage_work(model, side)
    return work[stage], [*model.parameters(), *inputs]


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _cells(cost: StageCost, whole: int) -> tuple[str, ...]:
    return (
        cost.preset,
        cost.stage,
        f"{cost.flop / 1e9:.2f}",
        f"{cost.flop / whole:.0%}",
        f"{cost.parameters:,}",
        f"{cost.live_bytes / 1e6:.1f} MB",
        f"{cost.grown_bytes / 1e6:.1f} MB",
    )
