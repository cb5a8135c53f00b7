"""What this process holds of the machine's memory and of a GPU's, in numbers for a log."""

from __future__ import annotations

import psutil
import torch


def memory_in_use(device: torch.device) -> dict[str, float]:
    """MB (10^6 bytes) by name.

    Returns:
        ``rss_mb``: resident memory of this process, libraries and shared pages included. On a CUDA device also
        ``gpu_mb``: what tensors take now, and ``gpu_peak_mb``: what they took at most so far.
    """
    found = {"rss_mb": psutil.Process().memory_info().rss / 1e6}
    if device.type == "cuda":
        found["gpu_mb"] = torch.cuda.memory_allocated(device) / 1e6
        found["gpu_peak_mb"] = torch.cuda.max_memory_allocated(device) / 1e6
    return found
