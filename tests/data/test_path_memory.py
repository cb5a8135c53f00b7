"""Forked workers share the clip table: they read every path of it without copying its memory."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from lift_core.data.clip_table import ClipPath, ClipTable
from lift_core.profiling.forked_memory import growth_when_forked

COUNT = 300_000

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks and tells private memory")


def paths() -> Iterable[str]:
    return (f"/data/vimeo/sequences/{n // 1000:05d}/{n % 1000:04d}" for n in range(COUNT))


def characters(strings: Iterable[str]) -> int:
    return sum(map(len, strings))


def growths() -> tuple[list[int], list[int]]:
    """By how many bytes processes grow that walk a table, and a list."""
    clips = [ClipPath(path, path, path) for path in paths()]
    table = ClipTable(clips, [7] * COUNT, [()] * COUNT)
    del clips
    a_list = list(paths())
    return (
        growth_when_forked(lambda: (characters(table.paths), characters(table.names), table.cuts(COUNT - 1))),
        growth_when_forked(lambda: characters(a_list)),
    )


def test_walking_a_table_of_300_000_clips_copies_next_to_nothing_where_a_list_is_copied_whole() -> None:
    # In a new process: in an old one a few bytes may take a huge page of 2 MiB in memory that numpy used before.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as new_process:
        from_table, from_list = new_process.submit(growths).result()
    assert min(from_list) > 15e6, "the list is copied on write, or the measurement sees nothing"
    assert max(from_table) < 2e6
