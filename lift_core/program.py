"""How a program of this project ends: with an exit code, and one line where a user has to know why."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from io import TextIOWrapper

from lift_core.errors import LiftError

EXIT_BROKEN_PIPE = 1
EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130


def exit_code(name: str, work: Callable[[], int], *, stopped: str = "stopped") -> int:
    """Do the work of the program ``name`` and return its exit code.

    A LiftError is printed to stderr as one line, and is 2. Ctrl-C is 130, and the line ``stopped``. A reader of the
    output that has left, as ``head`` does, is 1, and no line.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        # A path that the terminal's encoding lacks must not turn finished work into an error.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = work()
        sys.stdout.flush()
        return code
    except LiftError as error:
        return _ended(name, str(error), EXIT_USER_ERROR)
    except KeyboardInterrupt:
        return _ended(name, stopped, EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The interpreter's own flush at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE


def _ended(name: str, message: str, code: int) -> int:
    print(f"{name}: " + message.replace("\n", " "), file=sys.stderr)
    return code
