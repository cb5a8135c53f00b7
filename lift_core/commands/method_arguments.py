"""The arguments that choose a method of interpolation and how it runs, shared by the commands that make frames."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from lift_core.errors import ConfigError

if TYPE_CHECKING:
    from lift_core.inference.method_choice import MethodOptions

_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*(G|M|GB|MB)", re.IGNORECASE)
_BYTES = {"g": 10**9, "m": 10**6}


def add_method_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what chooses the method, --method and --checkpoint, and how it runs."""
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument(
        "--method",
        default="lift_tiny",
        help="lift_tiny (default), blend (cross-fade), dis (DIS optical flow) or quadratic (DIS flow, bent by the"
        " acceleration that the frames around a pair show)",
    )
    chosen.add_argument(
        "--checkpoint",
        action="append",
        metavar="PATH",
        help="your own weights: a .safetensors file or a run's folder; given several times, an ensemble of them",
    )
    parser.add_argument("--context", type=int, metavar="T", help="frames that the model looks at (default: its own)")
    add_running_arguments(parser)


def add_running_arguments(parser: argparse.ArgumentParser) -> None:
    """Add how a model runs: --device, --precision, --memory, --self-ensemble, --parallel."""
    parser.add_argument(
        "--device",
        default="auto",
        help="auto (default), cpu, cuda, cuda:1, …; several for an ensemble: cuda:0,cuda:1",
    )
    parser.add_argument(
        "--precision", choices=("fp32", "bf16", "fp16"), default="fp32", help="of the model (default: fp32)"
    )
    parser.add_argument(
        "--memory",
        type=memory,
        metavar="SIZE",
        help="what the model may take, such as 4GB or 800MB; large frames are then cut into tiles"
        " (default: most of what is free)",
    )
    parser.add_argument(
        "--self-ensemble",
        choices=("none", "reversal", "full"),
        default="none",
        help="mean with time reversed, or with mirror images too: 2 and 8 times the decoding (default: none)",
    )
    parser.add_argument("--parallel", action="store_true", help="run the members of an ensemble at the same time")


def running_options(args: argparse.Namespace, context: int | None = None) -> MethodOptions:
    """The options that ``add_running_arguments`` has parsed, with the number of frames to look at."""
    from lift_core.inference.method_choice import MethodOptions

    return MethodOptions(context, args.device, args.precision, args.memory, args.self_ensemble, args.parallel)


def refuse_running_options(args: argparse.Namespace, what: str) -> None:
    """Refuse options of a model that mean nothing for ``what``, instead of ignoring them.

    Raises:
        ConfigError: one of them was given.
    """
    idle = {
        "--precision": args.precision != "fp32",
        "--memory": args.memory is not None,
        "--self-ensemble": args.self_ensemble != "none",
        "--parallel": args.parallel,
    }
    given = [option for option, is_given in idle.items() if is_given]
    if given:
        raise ConfigError(f"{', '.join(given)} means nothing for {what}.", fix="Leave it out; see --help.")


def memory(text: str) -> int:
    """Parse ``4GB`` or ``800MB`` (10^9 and 10^6 bytes)."""
    found = _MEMORY.fullmatch(text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount of memory, such as 4GB or 800MB")
    number, unit = found.groups()
    return int(float(number) * _BYTES[unit[0].lower()])
