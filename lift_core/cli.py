"""The command `lift`: runs the chosen subcommand's module and turns errors into one line and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import Protocol, cast

from lift_core.errors import ConfigError, LiftError, MissingDependencyError

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

EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130


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
    if isinstance(sys.stdout, TextIOWrapper):
        # A path that the terminal's encoding lacks must not turn finished work into an error.
        sys.stdout.reconfigure(errors="backslashreplace")
    chosen = [arguments[0]] if arguments and arguments[0] in COMMANDS else COMMANDS
    try:
        args = build_parser(chosen).parse_args(arguments)
        exit_code = int(args.run(args))
        sys.stdout.flush()
        return exit_code
    except LiftError as error:
        return _fail(error)
    except (RuntimeError, MemoryError) as error:
        return _fail(_no_memory(error))
    except ModuleNotFoundError as error:
        return _fail(_missing_package(error))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader (`lift doctor | head`) has left; the interpreter's own flush at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _missing_package(error: ModuleNotFoundError) -> MissingDependencyError:
    """Turn a failed import of another project's package into advice; a fault of our own is raised as it is."""
    package = (error.name or "").partition(".")[0]
    if package in ("", "lift_core"):
        raise error
    return MissingDependencyError(
        f"the Python package '{package}' is not installed.",
        fix="Run `make setup`; `lift doctor` lists what is missing.",
    )


def _no_memory(error: RuntimeError | MemoryError) -> LiftError:
    """Turn memory that ran out into advice; any other fault is raised as it is."""
    # By its name: torch is not imported for a command that does without.
    if not isinstance(error, MemoryError) and type(error).__name__ != "OutOfMemoryError":
        raise error
    return ConfigError(
        "there is no memory left for this.", fix="Allow less (--memory), or choose smaller frames, batches or contexts."
    )


def _fail(error: LiftError) -> int:
    print("lift: " + str(error).replace("\n", " "), file=sys.stderr)
    return EXIT_USER_ERROR


def _version() -> str:
    from lift_core import __version__

    return __version__


if __name__ == "__main__":
    sys.exit(main())
