"""The command `lift`: runs the chosen subcommand's module and turns errors into one line and an exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

from lift_core.program import exit_code

COMMANDS = (
    "bench",
    "budget",
    "check",
    "demo",
    "doctor",
    "evaluate",
    "extract",
    "interpolate",
    "lab",
    "progress",
    "start",
    "train",
)


class Command(Protocol):
    """What each module ``lift_core.commands.<name>`` offers; it imports heavy packages inside ``run`` only."""

    HELP: str
    """One line for the list of commands."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's own arguments to ``parser``."""

    def run(self, args: argparse.Namespace) -> int:
        """Do the work and return the exit code."""


def load_command(name: str) -> Command:
    """Import the module of one subcommand; ``name`` is one of ``COMMANDS``."""
    return cast(Command, import_module(f"lift_core.commands.{name}"))


def build_parser(names: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """Build the parser that knows the commands ``names``; only their modules are imported."""
    parser = argparse.ArgumentParser(prog="lift", description="Long-context video frame interpolation, and its course.")
    parser.add_argument("--version", action="version", version=f"lift {_version()}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in names:
        command = load_command(name)
        subparser = subparsers.add_parser(name, help=command.HELP, description=command.HELP)
        command.configure(subparser)
        subparser.set_defaults(run=command.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run `lift` with ``argv`` (default: the process's arguments) and return the exit code.

    Exit codes: the command's own; 2 for a `LiftError` or a wrong argument; 130 after Ctrl-C.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    chosen = [arguments[0]] if arguments and arguments[0] in COMMANDS else COMMANDS
    return exit_code("lift", lambda: _run(build_parser(chosen).parse_args(arguments)))


def _run(args: argparse.Namespace) -> int:
    return int(args.run(args))


def _version() -> str:
    from lift_core import __version__

    return __version__


if __name__ == "__main__":
    sys.exit(main())
