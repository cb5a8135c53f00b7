"""Loader settings: how many workers and how much read-ahead, by a rule that states its reasons."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil
import torch

from lift_core.errors import ConfigError

StartMethod = Literal["fork", "spawn", "forkserver"]
Sharing = Literal["file_descriptor", "file_system"]

_WORKER_BYTES = 300_000_000
_MEMORY_SHARE = 0.25
_SHARED_MEMORY_SHARE = 0.5
_MOST_WORKERS = 16
# Far above the slowest batch that still makes sense to wait for.
_TIMEOUT_S = 600.0


@dataclass(frozen=True)
class LoaderSettings:
    """How a DataLoader runs; it changes speed and memory, never a sample.

    Attributes:
        num_workers: reading processes; 0 reads in the training process.
        prefetch_factor: batches each worker reads ahead.
        persistent_workers: keep workers between epochs.
        pin_memory: copy batches to page-locked memory, for asynchronous transfers to an accelerator.
        start_method: of worker processes; None is the platform's own.
        slots: workers read batches straight into shared memory that is used again and again, see
            ``lift_core.data.slots``; False stacks each batch in fresh shared memory. Without workers it means nothing.
        kept: batches that their user holds at one time, for which slots are kept beside those that are read ahead;
            who holds more gets the next ones in fresh memory. 2 is a loop that holds one while it asks for the next.
        timeout: seconds after which a worker that hands over nothing is given up, with a LoaderError; 0 waits for
            ever. Choose it far above the time of the slowest batch. Without workers it means nothing.
        sharing: how batches without a slot travel: "file_descriptor", torch's own on Linux, or "file_system", which
            needs no open file for each tensor; None chooses by the limit on open files.

    Raises:
        ConfigError: a negative number of workers or seconds, no read-ahead, or no batch kept.
    """

    num_workers: int = 0
    prefetch_factor: int = 2
    persistent_workers: bool = True
    pin_memory: bool = False
    start_method: StartMethod | None = None
    slots: bool = True
    kept: int = 2
    timeout: float = 0.0
    sharing: Sharing | None = None

    @property
    def read_ahead(self) -> int:
        """Batches that workers are asked for before they are needed."""
        return self.num_workers * self.prefetch_factor

    def __post_init__(self) -> None:
        if self.num_workers < 0 or self.prefetch_factor < 1:
            raise ConfigError(
                f"{self.num_workers} workers that read {self.prefetch_factor} batches ahead cannot be",
                fix="Choose 0 or more workers and a prefetch factor of at least 1.",
            )
        if self.kept < 1 or self.timeout < 0:
            raise ConfigError(
                f"{self.kept} batches kept and a timeout of {self.timeout} seconds cannot be",
                fix="Keep at least 1 batch, and wait 0 seconds (for ever) or more.",
            )


def recommend_settings(
    cores: int | None = None,
    memory_bytes: int | None = None,
    accelerator: bool | None = None,
    *,
    batch_bytes: int = 0,
    processes: int = 1,
    shared_memory_bytes: int | None = None,
) -> LoaderSettings:
    """Settings for one training process, by rule.

    - With an accelerator the training process needs one core to launch kernels, and all others read: cores - 1,
      but at least 2 workers, for a worker that waits for a disk leaves its core to the other.
    - Without one the model itself computes on every core. Workers take its time, so one in four cores reads, and at
      least 1: a single worker still reads while the model works, and overlaps waiting for disks.
    - Cores are shared by the training processes of the machine, and 16 workers are the most.
    - Workers may use a quarter of the memory (0.3 GB each plus the batches they read ahead), and the batches in
      flight half of the shared memory; where that is too little, workers are given up, in the end all of them.
      ``lift_core.data.limits`` looks again when a loader starts.
    - A worker that hands over nothing for ten minutes is given up, so that a stuck one does not hang a training for
      ever; only who asks for ``timeout=0`` waits without end.

    So there are 0 workers only where memory forbids one, never because a subtraction gave 0 on two cores.

    Args:
        cores: usable cores; by default those that this process may run on, within a container's quota.
        memory_bytes: memory to plan with; by default what is available now.
        accelerator: whether batches go to one; by default whether torch finds one.
        batch_bytes: size of a batch as it leaves the workers (uint8), 0 if unknown.
        processes: training processes on this machine.
        shared_memory_bytes: free shared memory; by default that of /dev/shm, where there is one.
    """
    cores = usable_cores() if cores is None else cores
    memory = psutil.virtual_memory().available if memory_bytes is None else memory_bytes
    accelerator = torch.accelerator.is_available() if accelerator is None else accelerator
    shared = free_shared_memory() if shared_memory_bytes is None else shared_memory_bytes
    share = max(1, cores // max(processes, 1))
    wanted = max(2, share - 1) if accelerator else max(1, share // 4)
    prefetch = 2
    fits_memory = int(memory * _MEMORY_SHARE / processes // (_WORKER_BYTES + prefetch * batch_bytes))
    limits = [wanted, _MOST_WORKERS, fits_memory]
    if shared is not None and batch_bytes > 0:
        limits.append(int(shared * _SHARED_MEMORY_SHARE / processes // (prefetch * batch_bytes)))
    workers = max(0, min(limits))
    return LoaderSettings(
        num_workers=workers,
        prefetch_factor=prefetch,
        persistent_workers=workers > 0,
        pin_memory=accelerator,
        timeout=_TIMEOUT_S,
    )


def processes_here(world_size: int) -> int:
    """Training processes of this machine: LOCAL_WORLD_SIZE, as torchrun sets it, else all ``world_size`` of them."""
    told = os.environ.get("LOCAL_WORLD_SIZE", "")
    return int(told) if told.isdecimal() and int(told) > 0 else world_size


def usable_cores() -> int:
    """Cores this process may use: its affinity, and a container's quota rounded down, at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota(Path("/sys/fs/cgroup/cpu.max"))
    return max(1, cores if quota is None else min(cores, int(quota)))


def free_shared_memory() -> int | None:
    """Free bytes of /dev/shm, through which worker processes hand over batches; None where there is none."""
    try:
        return shutil.disk_usage("/dev/shm").free
    except OSError:
        return None


def _quota(path: Path) -> float | None:
    try:
        quota, period = path.read_text().split()
        return None if quota == "max" else float(quota) / float(period)
    except (OSError, ValueError):
        return None
