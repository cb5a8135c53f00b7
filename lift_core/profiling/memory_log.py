"""Logs what memory holds at a moment: this process, the machine, the GPU, and the largest tensors."""

from __future__ import annotations

import gc
import logging
import warnings
from dataclasses import dataclass
from typing import TypeVar

import psutil
import torch
from torch import Tensor, nn

from lift_core.errors import ConfigError
from lift_core.profiling.ledger import megabytes
from lift_core.profiling.machine_memory import MachineMemory, machine_memory

_log = logging.getLogger(__name__)
_Kind = TypeVar("_Kind")


@dataclass(frozen=True)
class ProcessMemory:
    """Bytes of this process.

    Attributes:
        rss: resident: what of it lies in main memory, pages shared with other processes included.
        vms: addresses that it has asked for, whether memory lies behind them or not.
        uss: what no other process shares, and would be free if this one ended; None where the system lets no one look.
        shared: resident pages that others may use too: libraries, and tensors in shared memory. 0 where the system
            does not tell (macOS, Windows).
    """

    rss: int
    vms: int
    uss: int | None
    shared: int


@dataclass(frozen=True)
class GpuMemory:
    """Bytes of one CUDA device.

    Attributes:
        name: of the device, as torch calls it: ``cuda:0``.
        allocated: of live tensors of this process. reserved: what torch holds for them, freed blocks included.
        free: what any process can still have. total: all of the device.
    """

    name: str
    allocated: int
    reserved: int
    free: int
    total: int


@dataclass(frozen=True)
class LiveTensor:
    """A tensor that lives.

    Attributes:
        shape, dtype, device: its own.
        bytes: of the memory under it, which may be more than it shows: a view holds all of what it views.
    """

    shape: tuple[int, ...]
    dtype: str
    device: str
    bytes: int


@dataclass(frozen=True)
class LiveModel:
    """A module that is part of no other one.

    Attributes:
        name: of its class. parameters: how many numbers it learns. bytes: of its parameters and buffers, each once.
    """

    name: str
    parameters: int
    bytes: int


@dataclass(frozen=True)
class MemoryStats:
    """Memory at one moment.

    Attributes:
        label: the caller's name for the moment.
        process, machine: of this process, and of what it runs in.
        gpus: of the CUDA devices, where this process uses them.
        tensors: the largest live tensors, largest first; empty unless details were asked for.
        tensor_count, tensor_bytes: of all live tensors, each memory once; 0 unless details were asked for.
        models: live models, largest first; empty unless details were asked for.
        warning: why memory may run out soon; None while there is enough.
    """

    label: str
    process: ProcessMemory
    machine: MachineMemory
    gpus: tuple[GpuMemory, ...] = ()
    tensors: tuple[LiveTensor, ...] = ()
    tensor_count: int = 0
    tensor_bytes: int = 0
    models: tuple[LiveModel, ...] = ()
    warning: str | None = None

    def __str__(self) -> str:
        own, machine = self.process, self.machine
        used = [f"{share:.0%} of {place} memory" for place, share in _places(machine)]
        uss = "unknown" if own.uss is None else megabytes(own.uss)
        shm = "" if machine.shared_free is None else f", {megabytes(machine.shared_free)} free in /dev/shm"
        lines = [
            f"{self.label}: RSS {megabytes(own.rss)}, VMS {megabytes(own.vms)}, USS {uss},"
            f" shared {megabytes(own.shared)}; {' and '.join(used)} in use (at most {megabytes(machine.limit)}),"
            f" {megabytes(machine.available)} left{shm}"
        ]
        lines += [
            f"  {gpu.name}: allocated {megabytes(gpu.allocated)}, reserved {megabytes(gpu.reserved)},"
            f" {megabytes(gpu.free)} of {megabytes(gpu.total)} free"
            for gpu in self.gpus
        ]
        if self.tensor_count:
            lines.append(f"  {self.tensor_count} memories of tensors, {megabytes(self.tensor_bytes)}; the largest:")
        lines += [f"    {megabytes(t.bytes):>10}  {t.dtype} {list(t.shape)} on {t.device}" for t in self.tensors]
        lines += [f"  model {m.name}: {m.parameters:,} parameters, {megabytes(m.bytes)}" for m in self.models]
        return "\n".join(lines)


def log_memory_stats(
    label: str,
    detailed: bool = False,
    *,
    largest: int = 10,
    threshold: float = 0.9,
    logger: logging.Logger = _log,
) -> MemoryStats:
    """Take stock of memory and log it at level INFO, or as a WARNING that says why where memory is about to run out.

    Args:
        label: what the moment is, as in "after epoch 3".
        detailed: also list the largest tensors and the models. That walks through all objects that Python's collector
            tracks: a fraction of a second, too long for every step.
        largest: how many tensors to list.
        threshold: share of the memory, above 0 and at most 1, from which on it warns: of the machine's, or of its
            container's where that is tighter, of each GPU's, and of /dev/shm's.
        logger: where it is written; by default this module's.

    Raises:
        ConfigError: a threshold or a number that makes no sense.
    """
    if not 0 < threshold <= 1:
        raise ConfigError(f"the threshold of a memory warning is {threshold}", fix="Give a share, as 0.9 for 90 %.")
    if largest < 1:
        raise ConfigError(f"{largest} tensors cannot be listed", fix="Give 1 or more.")
    process, machine, gpus = process_memory(), machine_memory(), gpu_memory()
    tensors = _tensors() if detailed else []
    stats = MemoryStats(
        label=label,
        process=process,
        machine=machine,
        gpus=gpus,
        tensors=tuple(tensors[:largest]),
        tensor_count=len(tensors),
        tensor_bytes=sum(tensor.bytes for tensor in tensors),
        models=tuple(_models()) if detailed else (),
        warning=_warning(machine, gpus, threshold),
    )
    if stats.warning is None:
        logger.info("%s", stats)
    else:
        logger.warning("%s\n  %s", stats, stats.warning)
    return stats


