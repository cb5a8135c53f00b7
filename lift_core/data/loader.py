"""Loader: batches of one data set, in its sampler's order, read by worker processes or by this one."""

from __future__ import annotations

import logging
import os
import signal
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from lift_core.data.clip_dataset import ClipDataset
from lift_core.data.limits import fit
from lift_core.data.sample import Batch, Sample, SampleKey, pin
from lift_core.data.sampler import ResumableSampler
from lift_core.data.slots import BatchOrder, FilledSlot, SlotRing, picture_bytes, read_batch
from lift_core.data.tuner import LoaderSettings, Sharing
from lift_core.errors import ConfigError, LiftError, LoaderError

_log = logging.getLogger(__name__)


class Loader:
    """Batches of one data set, uint8: a DataLoader together with the sampler that remembers its place.

    Args:
        dataset: where samples come from. sampler: their order and place. settings: how to read.

    Iterating serves the sampler's epoch from the sampler's cursor to the end. ``set_epoch`` before each epoch, or
    ``load_state`` once after an interruption; ``state_after(batches used)`` is what to save. What a data set raises
    (a LiftError) is raised here as it was, whichever process read; a worker that was killed, or that hands over
    nothing for ``settings.timeout`` seconds, is a LoaderError that names what was being read. Iterations share the
    workers and the sampler, so there is one at a time: once another has begun, an older one raises ConfigError.

    With workers and ``settings.slots``, batches lie in shared memory that is used again once a batch is dropped; a
    batch may be kept as long as one likes. Where the machine's limits forbid what ``settings`` asks for, the nearest
    that works is used, with a warning (see ``lift_core.data.limits``).
    """

    def __init__(self, dataset: ClipDataset, sampler: ResumableSampler, settings: LoaderSettings) -> None:
        self.dataset = dataset
        self.sampler = sampler
        self.settings = settings
        self._kept_stream: _Stream | None = None
        self._turn: object = None

    def __iter__(self) -> Iterator[Batch]:
        turn = self._turn = object()
        # Workers that do not outlive an epoch get slots of their own each time, so that no slot is ever written by
        # the workers of an epoch that was left early.
        stream = self._kept_stream or _Stream(self.dataset, self.sampler, self.settings)
        self._kept_stream = stream if stream.outlives_an_epoch else None
        batches = iter(stream)
        try:
            # A loop with a variable would hold each batch, and so its slot, for longer than its user does.
            yield from iter(lambda: self._next(batches, turn), None)
        except LoaderError:
            self._kept_stream = None
            raise

    def _next(self, batches: Iterator[Batch], turn: object) -> Batch | None:
        if turn is not self._turn:
            raise ConfigError("another iteration of this loader has begun", fix="Finish one, or make a second Loader.")
        return next(batches, None)

    def __len__(self) -> int:
        full, rest = divmod(len(self.sampler), self.sampler.batch_size)
        return full + (rest > 0 and not self.sampler.drop_last)


