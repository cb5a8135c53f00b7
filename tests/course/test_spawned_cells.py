"""The cells of the labs that start worker processes run where these are spawned, and serve the same samples."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.course.spawned_cells import run_spawned, worker_cells

SOLUTIONS = Path(__file__).resolve().parents[2] / "solutions"

# They start workers as 02-1-result, 02-5-curves, 02-8-twice and 02-9-autotune do.
WITHOUT_02 = (
    "02-5-many",
    "02-5-prefetch",
    "02-5-persistent",
    "02-5-persistent-measure",
    "02-5-consumer",
    "02-8-colleague",
    "02-9-load",
    "02-11-real",
)
SMALLER_02 = {
    "load(large, batches, workers=2)": "load(large, batches, workers=1)",
    "batch_sampler=batches, num_workers=2": "batch_sampler=batches, num_workers=1",
    "COUNTS = [0, 1, 2, 4]": "COUNTS = [0, 1]",
    "for workers in (0, 1, 3)": "for workers in (0, 2)",
    "for workers in (0, 3)": "for workers in (0, 2)",
    "compare(seconds=3)": "compare(seconds=0.1)",
    "for _ in range(2)": "for _ in range(1)",
    "batch_size=2, num_workers=2": "batch_size=2, num_workers=1",
}


@pytest.mark.timeout(600)
def test_lab_02_runs_with_spawned_workers(tmp_path: Path):
    path = SOLUTIONS / "02_loaders.ipynb"
    printed = run_spawned(path, tmp_path, without=WITHOUT_02, smaller=SMALLER_02)
    assert set(worker_cells(path)) <= {*printed, *WITHOUT_02}
    assert "2 workers: 20 samples, each {2} times" in printed["02-8-twice"]
    assert printed["02-8-use"].count("10 samples, each once") == 4
    assert "ValueError: clip7/im05.jpg is truncated" in printed["02-10-messages"]
    assert "dies: 2 batches arrived" in printed["02-10-messages"]
    assert "timed out" in printed["02-10-messages"]
    assert "worker" in printed["02-10-kill"]
