"""The cells of the labs that start worker processes run where these are spawned, and serve the same samples."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.course.spawned_cells import run_spawned, worker_cells

SOLUTIONS = Path(__file__).resolve().parents[2] / "solutions"

# They start workers as 02-1-result, 02-5-curves, 02-8-use and 02-10-kill do.
SAME_02 = (
    "02-5-many",
    "02-5-prefetch",
    "02-5-persistent",
    "02-5-consumer",
    "02-8-twice",
    "02-8-colleague",
    "02-9-autotune",
    "02-9-load",
    "02-11-real",
)
# They start none, and take their time.
ALONE_02 = (
    "02-4-thread-measure",
    "02-6-measure",
    "02-7-pin",
    "02-7-prefetch",
    "02-11-traces",
    "02-11-mend-check",
    "02-11-after",
)
SMALLER_02 = {
    "replace(alone, num_workers=2)": "replace(alone, num_workers=1)",
    "load(large, batches, workers=2)": "load(large, batches, workers=1)",
    "batch_sampler=batches, num_workers=2": "batch_sampler=batches, num_workers=0",
    "COUNTS = [0, 1, 2, 4]": "COUNTS = [0, 1]",
    '    "lift_core": ShardedIterableDataset(ten, int),\n': "",
    "for workers in (0, 3)": "for workers in (0, 2)",
    '"raises": 0, "dies": 0, "hangs": 1': '"raises": 0, "dies": 0',
    "batch_size=2, num_workers=2": "batch_size=2, num_workers=1",
}


@pytest.mark.timeout(600)
def test_lab_02_runs_with_spawned_workers(tmp_path: Path):
    path = SOLUTIONS / "02_loaders.ipynb"
    printed = run_spawned(path, tmp_path, without=(*SAME_02, *ALONE_02), smaller=SMALLER_02)
    assert set(worker_cells(path)) <= {*printed, *SAME_02, *ALONE_02}
    assert "ours" in printed["02-4-process-measure"]
    assert printed["02-8-use"].count("10 samples, each once") == 2
    assert "ValueError: clip7/im05.jpg is truncated" in printed["02-10-messages"]
    assert "dies: 2 batches arrived" in printed["02-10-messages"]
    assert "worker" in printed["02-10-kill"]
