"""`lift budget`: tells what a training step needs of memory, which GPUs hold it, and what would make it fit."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from lift_core.errors import ConfigError

if TYPE_CHECKING:
    from lift_core.training.budget import Budget, Change, Verdict
    from lift_core.training.step_memory import Step

HELP = "tell what a training step needs of memory, and which GPUs hold it"

_PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")
_SIDES = (2, 16384)
_GPU_GB = (0.1, 10_000)
_LARGEST_COUNT = 1_000_000
# The encoder takes a few frames at a time, and the time of a trace grows with how often.
_MOST_FRAMES = 4096


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments; those that `lift train` has too are called the same."""
    add = parser.add_argument
    add("--preset", default="lift_64", metavar="NAME", help="the model: lift_64 (default), lift_15 or lift_tiny")
    add("--frames", type=int, metavar="T", help="frames of context, an even number (default: the preset's)")
    add("--size", default="256x256", metavar="HxW", help="height and width of the pictures (default: 256x256)")
    add("--batch", type=int, default=4, metavar="N", help="samples per forward pass (default: 4)")
    add("--accumulate", type=int, default=1, metavar="N", help="forward passes per step (default: 1)")
    add("--precision", default="32-true", metavar="P", help=f"of the passes: {', '.join(_PRECISIONS)}")
    add(
        "--checkpointing",
        nargs="+",
        default=[],
        metavar="STAGE",
        help="stages to compute again in the backward pass: encoder, temporal, flow, synthesis, refiner",
    )
    add("--memory", type=float, nargs="+", metavar="GB", help="memory of the GPUs to ask about (default: 16 24 40)")
    add("--alternatives", action="store_true", help="list changes also where everything fits")
    add("--json", action="store_true", help="print JSON, with every figure in bytes")


def run(args: argparse.Namespace) -> int:
    """Trace and print."""
    # Training pulls in torch and Fabric, which `lift --help` does not need.
    from lift_core.training.budget import GPUS, budget

    gpus = tuple(args.memory) if args.memory else GPUS
    least, most = _GPU_GB
    for gpu in gpus:
        # Written so that NaN is refused too.
        if not least <= gpu <= most:
            raise ConfigError(
                f"no GPU has {gpu:g} GB",
                where="--memory",
                fix=f"Give sizes from {least:g} to {most:g} GB, as in 16 24 40.",
            )
    found = budget(_step(args), gpus, alternatives=args.alternatives)
    print(json.dumps(_as_json(found), indent=1) if args.json else _as_text(found))
    return 0


def _size(text: str) -> tuple[int, int]:
    from lift_core.data.fixed_size import parse_size

    size = parse_size(text, "--size")
    least, most = _SIDES
    if min(size) < least or max(size) > most:
        raise ConfigError(
            f"no step is counted on pictures of {text}",
            where="--size",
            fix=f"Give from {least} to {most} pixels a side, as in 256x448.",
        )
    return size


def _step(args: argparse.Namespace) -> Step:
    """Refuse what no step can be, with the option to mend."""
    from dataclasses import replace

    from lift_core.model.config import STAGES, preset
    from lift_core.training.step_memory import Step

    model = preset(args.preset)
    frames = model.context if args.frames is None else args.frames
    if frames < 2 or frames % 2:
        raise ConfigError(
            f"a context of {frames} frames has no two frames in its middle",
            where="--frames",
            fix=f"Give an even number, at least 2; {args.preset} has {model.context}.",
        )
    for name in ("batch", "accumulate"):
        if not 1 <= getattr(args, name) <= _LARGEST_COUNT:
            raise ConfigError(
                f"{name} is {getattr(args, name)}",
                where=f"--{name}",
                fix=f"Give a whole number from 1 to {_LARGEST_COUNT}.",
            )
    if args.batch * frames > _MOST_FRAMES:
        raise ConfigError(
            f"a batch of {args.batch} with {frames} frames each is {args.batch * frames} frames in one forward pass",
            where="--batch, --frames",
            fix=f"Give at most {_MOST_FRAMES} together; more samples per step come from --accumulate.",
        )
    if args.precision not in _PRECISIONS:
        raise ConfigError(
            f"no precision is called {args.precision!r}",
            where="--precision",
            fix=f"Choose one of {', '.join(_PRECISIONS)}.",
        )
    unknown = sorted(set(args.checkpointing) - set(STAGES))
    if unknown:
        raise ConfigError(
            f"no stage is called {', '.join(unknown)}",
            where="--checkpointing",
            fix=f"Choose among {', '.join(STAGES)}.",
        )
    return Step(
        model=replace(model, context=frames),
        batch=args.batch,
        size=_size(args.size),
        precision=args.precision,
        checkpointing=tuple(stage for stage in STAGES if stage in args.checkpointing),
        accumulate=args.accumulate,
    )


