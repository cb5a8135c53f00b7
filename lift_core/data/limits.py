"""Limits of the machine on handing over batches, shared memory and open files, and what to do where they are low."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, replace
from pathlib import Path

from lift_core.data.tuner import LoaderSettings, free_shared_memory

_log = logging.getLogger(__name__)

_SHARE = 0.9
# In the training process: a pipe to each worker and what watches over it; and each tensor that is in flight.
_FILES_OF_A_WORKER = 6
_FILES_OF_A_BATCH = 6
_SPARE_FILES = 16


@dataclass(frozen=True)
class Limits:
    """What is left of the machine for a loader.

    Attributes:
        shared_memory: free bytes, None where nothing limits them.
        files: files that this process may still open, None where nothing limits them.
    """

    shared_memory: int | None
    files: int | None

    @classmethod
    def now(cls) -> Limits:
        """Of this process, at this moment."""
        return cls(free_shared_memory(), _files_left())


def fit(settings: LoaderSettings, batch_bytes: int, limits: Limits | None = None) -> LoaderSettings:
    """The settings nearest to ``settings`` that the machine can carry; each change is told in one warning.

    Slots come first: they need one open file for all batches, and no more shared memory than these take. Where they
    do not fit, batches travel in fresh memory; where too few files may be open for that, by file names; and where
    shared memory or open files do not even suffice for that, the training process reads by itself.

    Args:
        settings: what was asked for.
        batch_bytes: of the pictures of one batch; 0 where it is unknown.
        limits: by default those of now.
    """
    if settings.num_workers == 0:
        return settings
    limits = limits or Limits.now()
    return _fit_files(_fit_shared_memory(settings, batch_bytes, limits), limits)


def _fit_shared_memory(settings: LoaderSettings, batch_bytes: int, limits: Limits) -> LoaderSettings:
    if limits.shared_memory is None:
        return settings
    room = int(limits.shared_memory * _SHARE)
    if settings.slots and ring_bytes(settings, batch_bytes) > room:
        _log.warning(
            "no slots: %s free in /dev/shm, and %d batches of %s need more; they travel in fresh memory",
            _mb(limits.shared_memory),
            settings.read_ahead + settings.kept,
            _mb(batch_bytes),
        )
        settings = replace(settings, slots=False)
    # Without slots, what is read ahead lies there, and the batch that is being used.
    needed = (settings.read_ahead + 1) * batch_bytes
    if needed <= room:
        return settings
    _log.warning(
        "no workers: %s free in /dev/shm, and %d workers that read %d batches of %s ahead need %s; this process reads"
        " by itself. Give the container more (docker run --shm-size=2g), or ask for fewer workers, less read-ahead or"
        " smaller batches",
        _mb(limits.shared_memory),
        settings.num_workers,
        settings.prefetch_factor,
        _mb(batch_bytes),
        _mb(needed),
    )
    return _alone(settings)


def _fit_files(settings: LoaderSettings, limits: Limits) -> LoaderSettings:
    if limits.files is None or settings.num_workers == 0:
        return settings
    room = limits.files - _SPARE_FILES - settings.num_workers * _FILES_OF_A_WORKER
    if room < 1:
        _log.warning(
            "no workers: this process may open %d more files, and %d workers need more; it reads by itself. Raise the"
            " limit (ulimit -n 4096)",
            limits.files,
            settings.num_workers,
        )
        return _alone(settings)
    in_flight = _FILES_OF_A_BATCH * (settings.read_ahead + settings.kept)
    if settings.sharing is None and in_flight > room and os.name != "nt":
        # Slots need it only for the rare batch without one, so it is worth no warning then.
        if not settings.slots:
            _log.warning(
                "batches travel by file names: this process may open %d more files, and %d are needed for the tensors"
                " in flight. Raise the limit (ulimit -n 4096), or use slots",
                limits.files,
                in_flight,
            )
        return replace(settings, sharing="file_system")
    return settings


def ring_bytes(settings: LoaderSettings, batch_bytes: int) -> int:
    """Bytes of the slots that a loader keeps: for every batch that is read ahead, and those that are being used."""
    return (settings.read_ahead + settings.kept) * batch_bytes


def _alone(settings: LoaderSettings) -> LoaderSettings:
    return replace(settings, num_workers=0)


def _files_left() -> int | None:
    try:
        import resource
    except ImportError:
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return None
    for listing in ("/proc/self/fd", "/dev/fd"):
        if Path(listing).is_dir():
            return max(0, soft - len(os.listdir(listing)))
    return int(soft)


def _mb(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
