"""The cells of lab 03 that start worker processes run where these are spawned, and show the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from lift_core.course.notebooks import read_notebook
from tests.course.spawned_cells import run_spawned, worker_cells

LAB = Path(__file__).resolve().parents[2] / "solutions" / "03_sampling_and_augmentation.ipynb"

# The second calls what the first defines, so its text does not tell.
WORKERS = ["03-7-measure", "03-7-repaired"]
# Those whose names they use.
NEEDED = [
    *("03-1-flicker", "03-1-predict", "03-2-scenes", "03-2-recall", "03-2-recall-check", "03-2-uniform"),
    *("03-7-found", "03-7-predict", "03-7-repair", "03-7-repair-check"),
]
# Six workers are spawned instead of ten.
SMALLER = {
    "[(1, range(8)), (2, range(7, -1, -1))]": "[(2, range(7, -1, -1))]",
    "[shifts_of(data, epoch, workers, order) for epoch in (0, 1)] == expected": (
        "[shifts_of(data, 1, workers, order)] == expected[1:]"
    ),
}


def test_worker_cells_are_known():
    assert worker_cells(LAB) == WORKERS[:1]


@pytest.mark.timeout(200)
def test_repeated_and_repaired_random_numbers_are_the_same_under_spawn(tmp_path: Path):
    cells = [cell["id"] for cell in read_notebook(LAB)["cells"] if cell["cell_type"] == "code"]
    without = [name for name in cells if name not in {*WORKERS, *NEEDED}]
    printed = run_spawned(LAB, tmp_path, without=without, smaller=SMALLER)
    assert "different shifts in epoch 0: 4 of 8" in printed["03-7-measure"]
    assert "clips that are moved another way in epoch 1: 0" in printed["03-7-measure"]
    assert "the same as without workers: True" in printed["03-7-repaired"]