def _as_text(found: Budget) -> str:
    from lift_core.profiling.ledger import megabytes
    from lift_core.training.budget import RESERVE, USED

    step, memory = found.step, found.memory
    if step.accumulate > 1:
        there = "those of earlier passes are there in all later ones"
    elif memory.gradients_at_peak:
        there = f"{megabytes(memory.gradients_at_peak)} of them when most is held: they come as activations go"
    else:
        there = "none of them when most is held: they come as activations go"
    parts = [
        ("weights", memory.parameters, "float32"),
        ("average of the weights", memory.average, "validated and exported"),
        ("optimizer", memory.optimizer, "AdamW's two moments of each weight"),
        ("batch", memory.batch, "twice: the next one is on its way"),
        ("gradients", memory.gradients, there),
        ("activations", memory.activations, "of forward pass, loss and backward pass, when most is held"),
        ("total", memory.total, "when most is held"),
    ]
    height, width = step.size
    passes = f", {step.accumulate} passes a step" if step.accumulate > 1 else ""
    again = f", running again {' '.join(step.checkpointing)}" if step.checkpointing else ""
    lines = [
        f"A training step of {step.model.name}: batch {step.batch}, {step.model.context} frames of"
        f" {height}x{width}, {step.precision}{passes}{again}",
        *_lines(parts),
        "",
        "By formula; of these the trace above holds the batch, and features and tokens among the activations:",
        *_lines(_ledger(step)),
        "",
        f"A GPU holds it where the step and {RESERVE / 1e9:g} GB for CUDA and its libraries take at most {USED:.0%} of"
        " its memory;",
        "the rest is for the workspace of kernels and gaps between blocks, which are not counted.",
        *(_verdict(verdict) for verdict in found.verdicts),
    ]
    if found.tried:
        lines += ["", "Changes that were traced, cheapest first:", *(_change(change) for change in found.tried)]
    return "\n".join(lines)


def _ledger(step: Step) -> list[tuple[str, int, str]]:
    from lift_core.training.budget_ledger import step_ledger

    ledger, frames = step_ledger(step), step.model.context
    samples = "of one sample" if step.batch == 1 else f"of {step.batch} samples"
    kept = dict.fromkeys(ledger.features, "the two references") | {max(ledger.features): f"all {frames} frames"}
    return [
        ("a sample", ledger.sample, f"{frames} frames and the true one between them, in float32"),
        ("a batch", ledger.batch, samples),
        *((f"features at 1/{scale}", size, f"{samples}, {kept[scale]}") for scale, size in ledger.features.items()),
        ("tokens", ledger.tokens, f"{samples}, one for each 32x32 pixels of a frame"),
        (
            "attention scores",
            ledger.scores,
            f"{samples}, all layers, were they written out (fused attention never does)",
        ),
    ]


def _lines(parts: list[tuple[str, int, str]]) -> list[str]:
    from lift_core.profiling.ledger import megabytes

    return [f"  {name:<22} {megabytes(size):>10}   {note}" for name, size, note in parts]


def _verdict(verdict: Verdict) -> str:
    line = f"  {verdict.gpu_gb:>3g} GB  {'yes' if verdict.holds else 'NO ':<3}  {verdict.share:>5.0%}"
    if verdict.holds:
        return line
    if verdict.change is None:
        return f"{line}   not even all changes together make it fit: choose a smaller preset or GPUs with more"
    return f"{line}   cheapest change that makes it fit: {verdict.change.options}"


def _change(change: Change) -> str:
    from lift_core.profiling.ledger import megabytes

    return f"  {megabytes(change.memory.total):>10}  {change.options}\n              ({change.cost})"


def _as_json(found: Budget) -> dict[str, Any]:
    from dataclasses import asdict

    from lift_core.training.budget import RESERVE, USED
    from lift_core.training.budget_ledger import step_ledger

    step = found.step
    return {
        "preset": step.model.name,
        "frames": step.model.context,
        "size": list(step.size),
        "batch": step.batch,
        "accumulate": step.accumulate,
        "precision": step.precision,
        "checkpointing": list(step.checkpointing),
        "bytes": {**asdict(found.memory), "total": found.memory.total},
        "ledger": asdict(step_ledger(step)),
        "reserve_bytes": RESERVE,
        "usable_share": USED,
        "gpus": [
            {
                "gb": verdict.gpu_gb,
                "share": verdict.share,
                "holds": verdict.holds,
                "change": None if verdict.change is None else verdict.change.options,
            }
            for verdict in found.verdicts
        ],
        "changes": [
            {"options": change.options, "cost": change.cost, "total": change.memory.total} for change in found.tried
        ],
    }