class _Stream:
    """The workers of a loader, the slots they fill, and the orders they have."""

    def __init__(self, dataset: ClipDataset, sampler: ResumableSampler, settings: LoaderSettings) -> None:
        self._dataset = dataset
        size = _batch_bytes(dataset, sampler.batch_size) if settings.num_workers else 0
        self.settings = fit(settings, size)
        self.ring = _make_ring(self.settings, size) if dataset.options.dtype == torch.uint8 else None
        self._orders = _OrderBook(sampler, self.ring)
        self._last: Callable[[], object] = _nothing
        self._end: Callable[[], object] | None = None
        self._loader: DataLoader[Any] = DataLoader(
            _BatchReader(dataset, self.ring.memory if self.ring else None),
            batch_sampler=self._orders,  # type: ignore[arg-type]
            collate_fn=_as_read,
            # DataLoader draws a seed for its workers at every start; from torch's own generator, that would make
            # the random numbers of a training depend on how often it was resumed.
            generator=torch.Generator().manual_seed(0),
            **_worker_options(self.settings),
        )

    @property
    def outlives_an_epoch(self) -> bool:
        return self.settings.num_workers > 0 and self.settings.persistent_workers

    def __iter__(self) -> Iterator[Batch]:
        try:
            for answer in self._answers():
                yield self._taken(answer)
                del answer
        except (RuntimeError, EOFError, OSError) as error:
            if self.settings.num_workers == 0 or not is_about_workers(error):
                raise
            if self._end is not None:
                self._end()
            raise self._told(error) from error

    def _answers(self) -> Iterator[Batch | FilledSlot | LiftError]:
        """DataLoader's answers. Its workers end with this object, also where that dies in a cycle of references.

        A traceback that someone keeps makes such a cycle; left to the garbage collector, the workers' queues would go
        before DataLoader can tell the workers to end, and it would wait for each of them in vain.
        """
        with _termination_waits():
            answers = iter(self._loader)
        if self.settings.num_workers > 0 and answers is not self._last():
            self._last = weakref.ref(answers)
            self._end = weakref.finalize(self, _end_workers, answers, os.getpid())
        return answers

    def _taken(self, answer: Batch | FilledSlot | LiftError) -> Batch:
        order = self._orders.answered()
        if isinstance(answer, FilledSlot):
            assert self.ring is not None
            return self._pinned(self.ring.batch(answer))
        self._orders.withdraw(order)
        if isinstance(answer, LiftError):
            raise answer
        return self._pinned(answer)

    def _pinned(self, batch: Batch) -> Batch:
        # A copy from a slot to a device may still run when the slot is filled again; page-locked memory of torch's
        # own is not given out again before the copy is done.
        return pin(batch) if self.settings.pin_memory and torch.accelerator.is_available() else batch

    def _told(self, error: Exception) -> LoaderError:
        workers = self.settings.num_workers
        number, awaited = self._orders.awaited
        where = f"worker {number % workers} of {workers}, reading {self._names(awaited)}" if awaited else None
        if _TIMED_OUT in str(error):
            return LoaderError(
                f"a worker process handed over nothing for {self.settings.timeout:g} seconds",
                where=where,
                fix="It hangs, or reads more slowly than that: look at the clips named here, at the disk or network"
                " they lie on, or raise timeout (0 waits for ever).",
            )
        if any(words in str(error) for words in _OUT_OF_FILES):
            return LoaderError(
                f"this process may not open more files ({error})",
                fix="Raise the limit (ulimit -n 4096), use fewer workers, or sharing='file_system'.",
            )
        return LoaderError(
            f"a worker process died while it read ({type(error).__name__}: {error})",
            where=where and f"awaited: {where}",
            fix="Most often memory ran out: use fewer workers (0 read in this process) or smaller batches; in a"
            " container, give it more shared memory.",
        )

    def _names(self, keys: tuple[SampleKey, ...]) -> str:
        return ", ".join(self._dataset.key(key.index) for key in keys)


def _nothing() -> None:
    return None


def _end_workers(answers: object, owner: int) -> None:
    if os.getpid() != owner:
        # A worker that was forked while another loader ran holds a copy of that loader, whose workers are not its own.
        return
    shut_down = getattr(answers, "_shutdown_workers", None)
    if shut_down is None:
        return
    workers = getattr(answers, "_workers", ())
    try:
        shut_down()
    except RuntimeError as error:
        # torch tells of a dead worker from a signal's handler, wherever this process happens to be: here too. By then
        # the others are told to end.
        if not is_about_workers(error):
            raise
        for worker in workers:
            worker.join(_ENDING_S)
    for worker in workers:
        # One that hangs was asked to end, and takes its time: see _WorkerStart.
        if worker.is_alive():
            worker.kill()
            worker.join(_ENDING_S)


class _OrderBook:
    """The orders of a loader, in place of a batch sampler: made when DataLoader asks for them, kept until answered.

    DataLoader's read-ahead bounds how many are open, and so how many slots are taken.
    """

    def __init__(self, sampler: ResumableSampler, ring: SlotRing | None) -> None:
        self._sampler = sampler
        self._ring = ring
        self._open: deque[BatchOrder] = deque()
        self._answered = 0

    def __iter__(self) -> Iterator[BatchOrder]:
        # DataLoader asks for the first order when every worker has finished what an earlier iteration ordered.
        while self._open:
            self.withdraw(self._open.popleft())
        self._answered = 0
        for keys in _batched(self._sampler):
            order = BatchOrder(keys, self._ring.take() if self._ring else None)
            self._open.append(order)
            yield order

    @property
    def awaited(self) -> tuple[int, tuple[SampleKey, ...]]:
        """The number of the order that is answered next, and its samples; none where all are answered."""
        return self._answered, self._open[0].keys if self._open else ()

    def answered(self) -> BatchOrder:
        """Close the order that was made first: answers come in the order of the orders."""
        self._answered += 1
        return self._open.popleft()

    def withdraw(self, order: BatchOrder) -> None:
        """Free the slot of an order that left it unused."""
        if self._ring is not None and order.slot is not None:
            self._ring.give_back(order.slot)


