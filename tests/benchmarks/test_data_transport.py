"""The tables of handing batches over have their rows, with finite figures."""

from __future__ import annotations

import math

import pytest

from lift_core.benchmarks import data_transport
from lift_core.benchmarks.table import BenchOptions, Row

QUICK = BenchOptions(quick=True)


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("LIFT_CACHE", str(tmp_path_factory.mktemp("cache")))


def finite(rows: tuple[Row, ...]) -> bool:
    return all(math.isfinite(row.value) and row.value > 0 for row in rows)


def test_three_ways_of_handing_over_stand_beside_each_other() -> None:
    rows = data_transport.transport(QUICK).rows
    assert finite(rows)
    names = [row.what for row in rows]
    for way in ("float32, stacked", "uint8, stacked", "uint8, slots"):
        for figure in ("moved per batch", "throughput", "processor time"):
            assert f"{way}: {figure}" in names
    moved = {row.what: row.value for row in rows}
    assert moved["float32, stacked: moved per batch"] == 4 * moved["uint8, slots: moved per batch"]
    assert [row.what for row in rows if row.wanted] == ["uint8, slots: processor time"]


def test_conversion_stands_beside_the_naive_one() -> None:
    naive, ours = data_transport.conversion(QUICK).rows
    assert finite((naive, ours))
    assert ours.ratio == pytest.approx(naive.value / ours.value)
    assert ours.wanted == "≥ 2.5"


def test_every_number_of_workers_has_two_epochs() -> None:
    rows = data_transport.workers(QUICK).rows
    assert finite(rows)
    assert [row.what for row in rows] == [
        f"{name}: {epoch} epoch"
        for name in ("0 workers", "1 workers, outliving the epoch", "1 workers, ended with it")
        for epoch in ("first", "second")
    ]


def test_the_choice_of_autotune_is_one_of_those_searched() -> None:
    *searched, choice = data_transport.tuned(QUICK).rows
    assert finite((*searched, choice))
    assert len(searched) == 13
    assert choice.what.removeprefix("autotune chose ") in [row.what for row in searched]
    assert choice.ratio is not None
    assert choice.ratio > 0


def test_every_stream_is_identical() -> None:
    reference, *others = data_transport.stream(QUICK).rows
    assert reference.value == 12
    assert len(others) == 10
    assert all(row.holds and row.note == "identical" and row.value == reference.value for row in others)
