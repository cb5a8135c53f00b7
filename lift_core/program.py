"""How a program of this project ends: with an exit code, and one line where a user has to know why."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from io import TextIOWrapper

from lift_core.errors import ConfigError, LiftError, MissingDependencyError

EXIT_BROKEN_PIPE = 1
EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130


def exit_code(name: str, work: Callable[[], int], *, stopped: str = "stopped") -> int:
    """Do the work of the program ``name`` and return its exit code.

    A LiftError, no memory left, and a package that is not installed are 2, and one line to stderr. Ctrl-C is 130, and
    the line ``stopped``. A reader of the output that has left, as ``head`` does, is 1, and no line.
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
    except ModuleNotFoundError as error:
        return _ended(name, str(_missing_package(error)), EXIT_USER_ERROR)
    except KeyboardInterrupt:
        return _ended(name, stopped, EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The interpreter's own flush at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except Exception as error:
        return _ended(name, str(_no_memory(error)), EXIT_USER_ERROR)


def _ended(name: str, message: str, code: int) -> int:
    print(f"{name}: " + message.replace("\n", " "), file=sys.stderr)
    return code


def _missing_package(error: ModuleNotFoundError) -> MissingDependencyError:
    """Turn a failed import of another project's package into advice; a fault of our own is raised as it is."""
    package = (error.name or "").partition(".")[0]
    if package in ("", "lift_core"):
        raise error
    return MissingDependencyError(
        f"the Python package '{package}' is not installed.",
        fix="Run `make setup`; `lift doctor` lists what is missing.",
    )


def _no_memory(error: Exception) -> LiftError:
    """Turn memory that ran out into advice; any other fault is raised as it is."""
    # By names and texts: neither library is imported for a command that does without, and torch's CPU allocator has no
    # type of its own.
    kind, text = type(error), str(error)
    of_torch = isinstance(error, RuntimeError) and (
        kind.__name__ == "OutOfMemoryError" or "can't allocate memory" in text
    )
    of_opencv = (kind.__module__, kind.__name__) == ("cv2", "error") and "Insufficient memory" in text
    if not (isinstance(error, MemoryError) or of_torch or of_opencv):
        raise error
    return ConfigError(
        "there is no memory left for this.",
        fix="Choose smaller frames, batches or contexts, less --memory where the program has that, or end others.",
    )
