"""Fills a lab in with its solution's regions, answers and instructor cells, starting from the lab's own text."""

from __future__ import annotations

from lift_core.course.answers import find_answers, put_answers
from lift_core.course.cells import split_lines
from lift_core.course.notebooks import Cell, Notebook, cell_source, cell_tags
from lift_core.course.stubs import find_regions


def filled_sources(lab: Notebook, solution: Notebook) -> dict[str, str]:
    """The text of every cell, by id and in order, once a student has written exactly what the solution holds.

    Only three things are taken from the solution: what stands between its markers, in place of the stub's line; the
    second arguments of its questions, in place of the dots; and the cells that a lab lacks or holds without text.
    """
    solved = {cell["id"]: cell for cell in solution["cells"]}
    filled = {cell["id"]: _filled(cell, solved[cell["id"]]) for cell in lab["cells"]}
    order = [cell["id"] for cell in solution["cells"]]
    assert [name for name in order if name in filled] == list(filled), "cells changed their order"
    kept_back = {name: cell_source(cell) for name, cell in solved.items() if "instructor" in cell_tags(cell)}
    return {name: text for name in order if (text := {**filled, **kept_back}.get(name)) is not None}


def sources_without_markers(solution: Notebook) -> dict[str, str]:
    """The text of a solution's cells by id and in order, without the lines of the markers."""
    return {
        cell["id"]: "".join(
            line
            for line in split_lines(cell_source(cell))
            if not line.strip().startswith(("### BEGIN SOLUTION", "### END SOLUTION"))
        )
        for cell in solution["cells"]
    }


def _filled(cell: Cell, solved: Cell) -> str:
    text, solution, name = cell_source(cell), cell_source(solved), cell["id"]
    if "answer" in cell_tags(cell):
        return solution
    if cell["cell_type"] != "code":
        return text
    lines = split_lines(solution)
    for region in find_regions(solution, name):
        assert region.stub in text, f"{name}: no stub for {region.task}"
        text = text.replace(region.stub, "".join(lines[region.first : region.last - 1]), 1)
    return put_answers(text, [answer.text for answer in find_answers(solution, name)], name)
