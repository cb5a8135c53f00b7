"""Tests of the machine's limits: little shared memory, few open files; a warning each, and every sample served."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lift_core.data import limits
from lift_core.data.limits import Limits, fit, ring_bytes
from lift_core.data.loaders import create_dataloaders
from lift_core.data.tuner import LoaderSettings
from tests.data.clip_trees import write_vimeo
from tests.data.loader_trees import CONFIG, digests

MB = 10**6
ASKED = LoaderSettings(num_workers=2, prefetch_factor=2, start_method="fork")
PLENTY = Limits(shared_memory=1000 * MB, files=1000)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_vimeo(tmp_path_factory.mktemp("vimeo"), categories=4, clips=1, frames=8)


def test_where_nothing_is_short_nothing_changes(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert fit(ASKED, 10 * MB, PLENTY) == ASKED
        assert fit(ASKED, 10 * MB, Limits(None, None)) == ASKED
        assert fit(LoaderSettings(), 10**12, Limits(0, 0)) == LoaderSettings()
    assert not caplog.records


def test_slots_take_what_is_read_ahead_and_what_is_used() -> None:
    assert ring_bytes(replace(ASKED, kept=3), 10) == (2 * 2 + 3) * 10


@pytest.mark.parametrize(
    ("free", "expected", "told"),
    [
        (70 * MB, ASKED, None),
        (60 * MB, replace(ASKED, slots=False), r"no slots: 60\.0 MB free in /dev/shm, and 6 batches of 10\.0 MB"),
        (50 * MB, replace(ASKED, slots=False, num_workers=0), r"no workers: 50\.0 MB free in /dev/shm.*--shm-size"),
    ],
)
def test_little_shared_memory_takes_slots_first_and_workers_next(
    caplog: pytest.LogCaptureFixture, free: int, expected: LoaderSettings, told: str | None
) -> None:
    with caplog.at_level(logging.WARNING):
        assert fit(ASKED, 10 * MB, replace(PLENTY, shared_memory=free)) == expected
    if told is None:
        assert not caplog.records
    else:
        assert caplog.messages
        assert re.search(told, caplog.messages[-1])


def test_few_open_files_change_how_tensors_travel_and_then_who_reads(caplog: pytest.LogCaptureFixture) -> None:
    stacked = replace(ASKED, slots=False)
    with caplog.at_level(logging.WARNING):
        assert fit(stacked, MB, replace(PLENTY, files=200)) == stacked
        assert not caplog.records
        assert fit(stacked, MB, replace(PLENTY, files=50)) == replace(stacked, sharing="file_system")
        assert "ulimit -n" in caplog.messages[-1]
        caplog.clear()
        assert fit(ASKED, MB, replace(PLENTY, files=50)) == replace(ASKED, sharing="file_system")
        assert not caplog.records
        assert fit(ASKED, MB, replace(PLENTY, files=20)).num_workers == 0
        assert "ulimit -n" in caplog.messages[-1]


@pytest.mark.parametrize("batches", [6.5, 3])
def test_with_little_shared_memory_every_sample_is_served(
    tree: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, batches: float
) -> None:
    monkeypatch.setattr(limits, "free_shared_memory", lambda: int(CONFIG.batch_bytes * batches))
    with caplog.at_level(logging.WARNING):
        found = digests(create_dataloaders(tree, CONFIG, settings=ASKED).train)
    assert ("no slots" if batches > 5 else "no workers") in caplog.text
    assert found == digests(create_dataloaders(tree, CONFIG, settings=LoaderSettings()).train)


LOW = """
import os, resource, sys, logging
from pathlib import Path
logging.basicConfig(level=logging.WARNING)
from lift_core.data.loaders import create_dataloaders
from lift_core.data.tuner import LoaderSettings
from tests.data.loader_trees import CONFIG, digests

tree, left, slots = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "slots"
expected = digests(create_dataloaders(tree, CONFIG, settings=LoaderSettings()).train)
settings = LoaderSettings(num_workers=2, slots=slots, start_method="fork", persistent_workers=False)
loader = create_dataloaders(tree, CONFIG, settings=settings).train
resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + left,) * 2)
batches = list(loader)
print("same" if digests(batches) == expected else "other")
"""


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files in /proc")
@pytest.mark.parametrize(
    ("left", "way", "told"),
    [(12, "slots", "no workers"), (60, "slots", ""), (60, "stacked", "travel by file names")],
)
def test_a_low_limit_on_open_files_is_survived(tree: Path, left: int, way: str, told: str) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", LOW, str(tree), str(left), way],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == "same", done.stderr
    assert told in done.stderr
    assert bool(told) == ("WARNING" in done.stderr)
