"""Runs a student's saved notebook in a fresh kernel, goes on after cells that fail, and reads what its checks said."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lift_core.checks.card import Card
from lift_core.course.execute import CELL_TIMEOUT_S, as_notebook, notebook_client, unexecuted
from lift_core.course.notebooks import Cell, Notebook

if TYPE_CHECKING:
    from nbformat import NotebookNode

# Time for a cell's last outputs, and for one that was interrupted to stop; without them its kernel is given up.
_INTERRUPT_S = 10
# Two clocks that measure one wait differ by less.
_CLOCK_S = 0.1
_TIMEOUT = "lift: out of time"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class FoundVerdict:
    """What one check said, as the record of its card holds it."""

    exercise: str
    name: str
    verdict: str

    @property
    def passed(self) -> bool:
        return self.verdict == "passed"


@dataclass(frozen=True)
class Failure:
    """A cell that did not run to its end: its id, and why in one line."""

    cell: str
    why: str


@dataclass(frozen=True)
class Rerun:
    """The result of a run.

    Attributes:
        verdicts: of every check that ran, in order.
        failures: the cells that failed, in order.
    """

    verdicts: tuple[FoundVerdict, ...]
    failures: tuple[Failure, ...]

    @property
    def latest(self) -> dict[str, FoundVerdict]:
        """The last verdict on each exercise, by its id."""
        return {verdict.exercise: verdict for verdict in self.verdicts}

    @property
    def is_clean(self) -> bool:
        """Whether every exercise passed and no cell failed."""
        return not self.failures and all(verdict.passed for verdict in self.latest.values())


def rerun(
    path: Path, *, work: Path | None = None, timeout_s: int = CELL_TIMEOUT_S, progress: Progress | None = None
) -> Rerun:
    """Run the saved notebook at ``path`` from top to bottom; the file is only read.

    It runs in its own folder, and its checks note their verdicts in the journal of the work folder.
    A cell that takes longer than ``timeout_s`` seconds is interrupted, and the run goes on with the next one. Where
    the kernel dies, cannot be interrupted or sends nothing more, the run ends there.

    Args:
        path: the notebook.
        work: the work folder; by default the student's own.
        timeout_s: seconds for each cell.
        progress: called before each cell with its number, counted from 1, and the number of cells.

    Raises:
        LabError: the file cannot be read, or is not a notebook.
        MissingDependencyError: the packages of the extra "lab" are not installed.
    """
    node = unexecuted(path)
    late: set[int] = set()
    current, since = 0, 0.0

    def start(cell: NotebookNode, cell_index: int) -> None:
        nonlocal current, since
        current, since = cell_index, time.monotonic()
        if progress is not None:
            progress(cell_index + 1, len(node.cells))

    def fail(cell: NotebookNode, cell_index: int, execute_reply: dict[str, Any]) -> None:
        if execute_reply["content"].get("ename") == _TIMEOUT:
            late.add(cell_index)

    client = notebook_client(
        node,
        path.parent,
        timeout_s,
        allow_errors=True,
        interrupt_on_timeout=True,
        error_on_timeout={"ename": _TIMEOUT, "evalue": "", "traceback": []},
        iopub_timeout=_INTERRUPT_S,
        raise_on_iopub_timeout=True,
        on_cell_start=start,
        on_cell_error=fail,
    )
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    end = None
    try:
        client.execute(env={**os.environ, **({} if work is None else {"LIFT_WORK": str(work)})})
    except DeadKernelError:
        end = "its kernel died, perhaps for want of memory; the cells after it did not run"
    except CellTimeoutError:
        end = _why_silent(time.monotonic() - since, timeout_s)
    return _result(as_notebook(node), late, timeout_s, {current: end} if end else {})


def _why_silent(seconds: float, timeout_s: int) -> str:
    """Why the end of a cell's outputs was waited for in vain, by the time from its start until the wait was over."""
    # The wait begins when the cell has answered, or was interrupted after its time was up.
    answered = seconds < timeout_s + _INTERRUPT_S - _CLOCK_S
    why = (
        f"it ended, but the rest of its outputs did not come within {_INTERRUPT_S} s"
        if answered
        else f"it ran for more than {timeout_s} s and could not be interrupted"
    )
    return f"{why}; the cells after it did not run"


def verdicts_of(cell: Cell) -> list[FoundVerdict]:
    """What the checks in a cell said, read from its outputs."""
    records = [output.get("data", {}).get(Card.RECORD_TYPE, {}) for output in cell.get("outputs", [])]
    return [
        FoundVerdict(str(record.get("exercise")), str(record.get("name")), str(record["verdict"]))
        for record in records
        if "verdict" in record
    ]


def _result(notebook: Notebook, late: set[int], timeout_s: int, ends: dict[int, str]) -> Rerun:
    verdicts: list[FoundVerdict] = []
    failures: list[Failure] = []
    for index, cell in enumerate(notebook["cells"]):
        verdicts += verdicts_of(cell)
        errors = [output for output in cell.get("outputs", []) if output["output_type"] == "error"]
        why = ends.get(index)
        if why is None and index in late:
            why = f"it ran for more than {timeout_s} s and was interrupted"
        elif why is None and errors:
            message = str(errors[0]["evalue"]).strip().splitlines()
            why = ": ".join([errors[0]["ename"], *message[:1]])
        if why is not None:
            failures.append(Failure(str(cell.get("id", f"number {index + 1}")), why))
    return Rerun(tuple(verdicts), tuple(failures))