def process_memory() -> ProcessMemory:
    """Bytes of this process now."""
    process = psutil.Process()
    memory = process.memory_info()
    try:
        uss = process.memory_full_info().uss
    except psutil.AccessDenied:
        # Hardened systems and some containers hide a process's pages even from itself.
        uss = None
    return ProcessMemory(memory.rss, memory.vms, uss, getattr(memory, "shared", 0))


def gpu_memory() -> tuple[GpuMemory, ...]:
    """Bytes of each CUDA device; none before this process has used one, for looking would already take memory."""
    if not torch.cuda.is_initialized():
        return ()
    found = []
    for number in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(number)
        allocated, reserved = torch.cuda.memory_allocated(number), torch.cuda.memory_reserved(number)
        found.append(GpuMemory(f"cuda:{number}", allocated, reserved, free, total))
    return tuple(found)


def _places(machine: MachineMemory) -> list[tuple[str, float]]:
    places = [("the machine's", machine.machine_share)]
    if machine.container_share is not None:
        places.append(("the container's", machine.container_share))
    return places


def _warning(machine: MachineMemory, gpus: tuple[GpuMemory, ...], threshold: float) -> str | None:
    reasons = [f"{share:.0%} of {place} memory is in use" for place, share in _places(machine) if share >= threshold]
    if machine.shared_total and machine.shared_free is not None:
        shared = 1 - machine.shared_free / machine.shared_total
        if shared >= threshold:
            reasons.append(f"{shared:.0%} of /dev/shm is in use")
    for gpu in gpus:
        # What torch has reserved and does not use is still this process's to give out.
        used = 1 - (gpu.free + gpu.reserved - gpu.allocated) / gpu.total
        if used >= threshold:
            reasons.append(f"{used:.0%} of {gpu.name} is in use")
    if not reasons:
        return None
    return (
        f"memory may run out: {'; '.join(reasons)}. Use a smaller batch or fewer workers;"
        " `lift budget` tells what a training step needs."
    )


def _tensors() -> list[LiveTensor]:
    """Live tensors that Python knows of, largest memory first; of those that share one memory, the one that shows most.

    What only autograd's graph holds is no Python object and is not among them.
    """
    by_memory: dict[tuple[str, int], Tensor] = {}
    for tensor in _tracked(Tensor):
        try:
            if tensor.layout != torch.strided or tensor.is_nested or _size(tensor) == 0:
                continue
            key = str(tensor.device), tensor.untyped_storage()._cdata
        except (RuntimeError, NotImplementedError):
            # Tensors without memory of their own: those of vmap, of a lazy backend.
            continue
        known = by_memory.get(key)
        if known is None or known.numel() < tensor.numel():
            by_memory[key] = tensor
    found = [
        LiveTensor(
            tuple(tensor.shape),
            str(tensor.dtype).removeprefix("torch."),
            str(tensor.device),
            _size(tensor),
        )
        for tensor in by_memory.values()
    ]
    return sorted(found, key=lambda tensor: tensor.bytes, reverse=True)


def _size(tensor: Tensor) -> int:
    """Bytes of the memory under a tensor; the tensors of a trace have a shape and none."""
    storage = tensor.untyped_storage()
    return 0 if storage.device.type == "meta" else storage.nbytes()


def _models() -> list[LiveModel]:
    modules = _tracked(nn.Module)
    inner = {id(child) for module in modules for child in module.children()}
    found = []
    for module in modules:
        if id(module) in inner:
            continue
        memories = {t.untyped_storage()._cdata: t for t in (*module.parameters(), *module.buffers())}
        size = sum(map(_size, memories.values()))
        if size:
            numbers = sum(parameter.numel() for parameter in module.parameters())
            found.append(LiveModel(type(module).__name__, numbers, size))
    return sorted(found, key=lambda model: model.bytes, reverse=True)


def _tracked(kind: type[_Kind]) -> list[_Kind]:
    """Live objects of a kind that Python's collector tracks."""
    with warnings.catch_warnings():
        # Proxies and deprecated lazy modules warn when they are asked for their class.
        warnings.simplefilter("ignore")
        return [found for found in gc.get_objects() if _is(found, kind)]


def _is(found: object, kind: type) -> bool:
    try:
        return isinstance(found, kind)
    except Exception:
        # A weak proxy whose object is gone raises ReferenceError, other proxies what they like.
        return False
