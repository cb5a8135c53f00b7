"""`lift bench`: measures parts of the package side by side on this machine and prints tables of ratios."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from lift_core.errors import ConfigError

if TYPE_CHECKING:
    from lift_core.benchmarks.table import BenchOptions, Table

HELP = "measure parts of the package side by side on this machine"

# The functions of each suite, as module.function below lift_core.benchmarks, in the order of their tables.
SUITES: dict[str, tuple[str, ...]] = {
    "data": (
        "data_reading.image_kinds",
        "data_reading.image_kinds_sharp",
        "data_reading.jpeg_decoders",
        "data_reading.path_table",
        "data_video.windows",
        "data_video.memory",
        "data_video.many_files",
        "data_transport.transport",
        "data_transport.conversion",
        "data_transport.workers",
        "data_transport.tuned",
        "data_transport.stream",
    ),
    "model": (
        "model_cost.operations",
        "model_stages.stages",
        "model_attention.attention",
        "model_cost.time",
        "model_compile.compiled",
    ),
    "stores": (
        "stores_reading.kinds",
        "stores_scales.scales",
        "stores_features.cache",
    ),
    "inference": (
        "inference_streaming.streaming",
        "inference_methods.methods",
        "inference_methods.precisions",
        "inference_tiles.tiles",
    ),
    "memory": (
        "memory_step.steps",
        "memory_release.release",
    ),
    "train": (
        "training_steps.ways",
        "training_steps.waiting",
        "training_textures.learnt",
    ),
}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("suite", choices=sorted(SUITES), help="what to measure")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="only tables whose name holds NAME")
    parser.add_argument("--quick", action="store_true", help="small sizes: seconds instead of minutes, and rough")
    parser.add_argument("--out", type=Path, help="folder for figures and for the tables as JSON and Markdown")
    parser.add_argument("--seed", type=int, default=0, help="of generated data")


def run(args: argparse.Namespace) -> int:
    from lift_core.benchmarks.table import BenchOptions, machine_line

    names = chosen(args.suite, args.only)
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
    print(machine_line(), flush=True)
    tables: list[Table] = []
    for name in names:
        tables.append(measure(name, BenchOptions(args.quick, args.seed)))
        print(f"\n{tables[-1].text()}", flush=True)
        if args.out is not None:
            # After each table: minutes of measuring are not lost to what comes later.
            write(args.out, args.suite, machine_line(), tables)
    if args.out is not None:
        draw(args.out, args.suite, tables)
    return 0


def chosen(suite: str, only: list[str]) -> list[str]:
    """The functions of a suite whose names hold one of ``only``; all of them without.

    Raises:
        ConfigError: nothing has such a name.
    """
    names = [name for name in SUITES[suite] if not only or any(part in name for part in only)]
    if not names:
        raise ConfigError(
            f"no table of '{suite}' is called {' or '.join(only)}.", fix=f"There are: {', '.join(SUITES[suite])}."
        )
    return names


def measure(name: str, options: BenchOptions) -> Table:
    """Run one benchmark by its name in ``SUITES``; what it caches is of files that pass, and goes with them."""
    module, _, function = name.rpartition(".")
    benchmark = getattr(import_module(f"lift_core.benchmarks.{module}"), function)
    with TemporaryDirectory() as folder, _cache_in(folder):
        table: Table = benchmark(options)
    return table


@contextmanager
def _cache_in(folder: str) -> Iterator[None]:
    before = os.environ.get("LIFT_CACHE")
    os.environ["LIFT_CACHE"] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ["LIFT_CACHE"]
        else:
            os.environ["LIFT_CACHE"] = before


def write(folder: Path, suite: str, machine: str, tables: list[Table]) -> None:
    """Write the tables as ``<suite>.md`` and ``<suite>.json``."""
    from lift_core.atomic import atomic_file

    pages = {
        "md": "\n\n".join([machine, *(table.markdown() for table in tables)]) + "\n",
        "json": "[" + ",\n".join(table.to_json() for table in tables) + "]\n",
    }
    for suffix, page in pages.items():
        with atomic_file(folder / f"{suite}.{suffix}") as temporary:
            temporary.write_text(page, encoding="utf-8")


def draw(folder: Path, suite: str, tables: list[Table]) -> None:
    """Draw the ratios of each table that has some, as ``<suite>_<number>.png``."""
    from lift_core.viz.figures import save_figure

    for number, table in enumerate(tables, start=1):
        drawn = table.figure()
        if drawn is not None:
            save_figure(drawn[0], folder / f"{suite}_{number:02d}.png", drawn[1])
