"""Runs cells of a solution notebook in a kernel whose worker processes are spawned, as on macOS and Windows."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from lift_core.course.execute import notebook_client, unexecuted

# What a cell that starts worker processes has in it.
_STARTS_WORKERS = re.compile(r"num_workers=|\bplay\(|\bautotune\(|\bcreate_dataloaders\(|\bmeasure\(|my_loader\.load")
_SPAWN = "import multiprocessing\n\nmultiprocessing.set_start_method('spawn', force=True)"


def worker_cells(path: Path) -> list[str]:
    """The ids of the code cells that start workers, as far as their text tells."""
    cells = unexecuted(path).cells
    return [cell.id for cell in cells if cell.cell_type == "code" and _STARTS_WORKERS.search(cell.source)]


def run_spawned(
    path: Path, work: Path, *, without: Sequence[str] = (), smaller: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Run the cells in order, in one fresh kernel, under the start method "spawn".

    Spawning a worker costs seconds, so a test leaves out cells that start workers as others do, and runs less of the
    same: ``smaller`` names texts of the cells and what stands there instead (fewer workers, say).

    Args:
        path: of the solution notebook. work: an empty folder, for LIFT_WORK.
        without: ids of cells to leave out, whose names no later cell needs.
        smaller: each text must occur in some cell that is run.

    Returns:
        What each cell printed, by its id. A cell that raises raises ``nbclient.exceptions.CellExecutionError``.
    """
    node = unexecuted(path)
    assert set(without) <= {cell.id for cell in node.cells}
    wanted = [cell for cell in node.cells if cell.cell_type == "code" and cell.id not in without]
    for text, other in (smaller or {}).items():
        assert any(text in cell.source for cell in wanted), f"no cell holds {text!r}"
        for cell in wanted:
            cell.source = cell.source.replace(text, other)
    wanted[0].source = f"{_SPAWN}\n\n{wanted[0].source}"
    node.cells = wanted
    notebook_client(node, path.parent, 300).execute(env={**os.environ, "LIFT_WORK": str(work)})
    return {
        cell.id: "".join(output.get("text", "") for output in cell.outputs if output.output_type == "stream")
        for cell in wanted
    }
