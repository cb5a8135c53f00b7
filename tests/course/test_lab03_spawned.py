"""The cells of lab 03 that start worker processes run where these are spawned, and show the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.course.spawned_cells import run_spawned, worker_cells

LAB = Path(__file__).resolve().parents[2] / "solutions" / "03_sampling_and_augmentation.ipynb"

# The cells with workers, and those whose names they use.
CELLS = [
    *("03-1-flicker", "03-1-predict", "03-2-scenes", "03-2-recall", "03-2-recall-check", "03-2-uniform"),
    *("03-7-found", "03-7-predict", "03-7-measure", "03-7-repair", "03-7-repair-check", "03-7-repaired"),
]


@pytest.mark.timeout(300)
def test_repeated_and_repaired_random_numbers_are_the_same_under_spawn(tmp_path: Path):
    printed = run_spawned(
        LAB, tmp_path, cells=CELLS, smaller={"[(1, range(8)), (2, range(7, -1, -1))]": "[(2, range(7, -1, -1))]"}
    )
    assert set(worker_cells(LAB)) <= set(printed)
    assert "different shifts in epoch 0: 4 of 8" in printed["03-7-measure"]
    assert "clips that are moved another way in epoch 1: 0" in printed["03-7-measure"]
    assert "the same as without workers: True" in printed["03-7-repaired"]
