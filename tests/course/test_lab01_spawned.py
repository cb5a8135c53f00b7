"""Lab 01's cell that starts workers also runs where processes are spawned, and counts the same reads."""

from __future__ import annotations

from pathlib import Path

from lift_core.course.notebooks import cell_source, read_notebook
from tests.course.spawned_cells import run_spawned, worker_cells

LAB = Path(__file__).resolve().parents[2] / "solutions" / "01_datasets.ipynb"
# What the cell with workers needs, and that cell.
NEEDED = (
    "1-batch",
    "2-question",
    "2-table",
    "3-value",
    "3-csv",
    "5-init",
    "5-where-predict",
    "5-where",
    "5-workers-predict",
)
WORKERS = "01-5-workers"


def test_worker_cells_are_known():
    assert worker_cells(LAB) == [WORKERS]


def test_workers_read_as_often_when_they_are_spawned(tmp_path: Path):
    cells = [cell for cell in read_notebook(LAB)["cells"] if cell["cell_type"] == "code"]
    kept = {f"01-{name}" for name in NEEDED} | {WORKERS}
    stored = next("".join(cell["outputs"][0]["text"]) for cell in cells if cell["id"] == WORKERS)
    without = [cell["id"] for cell in cells if cell["id"] not in kept]
    assert any("num_workers=2" in cell_source(cell) for cell in cells if cell["id"] == WORKERS)
    assert run_spawned(LAB, tmp_path, without=without)[WORKERS] == stored
