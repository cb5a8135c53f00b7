"""Pipeline: a training and its loader as a handful of costs, to be played on a simulated clock or on this machine."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from lift_core.data.tracing import TracedDataset, traced
from lift_core.errors import ConfigError
from lift_core.viz.trace import Trace


@dataclass(frozen=True)
class Pipeline:
    """What one sample and one step cost, and how the loader is set.

    A sample is waited for (a disk or a network, which needs no core), decoded and transformed (which needs a core).
    A step runs on a device of its own and needs no core. Times are in milliseconds.

    Attributes:
        name: what to call it.
        wait_ms, decode_ms, transform_ms: for one sample.
        step_ms: for one batch.
        slow_every, slow_ms: every so-manieth sample is waited for this much longer; 0 for none.
        start_ms: until a worker that starts asks for its first batch.
        batch_size, batches, epochs: samples of a batch, batches of an epoch, epochs.
        cores: of the simulated machine.
        num_workers, prefetch_factor, persistent_workers: as torch's DataLoader has them.
        precomputed: the transform was applied once, before the training, and its results are read instead of the
            originals; it costs nothing any more.

    Raises:
        ConfigError: a number that cannot be.
    """

    name: str
    wait_ms: float
    decode_ms: float
    transform_ms: float
    step_ms: float
    slow_every: int = 0
    slow_ms: float = 0.0
    start_ms: float = 30.0
    batch_size: int = 4
    batches: int = 24
    epochs: int = 1
    cores: int = 2
    num_workers: int = 0
    prefetch_factor: int = 2
    persistent_workers: bool = False
    precomputed: bool = False

    def __post_init__(self) -> None:
        costs = (self.wait_ms, self.slow_ms, self.decode_ms, self.transform_ms, self.step_ms, self.start_ms)
        counts = (self.batch_size, self.batches, self.epochs, self.cores, self.prefetch_factor)
        if (
            not all(0 <= cost < float("inf") for cost in costs)
            or min(counts) < 1
            or min(self.num_workers, self.slow_every) < 0
        ):
            raise ConfigError("the costs or settings cannot be", where=self.name, fix="Times are 0 or more, counts 1.")

    def __str__(self) -> str:
        """Costs and settings, in three lines."""
        return (
            f"{self.name}: {self.batches} batches of {self.batch_size} in an epoch, epochs: {self.epochs}\n"
            f"    a sample waits {self.wait_ms:g} ms, decodes {self.decode_ms:g}, transforms {self.transform_ms:g} ms,"
            f" a batch computes {self.step_ms:g} ms\n"
            f"    num_workers={self.num_workers}, prefetch_factor={self.prefetch_factor},"
            f" persistent_workers={self.persistent_workers}, precomputed={self.precomputed}"
        )

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of a core that one sample needs."""
        return self.decode_ms + (0.0 if self.precomputed else self.transform_ms)

    def waiting_ms(self, sample: int) -> float:
        """Milliseconds that sample number ``sample`` of an epoch is waited for."""
        slow = self.slow_every > 0 and sample % self.slow_every == self.slow_every - 1
        return self.wait_ms + (self.slow_ms if slow else 0.0)


class CostedDataset(Dataset[Tensor]):
    """Samples that cost what a pipeline says, really: it sleeps, and keeps a core busy."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline

    def __len__(self) -> int:
        return self.pipeline.batch_size * self.pipeline.batches

    def __getitem__(self, index: int) -> Tensor:
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        time.sleep(self.pipeline.waiting_ms(index) / 1000)
        keep_busy(self.pipeline.cpu_ms / 1000)
        return torch.tensor(index)


def keep_busy(seconds: float) -> None:
    """Use a core for so many seconds of its time, however long that takes."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


class _SlowStart:
    def __init__(self, milliseconds: float) -> None:
        self._seconds = milliseconds / 1000

    def __call__(self, worker: int) -> None:
        torch.set_num_threads(1)
        time.sleep(self._seconds)


def play(pipeline: Pipeline) -> Trace:
    """Run a pipeline on this machine with torch's DataLoader: real processes, real waiting, real work for cores.

    The machine's own number of cores counts, not ``pipeline.cores``; starting a worker takes its own time besides.
    """
    workers = pipeline.num_workers > 0
    with warnings.catch_warnings():
        # That there may be more workers than cores is what a pipeline is played for.
        warnings.filterwarnings("ignore", message="This DataLoader will create")
        loader = DataLoader(
            TracedDataset(CostedDataset(pipeline)),
            batch_size=pipeline.batch_size,
            num_workers=pipeline.num_workers,
            prefetch_factor=pipeline.prefetch_factor if workers else None,
            persistent_workers=pipeline.persistent_workers and workers,
            worker_init_fn=_SlowStart(pipeline.start_ms),
            # DataLoader draws a seed at every start: from here, and not from torch's own generator.
            generator=torch.Generator(),
        )
        return traced(loader, lambda batch: time.sleep(pipeline.step_ms / 1000), epochs=pipeline.epochs)
