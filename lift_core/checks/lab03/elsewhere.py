"""Lab 03: runs a student's code as another process, or a loader's worker, would run it."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

import numpy as np
import torch
from torch.utils.data import TensorDataset
from torch.utils.data._utils import worker


def in_another_process(candidate: Callable[..., Any]) -> Callable[..., Any]:
    """The function or class as another Python would run it, where ``hash()`` of a text is another number."""
    if isinstance(candidate, FunctionType):
        return _moved(candidate)
    if isinstance(candidate, type):
        methods = {
            name: _moved(method)
            for base in reversed(candidate.__mro__)
            for name, method in vars(base).items()
            if isinstance(method, FunctionType)
        }
        # As a subclass its methods may still call super().
        return type(candidate.__name__, (candidate,), methods)
    return candidate


def _moved(function: FunctionType) -> FunctionType:
    names = {**function.__globals__, "hash": _other_hash}
    moved = FunctionType(function.__code__, names, function.__name__, function.__defaults__, function.__closure__)
    moved.__kwdefaults__ = function.__kwdefaults__
    return moved


def _other_hash(value: Any) -> int:
    return hash(("another process", value)) if _holds_text(value) else hash(value)


def _holds_text(value: Any) -> bool:
    inner = value if isinstance(value, tuple | frozenset) else ()
    return isinstance(value, str | bytes) or any(map(_holds_text, inner))


@contextmanager
def as_worker(number: int) -> Iterator[None]:
    """Within it worker ``number`` of a loader is at work: by its process number, torch's account and the seeds."""
    random.seed(number)
    np.random.seed(number)
    torch.default_generator.manual_seed(number)  # torch.manual_seed looks at the stack first, which takes longer.
    kept = os.getpid, worker._worker_info
    os.getpid = lambda: 100_000 + number
    worker._worker_info = worker.WorkerInfo(
        id=number, num_workers=number + 1, seed=number, dataset=TensorDataset(torch.zeros(1))
    )
    try:
        yield
    finally:
        os.getpid, worker._worker_info = kept