class _BatchReader(Dataset[Sample]):
    """Reads a whole batch, and hands back a LiftError instead of raising it.

    An error that is raised in a worker reaches the training process as a copy whose message is the worker's whole
    traceback; one that is handed back arrives as it was.
    """

    def __init__(self, dataset: ClipDataset, memory: Tensor | None) -> None:
        self.dataset = dataset
        self.memory = memory

    def __getitems__(self, order: BatchOrder) -> Batch | FilledSlot | LiftError:
        try:
            return read_batch(self.dataset, order, self.memory)
        except LiftError as error:
            return error


def _as_read(batch: Any) -> Any:
    """In place of DataLoader's collating, which _BatchReader has done."""
    return batch


def _batched(sampler: ResumableSampler) -> Iterator[tuple[SampleKey, ...]]:
    keys: list[SampleKey] = []
    for key in sampler:
        keys.append(key)
        if len(keys) == sampler.batch_size:
            yield tuple(keys)
            keys = []
    if keys and not sampler.drop_last:
        yield tuple(keys)


def _batch_bytes(dataset: ClipDataset, batch_size: int) -> int:
    """Bytes of a batch's pictures; 0 where that cannot be told, which reading will explain."""
    if len(dataset) == 0:
        return 0
    try:
        return picture_bytes(batch_size, *dataset.sample_shape) * dataset.options.dtype.itemsize
    except LiftError:
        return 0


def _make_ring(settings: LoaderSettings, size: int) -> SlotRing | None:
    if settings.num_workers == 0 or not settings.slots or size == 0:
        return None
    try:
        return SlotRing(settings.read_ahead + settings.kept, size)
    except (RuntimeError, OSError) as error:
        _log.warning("no slots, batches travel in fresh memory: %s", error)
        return None


_ENDING_S = 5.0
_GRACE_S = 20
_TIMED_OUT = "DataLoader timed out"
_DEAD_WORKER = ("exited unexpectedly", "is killed by signal")
_OUT_OF_FILES = ("Too many open files", "received 0 items of ancdata")


def is_about_workers(error: Exception) -> bool:
    """Whether DataLoader raised ``error`` because of its workers, and not in the name of a worker that lives.

    torch tells of a worker's death from a signal's handler, wherever the process happens to be. A worker that dies
    while its batch is fetched, which it hands over itself, ends a connection.
    """
    if isinstance(error, EOFError | ConnectionError):
        return not str(error).startswith("Caught ")
    return any(words in str(error) for words in (_TIMED_OUT, *_DEAD_WORKER, *_OUT_OF_FILES))


def _worker_options(settings: LoaderSettings) -> dict[str, Any]:
    if settings.num_workers == 0:
        return {}
    return {
        "num_workers": settings.num_workers,
        "prefetch_factor": settings.prefetch_factor,
        "persistent_workers": settings.persistent_workers,
        "multiprocessing_context": settings.start_method,
        "worker_init_fn": _WorkerStart(settings.sharing),
        "timeout": settings.timeout,
    }


class _WorkerStart:
    """Settles a worker: one thread, in a process group of its own, and how it shares memory.

    Workers are the parallelism; threads of OpenCV and torch would fight over cores. Ctrl-C, and a signal to stop that
    is sent to the whole group, would end a worker, and with it the training process before that has saved its state.
    So would one that a batch system sends to every process: a worker works on for some seconds after it. While it
    starts, such a signal waits, see `_termination_waits`.
    """

    def __init__(self, sharing: Sharing | None) -> None:
        self._sharing = sharing

    def __call__(self, worker: int) -> None:
        cv2.setNumThreads(0)
        torch.set_num_threads(1)
        if self._sharing is not None:
            torch.multiprocessing.set_sharing_strategy(self._sharing)
        if hasattr(os, "setpgid"):
            os.setpgid(0, 0)
        if hasattr(signal, "SIGALRM"):
            # Not what this process's parent does at an alarm.
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, _end_later)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


@contextmanager
def _termination_waits() -> Iterator[None]:
    """Within the block SIGTERM waits, in this thread and in the processes it starts, until they let it through.

    A worker that has not settled yet would die of it: torch's own handler ends it, and this process learns of a death.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_later(number: int, frame: FrameType | None) -> None:
    signal.alarm(_GRACE_S)
