"""`lift train`: train a model on a folder of videos or frame sequences."""

from __future__ import annotations

import argparse
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from lift_core.errors import ConfigError
from lift_core.training.config import CONFIG_FILE, TrainConfig

STOPPED = 3
HELP = "train a model on videos or frame sequences"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments; each is a field of TrainConfig, and what is not given keeps its default there."""
    # SUPPRESS leaves out what was not given, so that defaults live in TrainConfig alone.
    add = parser.add_argument
    keep = argparse.SUPPRESS
    add("--data", nargs="+", default=keep, metavar="DIR", help="folders or files of videos and frame sequences")
    add("--val-data", nargs="+", default=keep, metavar="DIR", help="clips to validate on (default: 5 %% of --data)")
    add("--out", default=keep, metavar="DIR", help="folder of the run (default: runs/lift)")
    add("--preset", default=keep, help="lift_tiny (default), lift_15 or lift_64")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=keep, help="length of the run by the clock")
    length.add_argument("--steps", type=int, default=keep, help="length of the run in optimizer steps")
    add("--batch", type=int, default=keep, help="samples per forward pass (default: 12)")
    add("--accumulate", type=int, default=keep, help="forward passes per step (default: 1)")
    add("--crop", type=int, default=keep, metavar="PX", help="side of the training crop in both phases (default: 128)")
    add(
        "--val-crop",
        type=int,
        default=keep,
        metavar="PX",
        help="side of the validation crop (default: as --crop); 0: whole frames",
    )
    add("--strides", type=int, nargs="+", default=keep, help="frame spacings of the windows (default: 2)")
    add("--samples-per-clip", type=int, default=keep, help="windows drawn from a clip per epoch (default: all)")
    add("--learning-rate", type=float, default=keep, help="peak rate (default: 0.001)")
    add(
        "--init",
        default=keep,
        metavar="WEIGHTS",
        help="start from a preset's bundled weights, a file or a run's folder",
    )
    add("--start", choices=("zero", "dis"), default=keep, help="motion that stage 3 starts from (default: zero)")
    add("--precision", choices=("32-true", "bf16-mixed", "16-mixed"), default=keep)
    add("--accelerator", default=keep, help="auto (default), cpu, cuda, ...")
    add("--devices", type=int, default=keep, help="processes per machine (default: 1)")
    add("--num-nodes", type=int, default=keep, help="machines (default: 1)")
    add("--workers", type=int, default=keep, help="loader workers (default: chosen by rule)")
    add("--val-every", type=int, default=keep, help="steps between validations and checkpoints (default: 200)")
    add("--on-error", choices=("raise", "skip"), default=keep, help="what to do about unreadable clips and frames")
    add("--seed", type=int, default=keep)
    add("--config", metavar="JSON", help="read a config.json first; arguments override it")
    add("--resume", action="store_true", help="go on from the newest checkpoint in --out, with its config")
    add("--print-config", action="store_true", help="print the config and stop")


def run(args: argparse.Namespace) -> int:
    """Train; the exit code is 0 for a finished run and 3 for one that a signal stopped and that can be resumed."""
    # The trainer pulls in torch and Fabric, which `lift --help` does not need.
    from lift_core.training.trainer import train

    config = _config(args)
    if args.print_config:
        print(json.dumps(config.to_dict(), indent=2))
        return 0
    return 0 if train(config, resume=args.resume).finished else STOPPED


def _config(args: argparse.Namespace) -> TrainConfig:
    given = {field.name: getattr(args, field.name) for field in fields(TrainConfig) if hasattr(args, field.name)}
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    if hasattr(args, "crop"):
        given |= {"phase1_crop": args.crop, "phase2_crop": args.crop}
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
    try:
        stored = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"the config cannot be read: {error}", where=path, fix="Name a run's config.json.") from error
    if not isinstance(stored, dict):
        raise ConfigError("the config is not a JSON object", where=path, fix="Name a run's config.json.")
    return stored
