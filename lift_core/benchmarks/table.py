"""Tables of benchmarks: rows with a value, what it was measured beside, and whether a wanted ratio holds."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
import torch
from matplotlib.figure import Figure

from lift_core.viz.ratios import Ratio, ratio_figure

_HEADINGS = ("what", "measured", "beside", "ratio", "wanted", "holds")


@dataclass(frozen=True)
class BenchOptions:
    """How a benchmark runs.

    Attributes:
        quick: small sizes and few rounds: seconds instead of minutes, for tests. The figures mean little then.
        seed: of generated data.
    """

    quick: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        what: what was measured.
        value, unit: the measurement.
        beside: what it was measured beside, in the same run.
        ratio: of the two, so that more is better; None for a row that is only compared with.
        least: the ratio that is wanted, at least; None where none is.
        condition: what is wanted of a row without such a ratio, in words.
        holds: whether the condition is met; None where there is none.
        note: what the reader must know.
        beside_value: the measurement of what it stands beside, in the same unit, where no other row gives it.
    """

    what: str
    value: float
    unit: str
    beside: str = ""
    ratio: float | None = None
    least: float | None = None
    condition: str = ""
    holds: bool | None = None
    note: str = ""
    beside_value: float | None = None

    @property
    def wanted(self) -> str:
        """What is wanted, in words; empty where nothing is."""
        return self.condition if self.least is None else f"≥ {self.least:.2g}"

    @property
    def reached(self) -> bool | None:
        """Whether what is wanted is reached; None where nothing is."""
        return self.holds if self.least is None else self.ratio is not None and self.ratio >= self.least

    def cells(self) -> tuple[str, ...]:
        holds = {None: "", True: "yes", False: "NO"}[self.reached]
        ratio = "" if self.ratio is None else f"{_number(self.ratio)}×"
        what = f"{self.what} ({self.note})" if self.note else self.what
        beside = self.beside
        if self.beside_value is not None:
            beside = f"{_number(self.beside_value)} {self.unit}, {beside}"
        return what, f"{_number(self.value)} {self.unit}".rstrip(), beside, ratio, self.wanted, holds


@dataclass(frozen=True)
class Table:
    """The result of one benchmark: a title, rows, and a sentence on how it was measured."""

    title: str
    rows: tuple[Row, ...]
    note: str = ""

    def text(self) -> str:
        """The table in columns for a terminal."""
        lines = [_HEADINGS, *(row.cells() for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
        body = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        ]
        return "\n".join([self.title, *body, *([self.note] if self.note else [])])

    def markdown(self) -> str:
        """The table under a heading of the third level."""
        lines = [_markdown_line(_HEADINGS), _markdown_line(["---"] * len(_HEADINGS))]
        lines += [_markdown_line(row.cells()) for row in self.rows]
        return "\n\n".join([f"### {self.title}", "\n".join(lines), *([self.note] if self.note else [])])

    def figure(self) -> tuple[Figure, str] | None:
        """The ratios as bars, and a sentence that says the same; None for a table without ratios."""
        ratios = [
            Ratio(f"{row.what} / {row.beside}", row.ratio, row.least, row.reached is not False)
            for row in self.rows
            if row.ratio is not None
        ]
        return ratio_figure(self.title, ratios) if ratios else None

    def to_json(self) -> str:
        rows = [{**asdict(row), "wanted": row.wanted, "reached": row.reached} for row in self.rows]
        return json.dumps({"title": self.title, "rows": rows, "note": self.note}, ensure_ascii=False, indent=1)


def machine_line() -> str:
    """The date and what was measured on: processor, cores, memory, system, versions, GPU."""
    memory = psutil.virtual_memory().total / 1e9
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no GPU"
    return (
        f"{datetime.now(UTC).date().isoformat()}, {_processor()}, {psutil.cpu_count()} cores, {memory:.0f} GB memory,"
        f" {platform.system()}, Python {platform.python_version()}, torch {torch.__version__}, {gpu}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _markdown_line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
