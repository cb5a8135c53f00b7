"""autotune: loader settings chosen by measuring a few on the real data, within a time limit, and remembered."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import torch

from lift_core.atomic import atomic_file
from lift_core.data.cache_folder import cache_folder
from lift_core.data.checked_json import parse_json
from lift_core.data.clip_dataset import ClipDataset
from lift_core.data.limits import fit
from lift_core.data.loader import Loader
from lift_core.data.sample import Batch
from lift_core.data.sampler import ResumableSampler
from lift_core.data.slots import picture_bytes
from lift_core.data.tuner import LoaderSettings, recommend_settings, usable_cores
from lift_core.errors import ConfigError, LoaderError, OutputError

_log = logging.getLogger(__name__)

Step = float | Callable[[Batch], object]

_WORKERS = (0, 1, 2, 4, 8, 16)
_PREFETCH = (2, 4)
# Measurements of the same settings differ by as much; where two are this close, the one that needs less is taken.
_NOISE = 0.03


@dataclass(frozen=True)
class Trial:
    """One measurement: settings, and samples per second with them; 0 where their workers died."""

    settings: LoaderSettings
    samples_per_second: float
    seconds: float


@dataclass(frozen=True)
class Tuning:
    """What autotune found.

    Attributes:
        settings: the choice.
        trials: what was measured, in that order.
        note: what the reader must know: that reading without workers is as fast, that time ran out, and the like.
        remembered: whether the answer comes from an earlier call.
    """

    settings: LoaderSettings
    trials: tuple[Trial, ...]
    note: str
    remembered: bool = False

    @property
    def table(self) -> str:
        """The trials in columns, the choice marked, and the note."""
        lines = [f"{'workers':>7}  {'ahead':>5}  {'slots':>5}  {'samples/s':>9}"]
        for trial in self.trials:
            s, chosen = trial.settings, "  <- chosen" if trial.settings == self.settings else ""
            ahead, slots = (s.prefetch_factor, "yes" if s.slots else "no") if s.num_workers else ("-", "-")
            lines.append(f"{s.num_workers:>7}  {ahead:>5}  {slots:>5}  {trial.samples_per_second:>9.1f}{chosen}")
        return "\n".join([*lines, self.note])


def autotune(
    dataset: ClipDataset,
    batch_size: int,
    *,
    step: Step = 0.0,
    step_name: str | None = None,
    seconds: float = 20.0,
    base: LoaderSettings | None = None,
    refresh: bool = False,
    tell: Callable[[str], object] = print,
) -> Tuning:
    """Measure loader settings on ``dataset`` and choose.

    First the number of workers (0, 1, 2, 4, … up to two more than there are cores, as far as memory and shared memory
    allow, see ``recommend_settings``), then with the best of them another read-ahead and batches without slots, then
    the two best once more. Workers are started before the clock runs, and what they have read ahead by then does not
    count. Settings that are as fast as the best but for 3 % and need less are preferred, so the choice is never slower
    than reading without workers, which is measured first and chosen wherever it is as fast.

    The answer is remembered in the user's cache folder, for this machine, this data set and batch size, this ``base``,
    and this step. What a function does cannot be told from it, so its answer is remembered under its name alone.

    Args:
        dataset: the training data. batch_size: samples per batch.
        step: what the training does with a batch: seconds that it takes while it leaves the processor alone, as on a
            GPU; or a function that does it (or as much work), for a training that computes where workers run.
        step_name: what tells a function ``step`` from others: name the model, its size and precision, say. Without one
            its answer is not remembered. Seconds need none.
        seconds: time limit of all trials together; a trial may overrun it by a batch, and by the start of its workers.
        base: settings that are not measured (memory pinning, start method, …); by default ``recommend_settings()``.
        refresh: measure again, under the present load say, whatever is remembered.
        tell: takes the table as text.

    Raises:
        ConfigError: no time, or fewer samples than one batch.
        LiftError: what reading the data raises.
    """
    if seconds <= 0 or not 0 < batch_size <= len(dataset):
        raise ConfigError(
            f"cannot measure batches of {batch_size} of {len(dataset)} samples within {seconds} seconds",
            fix="Give some seconds, and a batch no larger than the data set.",
        )
    base = base or recommend_settings()
    cost = step_name if callable(step) else float(step)
    path = None if cost is None else _memory_of(dataset, batch_size, cost, base)
    tuning = None if path is None or refresh else _remembered(path)
    if tuning is None:
        tuning = _Search(dataset, batch_size, step, seconds, base).run()
        if path is not None:
            _remember(path, tuning)
    tell(tuning.table)
    return tuning


class _Search:
    """The trials of one call."""

    def __init__(self, dataset: ClipDataset, batch_size: int, step: Step, seconds: float, base: LoaderSettings) -> None:
        self._dataset = dataset
        self._batch_size = batch_size
        self._step = step
        self._size = picture_bytes(batch_size, *dataset.sample_shape)
        self._end = time.perf_counter() + seconds
        # After the numbers of workers come at most two more settings, and two once more.
        self._share = seconds / (len(self._worker_counts()) + 4)
        self._base = base
        self._trials: dict[LoaderSettings, list[Trial]] = {}
        self._out_of_time = False

    def run(self) -> Tuning:
        plain = replace(self._base, num_workers=0, persistent_workers=False)
        self._try(plain)
        for workers in self._worker_counts()[1:]:
            self._try(replace(self._base, num_workers=workers, persistent_workers=True))
        best = self._ranked()[0]
        if best.num_workers > 0:
            for ahead in _PREFETCH:
                self._try(replace(best, prefetch_factor=ahead))
            best = self._ranked()[0]
            self._try(replace(best, slots=not best.slots))
        for settings in self._ranked()[:2]:
            self._try(settings, again=True)
        chosen = self._ranked()[0]
        return Tuning(chosen, tuple(self._mean(s) for s in self._trials), self._note(chosen, plain))

    def _worker_counts(self) -> list[int]:
        # With so many cores it is memory that sets the number.
        most = min(usable_cores() + 2, recommend_settings(1000, accelerator=True, batch_bytes=self._size).num_workers)
        return [0, *(w for w in _WORKERS if 0 < w <= most)]

    def _try(self, settings: LoaderSettings, again: bool = False) -> None:
        if (settings in self._trials and not again) or fit(settings, self._size) != settings:
            return
        left = self._end - time.perf_counter()
        if self._trials and left <= 0:
            self._out_of_time = True
            return
        trial = measure(self._dataset, self._batch_size, settings, self._step, min(self._share, max(left, 0.0)))
        self._trials.setdefault(settings, []).append(trial)

    def _mean(self, settings: LoaderSettings) -> Trial:
        trials = self._trials[settings]
        seconds = sum(t.seconds for t in trials)
        samples = sum(t.samples_per_second * t.seconds for t in trials)
        return Trial(settings, samples / seconds if seconds > 0 else 0.0, seconds)

    def _ranked(self) -> list[LoaderSettings]:
        """The settings measured, best first; of those that are as good as the best, the ones that need least."""
        rates = {settings: self._mean(settings).samples_per_second for settings in self._trials}
        enough = max(rates.values()) * (1 - _NOISE)
        good = sorted((s for s in rates if rates[s] >= enough), key=lambda s: (s.read_ahead, not s.slots))
        return good + sorted((s for s in rates if rates[s] < enough), key=lambda s: -rates[s])

    def _note(self, chosen: LoaderSettings, plain: LoaderSettings) -> str:
        rate, alone = (self._mean(s).samples_per_second for s in (chosen, plain))
        if chosen == plain:
            note = "No number of workers beat reading in this process by more than measurements differ."
        else:
            note = f"{rate / alone:.2f} times as fast as reading in this process."
        return note + (" Time ran out before all was measured." if self._out_of_time else "")


def measure(dataset: ClipDataset, batch_size: int, settings: LoaderSettings, step: Step, seconds: float) -> Trial:
    """Samples per second that a loop with ``step`` gets from a loader, over about ``seconds``, at least one batch.

    The clock runs once the batches that were read ahead are used up, or after half of the time.
    """
    with warnings.catch_warnings():
        # That more workers than cores may be too many is what is being measured.
        warnings.filterwarnings("ignore", message="This DataLoader will create")
        return _measure(Loader(dataset, ResumableSampler(len(dataset), batch_size), settings), step, seconds)


def _measure(loader: Loader, step: Step, seconds: float) -> Trial:
    settings = loader.settings
    begun, start, counted, used = time.perf_counter(), None, 0, 0
    try:
        for batch in _endless(loader):
            if callable(step):
                step(batch)
            else:
                time.sleep(step)
            used += 1
            now = time.perf_counter()
            if start is not None:
                counted += 1
                if now - begun >= seconds:
                    break
            elif used > settings.read_ahead or now - begun > seconds / 2:
                start = now
    except LoaderError as error:
        _log.warning("%d workers cannot be measured: %s", settings.num_workers, error)
        return Trial(settings, 0.0, time.perf_counter() - begun)
    assert start is not None
    return Trial(settings, counted * loader.sampler.batch_size / (now - start), now - start)


def _endless(loader: Loader) -> Iterator[Batch]:
    epoch = 0
    while True:
        loader.sampler.set_epoch(epoch)
        yield from loader
        epoch += 1


def _memory_of(dataset: ClipDataset, batch_size: int, cost: str | float, base: LoaderSettings) -> Path:
    return cache_folder() / "autotune" / f"{_fingerprint(dataset, batch_size, cost, base)}.json"


def _fingerprint(dataset: ClipDataset, batch_size: int, cost: str | float, base: LoaderSettings) -> str:
    machine = [
        platform.node(),
        platform.machine(),
        usable_cores(),
        psutil.virtual_memory().total,
        str(torch.__version__),
    ]
    if torch.cuda.is_available():
        machine.append(torch.cuda.get_device_name(0))
    clips = dataset.clips
    ends = [os.path.abspath(clips.paths[place]) for place in (0, -1)] if len(clips) else []
    data = [
        type(dataset).__name__,
        len(dataset),
        len(clips),
        int(clips.lengths.sum()),
        ends,
        [w.label for w in dataset.windows],
    ]
    # The trials set the number of workers and whether they persist; all else they take from `base`.
    taken = asdict(replace(base, num_workers=0, persistent_workers=False))
    how = [repr(dataset.options), batch_size, cost, taken]
    text = json.dumps([machine, data, how], default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _remember(path: Path, tuning: Tuning) -> None:
    try:
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps(asdict(tuning) | {"measured": time.strftime("%Y-%m-%d %H:%M")}))
    except OutputError as error:
        _log.warning("the loader settings found are not remembered: %s", error)


def _remembered(path: Path) -> Tuning | None:
    try:
        known: dict[str, Any] = parse_json(path.read_text())
        trials = tuple(
            Trial(LoaderSettings(**t["settings"]), float(t["samples_per_second"]), float(t["seconds"]))
            for t in known["trials"]
        )
        note = f"{known['note']} Measured {known['measured']}; autotune(..., refresh=True) measures again."
        return Tuning(LoaderSettings(**known["settings"]), trials, note, remembered=True)
    except (OSError, ValueError, KeyError, TypeError, ConfigError):
        return None
