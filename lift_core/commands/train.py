"""`lift train`: train a model on a folder of videos or frame sequences."""

from __future__ import annotations

import argparse
import json
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

from lift_core.model.config import PRESETS, STAGES, Start
from lift_core.training.config import CONFIG_FILE, TrainConfig, read_config

STOPPED = 3
HELP = "train a model on videos or frame sequences"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments; each is a field of TrainConfig, and what is not given keeps its default there."""
    _add_data(parser.add_argument_group("data"))
    _add_model(parser.add_argument_group("model"))
    _add_steps(parser.add_argument_group("steps"))
    _add_memory(parser.add_argument_group("memory and machines"))
    run = parser.add_argument_group("the run")
    run.add_argument("--out", default=_KEEP, metavar="DIR", help="folder of the run (default: runs/lift)")
    run.add_argument(
        "--val-every", type=int, default=_KEEP, metavar="N", help="steps between validations and checkpoints (200)"
    )
    run.add_argument("--seed", type=int, default=_KEEP, metavar="N", help="of weights, order and augmentation (0)")
    run.add_argument("--config", metavar="JSON", help="read a config.json first; arguments override it")
    run.add_argument("--resume", action="store_true", help="go on from the newest checkpoint in --out, with its config")
    run.add_argument(
        "--dry-run",
        action="store_true",
        help="print what the run will take (parameters, operations, memory, batches per epoch) and stop",
    )
    run.add_argument("--print-config", action="store_true", help="print the config and stop")


# Leaves out what was not given, so that defaults live in TrainConfig alone.
_KEEP = argparse.SUPPRESS
_Group = argparse._ArgumentGroup


def _add_data(group: _Group) -> None:
    add = group.add_argument
    add("--data", nargs="+", default=_KEEP, metavar="DIR", help="folders or files of videos and frame sequences")
    add(
        "--pregenerated",
        default=_KEEP,
        metavar="DIR",
        help="augmented variants of --data to read instead, written by pregenerate_augmentations.py --train-config",
    )
    add("--val-data", nargs="+", default=_KEEP, metavar="DIR", help="clips to validate on (default: 5 %% of --data)")
    add("--crop", type=int, default=_KEEP, metavar="PX", help="side of the training crop in both phases (128)")
    add(
        "--val-crop",
        type=int,
        default=_KEEP,
        metavar="PX",
        help="side of the validation crop (as --crop); 0: whole frames",
    )
    add(
        "--scales",
        type=float,
        nargs="+",
        default=_KEEP,
        metavar="SHARE",
        help="sizes of the pictures as shares of the crop, one drawn for each step (1)",
    )
    add("--strides", type=int, nargs="+", default=_KEEP, metavar="N", help="frame spacings of the windows (2)")
    add("--samples-per-clip", type=int, default=_KEEP, metavar="N", help="windows drawn from a clip per epoch (all)")
    add("--workers", type=int, default=_KEEP, metavar="N", help="loader processes (chosen by rule)")
    add(
        "--on-error",
        choices=("raise", "skip"),
        default=_KEEP,
        help="stop at clips and frames that cannot be read (raise), or count and replace them",
    )


def _add_model(group: _Group) -> None:
    add = group.add_argument
    add("--preset", choices=sorted(PRESETS), default=_KEEP, help="the model (lift_tiny)")
    add(
        "--init",
        default=_KEEP,
        metavar="WEIGHTS",
        help="start from a preset's bundled weights, a file or a run's folder",
    )
    add(
        "--contextnet",
        default=_KEEP,
        metavar="FILE",
        help="build stage 1 on RIFE's contextnet and fill it from one of RIFE's files (4.0 to 4.4)",
    )
    add("--start", choices=get_args(Start), default=_KEEP, help="motion that stage 3 starts from (zero)")


def _add_steps(group: _Group) -> None:
    length = group.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=_KEEP, metavar="M", help="length of the run by the clock")
    length.add_argument("--steps", type=int, default=_KEEP, metavar="N", help="length of the run in optimizer steps")
    add = group.add_argument
    add("--batch", type=int, default=_KEEP, metavar="N", help="samples per forward pass (12)")
    add("--accumulate", type=int, default=_KEEP, metavar="N", help="forward passes per step (1)")
    add("--learning-rate", type=float, default=_KEEP, metavar="RATE", help="peak rate (0.001)")
    add(
        "--on-nonfinite",
        choices=("raise", "skip"),
        default=_KEEP,
        help="stop at a loss or gradient that is not finite (raise), or leave that step out",
    )


def _add_memory(group: _Group) -> None:
    add = group.add_argument
    add("--precision", choices=("32-true", "bf16-mixed", "16-mixed"), default=_KEEP, help="of the passes (32-true)")
    add(
        "--checkpointing",
        nargs="+",
        choices=STAGES,
        default=_KEEP,
        metavar="STAGE",
        help=f"stages to compute again in the backward pass: less memory, more time; {', '.join(STAGES)}",
    )
    add("--accelerator", default=_KEEP, metavar="NAME", help="auto, cpu, cuda, ... (auto)")
    add("--devices", type=int, default=_KEEP, metavar="N", help="processes per machine (1)")
    add("--num-nodes", type=int, default=_KEEP, metavar="N", help="machines (1)")


def run(args: argparse.Namespace) -> int:
    """Train; the exit code is 0 for a finished run and 3 for one that a signal stopped and that can be resumed."""
    # The trainer pulls in torch and Fabric, which `lift --help` does not need.
    from lift_core.training.plan import plan
    from lift_core.training.trainer import train

    config = _config(args)
    if args.print_config:
        print(json.dumps(config.to_dict(), indent=2))
        return 0
    if args.dry_run:
        print(plan(config).text(config))
        return 0
    return 0 if train(config, resume=args.resume).finished else STOPPED


def _config(args: argparse.Namespace) -> TrainConfig:
    given = {field.name: getattr(args, field.name) for field in fields(TrainConfig) if hasattr(args, field.name)}
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    if hasattr(args, "crop"):
        given |= {"phase1_crop": args.crop, "phase2_crop": args.crop}
    if "contextnet" in given:
        given["encoder"] = "contextnet"
    stored = _stored_config(args)
    if "steps" in given:
        stored.pop("minutes", None)
    if "minutes" in given:
        stored.pop("steps", None)
    return TrainConfig.from_dict({**stored, **given})


def _stored_config(args: argparse.Namespace) -> dict[str, Any]:
    path = args.config
    if path is None and args.resume:
        path = Path(getattr(args, "out", TrainConfig.out)) / CONFIG_FILE
    if path is None:
        return {}
    return read_config(path)
