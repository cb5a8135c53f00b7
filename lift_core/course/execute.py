"""Runs solution notebooks from top to bottom in fresh kernels and stores their outputs, and nothing volatile."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lift_core.atomic import atomic_file
from lift_core.course.notebooks import LabError, Notebook, read_notebook, to_bytes
from lift_core.errors import MissingDependencyError

if TYPE_CHECKING:
    from nbclient import NotebookClient
    from nbformat import NotebookNode

CELL_TIMEOUT_S = 120

# What the name of the temporary work folder is stored as: the folder that students see in its place.
_WORK = "my_labs"
_WIDGET = "application/vnd.jupyter.widget-view+json"


def execute_solution(path: Path) -> None:
    """Run the notebook at ``path`` and write it back with its outputs; ids, tags and text stay as they are.

    The notebook runs in its own folder, and ``LIFT_WORK`` is a temporary one, so that it dirties nothing. Outputs that
    name that folder are stored with "my_labs" in its place.

    Raises:
        LabError: a cell fails or runs for more than ``CELL_TIMEOUT_S`` seconds; the file is left as it was.
        MissingDependencyError: the packages of the extra "lab" are not installed.
        OutputError: the file cannot be written.
    """
    notebook = stable(_run(path))
    with atomic_file(path) as temporary:
        temporary.write_bytes(to_bytes(notebook))


def stable(notebook: Notebook) -> Notebook:
    """Drop what differs from run to run: times, versions, and widgets, whose text stays to stand for them."""
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    cells = []
    for cell in notebook["cells"]:
        tags = cell.get("metadata", {}).get("tags", [])
        kept = {**cell, "metadata": {"tags": sorted(tags)} if tags else {}}
        if "outputs" in cell:
            kept["outputs"] = [_without_widget(output) for output in cell["outputs"]]
        cells.append(kept)
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _without_widget(output: dict[str, Any]) -> dict[str, Any]:
    if "data" not in output:
        return output
    return {**output, "data": {kind: data for kind, data in output["data"].items() if kind != _WIDGET}}


def _run(path: Path) -> Notebook:
    node = unexecuted(path)
    with tempfile.TemporaryDirectory() as folder:
        work = str(Path(folder).resolve())
        client = notebook_client(node, path.parent, CELL_TIMEOUT_S)
        from nbclient.exceptions import CellControlSignal, CellExecutionError, DeadKernelError

        try:
            client.execute(env={**os.environ, "LIFT_WORK": work})
        except CellExecutionError as error:
            raise _failure(f"{error.ename}: {error.evalue}", node, path) from error
        except (CellControlSignal, DeadKernelError) as error:
            raise _failure(str(error).splitlines()[0], node, path) from error
    return _renamed(as_notebook(node), work, _WORK)


def _renamed(part: Any, old: str, new: str) -> Any:
    """Put ``new`` in place of ``old`` in every text of a notebook or of a part of one."""
    if isinstance(part, str):
        return part.replace(old, new)
    if isinstance(part, list):
        return [_renamed(item, old, new) for item in part]
    if isinstance(part, dict):
        return {key: _renamed(item, old, new) for key, item in part.items()}
    return part


def unexecuted(path: Path) -> NotebookNode:
    """Read a notebook for `notebook_client`, without its outputs and execution counts.

    Raises:
        LabError: the file cannot be read, or is not a notebook.
        MissingDependencyError: the packages of the extra "lab" are not installed.
    """
    read_notebook(path)  # Its error is one line; nbformat's is a page.
    try:
        import nbformat
    except ImportError as error:
        raise _missing() from error
    node = nbformat.read(path, as_version=4)
    for cell in node.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return node


def notebook_client(node: NotebookNode, folder: Path, timeout_s: int, **options: Any) -> NotebookClient:
    """Make what runs ``node`` in a fresh kernel, in ``folder``.

    Args:
        node: what `unexecuted` returned; the outputs are written into it.
        folder: the kernel's current folder.
        timeout_s: seconds for each cell.
        options: further ones of nbclient.

    Raises:
        MissingDependencyError: the packages of the extra "lab" are not installed.
    """
    try:
        from nbclient import NotebookClient
    except ImportError as error:
        raise _missing() from error
    return NotebookClient(
        node,
        timeout=timeout_s,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        coalesce_streams=True,
        # Kernels warn on our stderr that they talk over TCP, which they only do on this machine.
        extra_arguments=["--IPKernelApp.log_level=40"],
        **options,
    )


def as_notebook(node: NotebookNode) -> Notebook:
    """The notebook that was run, as `lift_core.course.notebooks` handles it."""
    import nbformat

    notebook: Notebook = json.loads(nbformat.writes(node))
    return notebook


def _missing() -> MissingDependencyError:
    return MissingDependencyError(
        "notebooks cannot be run here: JupyterLab's packages are missing.",
        fix='Run `make setup`, or: pip install "lift-core[lab]"',
    )


def _failure(what: str, node: NotebookNode, path: Path) -> LabError:
    """Name the cell that was started last, which is the one that failed."""
    started = [cell["id"] for cell in node.cells if cell.get("execution_count") is not None]
    where = f"{path}, cell {started[-1]}" if started else path
    return LabError(f"the notebook does not run to its end: {what}.", where=where)
