"""Tracing: who read which batch and when, and how long the training waited for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, get_worker_info

from lift_core.viz.trace import TRAINING, Span, Trace


class TracedDataset(Dataset[dict[str, Any]]):
    """The samples of another data set, each with the process that read it, and from when to when.

    A sample is a dict with ``sample``, and ``read``: a float64 tensor ``[3]`` of the worker's number (-1 in the
    training process) and two moments of ``time.perf_counter``, which all processes of a machine share.
    """

    def __init__(self, dataset: Dataset[Any]) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> dict[str, Any]:
        started = time.perf_counter()
        sample = self.dataset[index]
        worker = get_worker_info()
        read = [-1 if worker is None else worker.id, started, time.perf_counter()]
        return {"sample": sample, "read": torch.tensor(read, dtype=torch.float64)}


def traced(loader: Iterable[dict[str, Any]], step: Callable[[Any], object], *, epochs: int = 1) -> Trace:
    """Train for some epochs on the batches of a `TracedDataset`, and tell what happened when.

    Args:
        loader: its batches; iterated anew for each epoch.
        step: what the training does with a batch's samples.
        epochs: passes over the loader.
    """
    return Trace(list(_spans(loader, step, epochs)))


def _spans(loader: Iterable[dict[str, Any]], step: Callable[[Any], object], epochs: int) -> Iterator[Span]:
    asked = time.perf_counter()
    for _ in range(epochs):
        for batch in loader:
            came = time.perf_counter()
            step(batch["sample"])
            done = time.perf_counter()
            yield from _arrival(batch["read"], asked, came)
            yield Span(TRAINING, "computing", came, done)
            asked = done


def _arrival(read: Tensor, asked: float, came: float) -> Iterator[Span]:
    """How a batch came, from the ``[B, 3]`` of its samples: read by the training itself, or by a worker."""
    worker = int(read[0, 0])
    if worker < 0:
        yield Span(TRAINING, "loading", asked, came)
        return
    yield Span(f"worker {worker}", "loading", float(read[:, 1].min()), float(read[:, 2].max()))
    yield Span(TRAINING, "waiting", asked, came)
