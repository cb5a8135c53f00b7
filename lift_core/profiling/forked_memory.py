"""The memory that forked processes come to own by touching what they inherited: copy on write, measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import psutil

from lift_core.errors import ConfigError


def growth_when_forked(touch: Callable[[], object], workers: int = 2) -> list[int]:
    """Bytes of private memory that each of several forked processes gains while it runs ``touch()``.

    After a fork all pages are shared. A process gets a page of its own when it writes to it, and reading a Python
    object writes its reference count (pytorch issue 13246). What is counted is memory that no other process shares
    (psutil's USS). All processes live until the last has measured, so that no page becomes private by being left alone.

    Args:
        touch: reads what was inherited.
        workers: how many processes.

    Raises:
        ConfigError: a system that cannot fork, or a process that ended before it had measured.
    """
    try:
        context = get_context("fork")
    except ValueError as error:
        raise ConfigError("this system does not fork processes", fix="Measure on Linux.") from error
    pipes: list[Connection] = []
    processes: list[BaseProcess] = []
    try:
        for _ in range(workers):
            here, there = context.Pipe()
            process = context.Process(target=_measure, args=(touch, there, (*pipes, here)))
            process.start()
            # Only with this end closed does a process that dies end the wait for what it sends.
            there.close()
            pipes.append(here)
            processes.append(process)
        return [int(pipe.recv()) for pipe in pipes]
    except EOFError as error:
        raise ConfigError("a forked process ended before it had measured", where=repr(touch)) from error
    finally:
        for pipe in pipes:
            pipe.close()
        for started in processes:
            started.join()


def _measure(touch: Callable[[], object], pipe: Connection, inherited: Sequence[Connection]) -> None:
    # A copy of the parent's ends that stayed open here would keep others from seeing that the parent has let go.
    for other in inherited:
        other.close()
    # The first look imports and allocates what later ones reuse.
    _private_bytes()
    before = _private_bytes()
    touch()
    pipe.send(_private_bytes() - before)
    with suppress(EOFError):
        pipe.recv()


def _private_bytes() -> int:
    return int(psutil.Process().memory_full_info().uss)
