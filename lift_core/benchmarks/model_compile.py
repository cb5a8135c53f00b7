"""LIFT compiled by torch.compile beside plain: that it gives the same, how long compiling takes, what it gains."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import fields

import torch

from lift_core.benchmarks.model_cost import random_window
from lift_core.benchmarks.table import BenchOptions, Row, Table
from lift_core.errors import MissingDependencyError
from lift_core.model.config import preset
from lift_core.model.lift import LiftOutput
from lift_core.model.weights import load_lift
from lift_core.profiling.measure import in_turn, wall_clock


def compiled(options: BenchOptions) -> Table:
    """The bundled lift_tiny, given its start: the largest difference of any output, and processor time in turn.

    Raises:
        MissingDependencyError: no C++ compiler, which inductor needs on the CPU.
    """
    backend, side, rounds = ("eager", 32, 1) if options.quick else ("inductor", 256, 9)
    if backend == "inductor" and not (shutil.which("g++") or shutil.which("clang++")):
        raise MissingDependencyError("torch.compile needs a C++ compiler", fix="Install g++.")
    model, window = load_lift("lift_tiny"), random_window(preset("lift_tiny"), side)
    torch.manual_seed(options.seed)
    # Classical flow is found by OpenCV, which no compiler sees into.
    start = model.find_start(*window)
    inputs = (*window, 0.5, None if start is None else start.at(0.5))
    fast: Callable[..., LiftOutput] = torch.compile(model, backend=backend, fullgraph=True)
    with torch.no_grad():
        begun = wall_clock()
        found = fast(*inputs)
        seconds = wall_clock() - begun
        apart = largest_difference(found, model(*inputs))
        timings = in_turn({"plain": lambda: model(*inputs), "compiled": lambda: fast(*inputs)}, rounds=rounds)
    torch.compiler.reset()
    plain, quick = timings["plain"].median * 1e3, timings["compiled"].median * 1e3
    rows = (
        Row("compiled", quick, "ms", "plain", plain / quick, beside_value=plain),
        Row("largest difference of any output", apart, "", "plain", condition="≤ 0.001", holds=apart <= 1e-3),
        Row("first call", seconds, "s on the wall"),
    )
    note = (
        f"lift_tiny, a window of 6 frames at {side}×{side}, backend {backend}, one graph, its start found before;"
        " processor time in turn."
    )
    return Table("torch.compile", rows, note)


def largest_difference(one: LiftOutput, other: LiftOutput) -> float:
    """Over all outputs; flows are in cells, the rest between 0 and 1 or logits."""
    return max(
        (getattr(one, field.name) - getattr(other, field.name)).abs().max().item() for field in fields(LiftOutput)
    )
