"""The memory that forked processes come to own by touching what they inherited: copy on write, measured."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection

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
        ConfigError: a system that cannot fork.
    """
    try:
        context = get_context("fork")
    except ValueError as error:
        raise ConfigError("this system does not fork processes", fix="Measure on Linux.") from error
    pipes, processes = [], []
    for _ in range(workers):
        here, there = context.Pipe()
        process = context.Process(target=_measure, args=(touch, there))
        process.start()
        pipes.append(here)
        processes.append(process)
    growth = [int(pipe.recv()) for pipe in pipes]
    for pipe, process in zip(pipes, processes, strict=True):
        pipe.send(None)
        process.join()
    return growth


def _measure(touch: Callable[[], object], pipe: Connection) -> None:
    # The first look imports and allocates what later ones reuse.
    _private_bytes()
    before = _private_bytes()
    touch()
    pipe.send(_private_bytes() - before)
    pipe.recv()


def _private_bytes() -> int:
    return int(psutil.Process().memory_full_info().uss)
