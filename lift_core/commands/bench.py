"""`lift bench`: measures parts of the package side by side on this machine and prints tables of ratios."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path
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
        "data_transport.transport",
        "data_transport.conversion",
        "data_transport.workers",
        "data_transport.tuned",
        "data_transport.stream",
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
    tables = []
    for name in names:
        tables.append(measure(name, BenchOptions(args.quick, args.seed, args.out)))
        print(f"\n{tables[-1].text()}", flush=True)
    if args.out is not None:
        write(args.out, args.suite, machine_line(), tables)
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
    """Run one benchmark by its name in ``SUITES``."""
    module, _, function = name.rpartition(".")
    table: Table = getattr(import_module(f"lift_core.benchmarks.{module}"), function)(options)
    return table


def write(folder: Path, suite: str, machine: str, tables: list[Table]) -> None:
    """Write the tables as ``<suite>.md`` and ``<suite>.json``, and the ratios of each as a figure."""
    from lift_core.atomic import atomic_file
    from lift_core.viz.figures import save_figure

    for number, table in enumerate(tables, start=1):
        drawn = table.figure()
        if drawn is not None:
            save_figure(drawn[0], folder / f"{suite}_{number:02d}.png", drawn[1])

    pages = {
        "md": "\n\n".join([machine, *(table.markdown() for table in tables)]) + "\n",
        "json": "[" + ",\n".join(table.to_json() for table in tables) + "]\n",
    }
    for suffix, page in pages.items():
        with atomic_file(folder / f"{suite}.{suffix}") as temporary:
            temporary.write_text(page, encoding="utf-8")
