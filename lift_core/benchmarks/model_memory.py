"""Memory of a piece of the model: the bytes of its live tensors, and what a process of its own grows by."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lift_core.profiling.live_bytes import peak_live_bytes
from lift_core.profiling.measure import freed_at_once, peak_rss

_PAGE = 4096

Prepared = tuple[Callable[[], object], list[Tensor]]
"""A piece of work, and the tensors that are there before it."""

_cache: dict[object, Prepared] = {}


def counted_and_measured(prepare: Callable[..., Prepared], *args: object) -> tuple[int, int]:
    """Bytes of tensors that live at once in a piece of work, and by how much a process that does it grows.

    Args:
        prepare: a function of a module that makes the piece of work; what it allocates does not count.
        args: of ``prepare``; hashable.
    """
    return count_live_bytes(prepare, *args), measured_growth(prepare, *args)


def measured_growth(prepare: Callable[..., Prepared], *args: object) -> int:
    """Bytes by which a process that does a piece of work for the second time grows, at most."""
    with freed_at_once():
        measured = peak_rss(run_prepared, prepare, *args, warm_up=(prepare, *args))
    # What fits into blocks that the process holds anyway grows it by nothing.
    return max(measured, _PAGE)


def count_live_bytes(prepare: Callable[..., Prepared], *args: object) -> int:
    """Bytes of tensors that a piece of work makes and that live at once, at most."""
    work, given = prepare(*args)
    # Not in inference mode, in which operators made of others keep what happens inside to themselves.
    with torch.no_grad():
        return peak_live_bytes(work, given)


def run_prepared(prepare: Callable[..., Prepared], *args: object) -> None:
    """Do the work in this process; the first call prepares it, later ones find it prepared."""
    key = (prepare, args)
    if key not in _cache:
        _cache[key] = prepare(*args)
    with torch.inference_mode():
        _cache[key][0]()
