"""Benchmarks of handing batches over: slots, bytes or floats, numbers of workers, and that none changes a sample."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice, product
from multiprocessing import get_all_start_methods
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import cast
from warnings import catch_warnings, filterwarnings

import torch
from torch import Tensor

from lift_core.benchmarks.still_samples import StillSamples
from lift_core.benchmarks.table import BenchOptions, Row, Table
from lift_core.data.autotune import autotune, measure
from lift_core.data.clip_dataset import ClipDataset
from lift_core.data.clip_writer import write_sequence
from lift_core.data.loader import Loader
from lift_core.data.loaders import DataConfig, create_dataloaders
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.data.sample import Batch, to_device
from lift_core.data.sampler import ResumableSampler
from lift_core.data.slots import picture_bytes
from lift_core.data.splits import SplitConfig
from lift_core.data.tuner import LoaderSettings, StartMethod, usable_cores
from lift_core.data.window import FrameWindow
from lift_core.profiling.measure import cpu_clock, in_turn, wall_clock

_PAGE = 4096
_FLOATS, _STACKED, _SLOTS = "float32, stacked", "uint8, stacked", "uint8, slots"
_HERE = LoaderSettings()


def transport(options: BenchOptions) -> Table:
    """Batches of 64-frame windows through 2 workers: what handing them over costs, by three ways."""
    shape, batch = ((4, 32, 32), 2) if options.quick else ((64, 256, 256), 4)
    rounds, batches = (2, 4) if options.quick else (3, 16)
    costs = _costs_per_batch(shape, batch, rounds, batches)
    size = picture_bytes(batch, *shape)
    ratio = costs[_STACKED][0] / costs[_SLOTS][0]
    rows = [
        *(Row(f"{way}: moved per batch", size * (4 if way == _FLOATS else 1) / 1e6, "MB") for way in costs),
        *(Row(f"{way}: throughput", batch / wall, "samples/s") for way, (_, wall) in costs.items()),
        *(Row(f"{way}: processor time", cpu * 1e3, "ms per batch") for way, (cpu, _) in costs.items()),
    ]
    rows[-1] = replace(
        rows[-1],
        beside=_STACKED,
        ratio=ratio,
        least=5,
    )
    note = (
        f"Batches of {batch} × {shape[0]} frames of {shape[1]}×{shape[2]} through 2 workers; processor time of all"
        " processes, without their start. It includes one copy of the pictures in place of reading, which is the same"
        " for all, and the user's touch of every page."
    )
    return Table("Handing batches over", tuple(rows), note)


def conversion(options: BenchOptions) -> Table:
    """uint8 to float32 in [0, 1], naive against into a buffer that is used again."""
    shape, batch = ((4, 32, 32), 2) if options.quick else ((64, 256, 256), 4)
    given = _still_batch(shape, batch)
    buffers: dict[str, Tensor] = {}
    timings = in_turn(
        {
            "naive": lambda: (given["frames"].float().div_(255), given["gt"].float().div_(255)),
            "buffer": lambda: to_device(given, "cpu", buffers=buffers),
        },
        rounds=3 if options.quick else 9,
    )
    ratio = timings["naive"].median / timings["buffer"].median
    rows = (
        Row("x.float().div_(255)", timings["naive"].median * 1e3, "ms CPU per batch"),
        Row(
            "to_device with buffers",
            timings["buffer"].median * 1e3,
            "ms CPU per batch",
            "x.float().div_(255)",
            ratio,
            least=2.5,
        ),
    )
    return Table("Bytes to floats", rows, f"A batch of {batch} × {shape[0]} + {batch} frames of {shape[1]}×{shape[2]}.")


def workers(options: BenchOptions) -> Table:
    """Seconds of the first and the second epoch by number of workers, which end with the epoch or outlive it."""
    rounds = 1 if options.quick else 3
    with _training_data(options) as (root, config):
        seconds = {}
        for number, lasting in _numbers(options):
            settings = replace(_forked(number), persistent_workers=lasting)
            loader = create_dataloaders(root, config, settings=settings).train
            seconds[number, lasting] = [_epochs(loader) for _ in range(rounds)]
            samples = len(loader) * config.batch_size
    rows = []
    for (number, lasting), timed in seconds.items():
        name = f"{number} workers" + ("" if number == 0 else ", outliving the epoch" if lasting else ", ended with it")
        for place, which in enumerate(("first", "second")):
            rate = samples / median(pair[place] for pair in timed)
            alone = samples / median(pair[place] for pair in seconds[0, False])
            row = Row(f"{name}: {which} epoch", rate, "samples/s")
            rows.append(row if number == 0 else replace(row, beside=f"0 workers: {which} epoch", ratio=rate / alone))
    return Table(
        "Numbers of workers", tuple(rows), f"{_what(config)}; the user does nothing else; {usable_cores()} cores."
    )


def tuned(options: BenchOptions) -> Table:
    """The choice of autotune against the best of all settings, those two measured once more in turn."""
    seconds, rounds = (0.05, 1) if options.quick else (2.0, 7)
    with _training_data(options) as (root, config):
        dataset = create_dataloaders(root, config, settings=_HERE).train.dataset

        def rate(settings: LoaderSettings) -> float:
            return measure(dataset, config.batch_size, settings, 0.0, seconds).samples_per_second

        limit = 1.0 if options.quick else 20.0
        choice = autotune(
            dataset, config.batch_size, seconds=limit, base=_forked(1), refresh=True, tell=lambda table: None
        ).settings
        rates = {settings: rate(settings) for settings in _all_settings()}
        best = max(rates, key=lambda settings: rates[settings])
        pairs = [(rate(choice), rate(best)) for _ in range(rounds)]
    # The best of many measurements owes its place to luck as well; in turn, both are as lucky.
    ratio = 1.0 if _name(choice) == _name(best) else median(ours / theirs for ours, theirs in pairs)
    rows = [Row(_name(settings), found, "samples/s") for settings, found in rates.items()]
    rows.append(
        Row(
            f"autotune chose {_name(choice)}",
            median(ours for ours, _ in pairs),
            "samples/s",
            f"best, once more: {_name(best)}",
            ratio,
            least=0.9,
        )
    )
    note = f"{_what(config)}; {usable_cores()} cores; autotune had {limit:g} seconds."
    return Table("autotune against a search of all settings", tuple(rows), note)


def stream(options: BenchOptions) -> Table:
    """Whether workers, slots, and a resume with another number of workers leave the stream of samples as it was."""
    with _training_data(options) as (root, config):

        def loader(settings: LoaderSettings) -> Loader:
            return create_dataloaders(root, config, settings=settings).train

        expected = _digest(loader(_HERE))
        rows = [Row("0 workers", expected[1], "samples", note=f"stream {expected[0]}")]
        for number, slots in product((1, 2, 3), (True, False)):
            found = _digest(loader(replace(_forked(number), slots=slots)))
            rows.append(_stream_row(f"{number} workers, {'slots' if slots else 'stacked'}", found, expected))
        for before, after in ((0, 2), (2, 0), (1, 3), (3, 2)):
            first, second = loader(_forked(before)), loader(_forked(after))
            used = max(1, len(first) // 3)
            begun = islice(first, used)
            found = _digest(begun, _resumed(second, first.sampler, used))
            rows.append(_stream_row(f"{before} workers, interrupted, {after} workers", found, expected))
    return Table(
        "The stream of samples", tuple(rows), f"{_what(config)}; a hash over every byte of every batch, in order."
    )


def _costs_per_batch(
    shape: tuple[int, int, int], batch: int, rounds: int, batches: int
) -> dict[str, tuple[float, float]]:
    """CPU and wall seconds per batch of each way: a long run less a short one, so that starting workers drops out."""
    ways = {_FLOATS: (torch.float32, False), _STACKED: (torch.uint8, False), _SLOTS: (torch.uint8, True)}
    taken: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, (dtype, slots) in ways.items():
            settings = replace(_forked(2), persistent_workers=False, slots=slots)
            short, long = (_pass(shape, batch, number, dtype, settings) for number in (6, 6 + batches))
            taken[way].append(((long[0] - short[0]) / batches, (long[1] - short[1]) / batches))
    return {
        way: (max(median(cpu for cpu, _ in times), 1e-6), max(median(wall for _, wall in times), 1e-6))
        for way, times in taken.items()
    }


def _pass(
    shape: tuple[int, int, int], batch: int, batches: int, dtype: torch.dtype, settings: LoaderSettings
) -> tuple[float, float]:
    samples = StillSamples(batch * batches, shape, dtype)
    sampler = ResumableSampler(len(samples), batch, shuffle=False)
    cpu, wall = cpu_clock(), wall_clock()
    loader = Loader(cast(ClipDataset, samples), sampler, settings)
    for given in loader:
        for pictures in (given["frames"], given["gt"]):
            pictures.view(-1)[:: _PAGE // pictures.itemsize].sum()
    del given, loader
    return cpu_clock() - cpu, wall_clock() - wall


def _still_batch(shape: tuple[int, int, int], batch: int) -> Batch:
    samples = StillSamples(batch, shape, torch.uint8)
    return next(iter(Loader(cast(ClipDataset, samples), ResumableSampler(batch, batch), _HERE)))


@contextmanager
def _training_data(options: BenchOptions) -> Iterator[tuple[Path, DataConfig]]:
    """A folder of PNG sequences and what is read of it."""
    clips, frames, size, crop = (3, 9, 48, 32) if options.quick else (4, 50, 256, 224)
    window = FrameWindow.consecutive(5 if options.quick else 15, "require")
    with TemporaryDirectory() as folder, catch_warnings():
        # More workers than cores are part of what is measured.
        filterwarnings("ignore", message="This DataLoader will create")
        for number in range(clips):
            clip = ProceduralClip(ClipConfig(frames=frames, height=size, width=size, seed=options.seed + number))
            write_sequence(Path(folder) / f"clip{number}", (clip.frame(i) for i in range(frames)), frames)
        yield (
            Path(folder),
            DataConfig(window, 4, (crop, crop), split_config=SplitConfig((1.0, 0.0, 0.0)), seed=options.seed),
        )


def _what(config: DataConfig) -> str:
    window = config.window
    assert isinstance(window, FrameWindow)
    assert config.crop is not None
    crop = f"{config.crop[0]}×{config.crop[1]}"
    return f"Batches of {config.batch_size} windows of {window.context + 1} frames of PNG, cropped to {crop}, augmented"


def _forked(number: int) -> LoaderSettings:
    """So many workers, forked where the platform can: starting them is then a matter of milliseconds."""
    method: StartMethod | None = "fork" if "fork" in get_all_start_methods() else None
    return LoaderSettings(num_workers=number, start_method=method)


def _numbers(options: BenchOptions) -> list[tuple[int, bool]]:
    return [(0, False), *product((1,) if options.quick else (1, 2, 4), (True, False))]


def _all_settings() -> list[LoaderSettings]:
    read_by_workers = [
        replace(_forked(number), prefetch_factor=ahead, slots=slots)
        for number, ahead, slots in product((1, 2, 4), (2, 4), (True, False))
    ]
    return [replace(_forked(0), persistent_workers=False), *read_by_workers]


def _epochs(loader: Loader) -> tuple[float, float]:
    """Wall seconds of a first epoch, the start of its workers included, and of the second."""
    fresh = Loader(loader.dataset, loader.sampler, loader.settings)
    seconds = []
    for number in range(2):
        start = wall_clock()
        fresh.sampler.set_epoch(number)
        for batch in fresh:
            del batch
        seconds.append(wall_clock() - start)
    return seconds[0], seconds[1]


def _name(settings: LoaderSettings) -> str:
    if settings.num_workers == 0:
        return "0 workers"
    how = "slots" if settings.slots else "stacked"
    return f"{settings.num_workers} workers, {settings.prefetch_factor} ahead, {how}"


def _resumed(loader: Loader, interrupted: ResumableSampler, used: int) -> Iterator[Batch]:
    loader.sampler.load_state(interrupted.state_after(used).as_dict())
    yield from loader


def _digest(*parts: Iterable[Batch]) -> tuple[str, int]:
    """A hash over every byte of every batch, in order, and the number of samples."""
    digest, samples = hashlib.blake2b(digest_size=6), 0
    for part in parts:
        for batch in part:
            samples += len(batch["key"])
            digest.update("\n".join(batch["key"]).encode())
            for name in ("frames", "gt", "timestep", "times", "valid"):
                digest.update(cast(Mapping[str, Tensor], batch)[name].numpy().tobytes())
    return digest.hexdigest(), samples


def _stream_row(what: str, found: tuple[str, int], expected: tuple[str, int]) -> Row:
    same = found == expected
    note = "identical" if same else f"stream {found[0]}"
    return Row(what, found[1], "samples", "0 workers", condition="identical", holds=same, note=note)
