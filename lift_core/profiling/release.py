"""Gives back memory that nobody needs any more, and says how much that was."""

from __future__ import annotations

import ctypes
import gc
import sys
import time
from dataclasses import dataclass

import psutil
import torch

from lift_core.profiling.ledger import megabytes


@dataclass(frozen=True)
class Released:
    """What `release_memory` gave back, and what it took.

    Attributes:
        objects: unreachable objects that the collector found.
        rss_before, rss_after: resident bytes of this process.
        reserved_before, reserved_after: bytes that torch holds of all CUDA devices, in use or not; 0 without any.
        seconds: on the wall.
    """

    objects: int
    rss_before: int
    rss_after: int
    reserved_before: int
    reserved_after: int
    seconds: float

    @property
    def rss(self) -> int:
        """Bytes of main memory that went back to the system; 0 where the process grew meanwhile."""
        return max(self.rss_before - self.rss_after, 0)

    @property
    def reserved(self) -> int:
        """Bytes that went back to the CUDA devices."""
        return max(self.reserved_before - self.reserved_after, 0)

    def __str__(self) -> str:
        gpu = f" and {megabytes(self.reserved)} of the GPU" if self.reserved_before else ""
        return (
            f"released {megabytes(self.rss)} of main memory{gpu} in {1e3 * self.seconds:.0f} ms;"
            f" {self.objects} unreachable objects collected"
        )


def release_memory() -> Released:
    """Collect cycles of references, give freed blocks back to the system and cached ones to the GPU, and wait for it.

    It frees nothing that a variable still holds, and speeds nothing up: what is given back is asked for again. It
    helps where another process needs the memory, after a step that failed for want of it, and where large tensors
    are part of cycles (an error's traceback, for one), which the collector would find later only. Freed blocks at the
    very end of a heap stay where glibc cannot shrink it, as in threads' heaps, or where a library moved the break.
    """
    start, before, reserved = time.perf_counter(), _rss(), _reserved()
    objects = gc.collect()
    trim_heap()
    if torch.cuda.is_initialized():
        # What kernels still use is not given back: those of every device are waited for first.
        for device in range(torch.cuda.device_count()):
            torch.cuda.synchronize(device)
        torch.cuda.empty_cache()
    return Released(objects, before, _rss(), reserved, _reserved(), time.perf_counter() - start)


def trim_heap() -> bool:
    """Give the freed pages of the heap back to the system; whether this system's allocator (glibc) can and did."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except AttributeError:
        # Another C library, musl for one, has no such function.
        return False


def _rss() -> int:
    return int(psutil.Process().memory_info().rss)


def _reserved() -> int:
    if not torch.cuda.is_initialized():
        return 0
    return sum(torch.cuda.memory_reserved(device) for device in range(torch.cuda.device_count()))
