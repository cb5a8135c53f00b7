"""`lift bench` runs the tables that are asked for and writes them, with their figures, where it is told."""

from __future__ import annotations

import json
import os
from importlib import import_module
from pathlib import Path

import cv2
import pytest

from lift_core import cli
from lift_core.benchmarks.table import BenchOptions, Row, Table
from lift_core.commands import bench
from lift_core.errors import ConfigError


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, BenchOptions]]:
    """The benchmarks that were run, in place of which a small table comes back."""
    calls: list[tuple[str, BenchOptions]] = []

    def measure(name: str, options: BenchOptions) -> Table:
        calls.append((name, options))
        rows = (Row("fast", 2.0, "ms", "slow", 2.0, 1.5, beside_value=4.0),) if name.endswith("one") else ()
        return Table(f"Table {name}", (*rows, Row("slow", 4.0, "ms")))

    monkeypatch.setattr(bench, "SUITES", {"data": ("reading.one", "transport.two")})
    monkeypatch.setattr(bench, "measure", measure)
    return calls


def test_a_suite_runs_its_tables_in_order(asked: list, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["bench", "data", "--quick", "--seed", "3"]) == 0
    assert [name for name, _ in asked] == ["reading.one", "transport.two"]
    assert {(options.quick, options.seed) for _, options in asked} == {(True, 3)}
    said = capsys.readouterr().out
    assert "cores" in said.splitlines()[0]
    assert said.index("Table reading.one") < said.index("Table transport.two")


def test_only_some_tables_are_run(asked: list):
    assert cli.main(["bench", "data", "--only", "two"]) == 0
    assert [name for name, _ in asked] == ["transport.two"]


def test_an_unknown_table_lists_those_that_are(asked: list, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["bench", "data", "--only", "gpu"]) == 2
    assert "reading.one, transport.two" in capsys.readouterr().err
    assert asked == []


def test_tables_and_figures_are_written(asked: list, tmp_path: Path):
    out = tmp_path / "new" / "folder"
    assert cli.main(["bench", "data", "--out", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == {"data.md", "data.json", "data_01.png"}
    tables = json.loads((out / "data.json").read_text())
    assert [row["ratio"] for table in tables for row in table["rows"]] == [2.0, None, None]
    assert "| fast | 2 ms | 4 ms, slow | 2× | ≥ 1.5 | yes |" in (out / "data.md").read_text()
    assert cv2.imread(str(out / "data_01.png")).shape[1] == 1000


def test_tables_measured_so_far_survive_a_later_failure(
    asked: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    first = bench.measure

    def fails_later(name: str, options: BenchOptions) -> Table:
        if name == "transport.two":
            raise ConfigError("no more")
        return first(name, options)

    monkeypatch.setattr(bench, "measure", fails_later)
    assert cli.main(["bench", "data", "--out", str(tmp_path)]) == 2
    assert [table["title"] for table in json.loads((tmp_path / "data.json").read_text())] == ["Table reading.one"]


def test_a_benchmark_leaves_nothing_in_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    seen = []
    monkeypatch.setenv("LIFT_CACHE", str(tmp_path))
    monkeypatch.setattr(
        "lift_core.benchmarks.data_reading.path_table",
        lambda options: seen.append(os.environ["LIFT_CACHE"]) or Table("t", ()),
    )
    bench.measure("data_reading.path_table", BenchOptions())
    assert seen != [str(tmp_path)]
    assert os.environ["LIFT_CACHE"] == str(tmp_path)


def test_every_registered_benchmark_exists():
    for name in (name for suite in bench.SUITES.values() for name in suite):
        module, _, function = name.rpartition(".")
        assert callable(getattr(import_module(f"lift_core.benchmarks.{module}"), function)), name
