"""Every way in which a lab could give its solution away is found, and what is everyone's code is not."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from lift_core.course.leaks import find_leaks
from lift_core.course.notebooks import read_notebook
from lift_core.course.telling import telling_parts

ROOT = Path(__file__).resolve().parents[2]
LABS = sorted((ROOT / "labs").glob("*.ipynb"))

EXERCISE = """\
def line(x, weight):
    ### BEGIN SOLUTION 04.1 a line
    out = []
    for value in sorted(set(x[::2]), key=abs, reverse=True):
        out.append(weight * value + 1)
    print(len(out))
    return 2 * out[0] + sum(out)
    ### END SOLUTION
"""
STUBBED = 'def line(x, weight):\n    raise NotImplementedError("lift-stub:04.1 a line")\n'


def cell(name: str, kind: str, source: str, *tags: str, outputs: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    made = {"cell_type": kind, "id": f"04-1-{name}", "metadata": {"tags": list(tags)}, "source": source}
    return made if kind == "markdown" else {**made, "outputs": outputs or [], "execution_count": None}


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    return {"cells": list(cells), "metadata": {"kernelspec": {}, "language_info": {}, "lift_lab": {}}}


SOLUTION = notebook(
    cell("line", "code", EXERCISE, "exercise"),
    cell("guess", "code", 'predict("how many?", 41.5)\nchoose("04.A", "b")'),
    cell("why", "markdown", "*Your answer:* Because the\nwindow slides. 7 frames.", "answer"),
    cell("short", "markdown", "It wraps around.", "answer"),
    cell("notes", "markdown", "Let them find the off-by-one themselves.", "instructor"),
    cell("grading", "code", "print(grade(line, tolerance=1e-3, points=4))", "instructor"),
)


def leaks_of(*cells: dict[str, Any]) -> list[str]:
    return find_leaks(SOLUTION, notebook(cell("line", "code", STUBBED, "exercise"), *cells))


@pytest.mark.parametrize(
    "source",
    [
        "def other(out):\n    return 2*out[0]+sum(out)\n",
        "y = (2 * out[0]\n     + sum(out))",
        "assert line(x, 1) == 3\nif 2 * out[0] + sum(out):\n    pass",
        "for value in sorted(set(x[::2]), key=abs, reverse=True):\n    print(value)",
        "%matplotlib inline\ntotal = 2 * out[0] + sum(out)",
        "out.append(weight * value + 1)",
        "%%latex\n\\ 2 * out[0] + sum(out)",
        "print(grade(line, tolerance=1e-3, points=4))",
    ],
)
def test_statements_and_values_of_a_solution_are_found_in_code(source: str):
    (leak,) = leaks_of(cell("plot", "code", source, "check"))
    assert leak.startswith("cell 04-1-plot: ")


def test_worked_cells_may_show_similar_code():
    assert leaks_of(cell("shown", "code", "return 2 * out[0] + sum(out)", "worked")) == []


@pytest.mark.parametrize(
    "source",
    ["out = []", "print(len(out))", "y = 2 * out[0]", "for value in x:\n    pass", "y = 2 * out[0] - sum(out)"],
)
def test_code_that_is_everyones_is_no_leak(source: str):
    assert leaks_of(cell("plot", "code", source)) == []


@pytest.mark.parametrize(
    "source",
    [
        "Write\n\n```python\nreturn 2*out[0] + sum(out)\n```\n",
        "~~~\n>>> y = 2*out[0] + sum(out)\n~~~",
        "```\nfirst some words\nreturn 2*out[0] + sum(out)\n```",
        "Use `2*out[0] + sum(out)`.",
        "Use ``int(2*out[0] + sum(out))``.",
        "<details><summary>Hint 3</summary>Take <code>2*out[0]+<b>sum</b>(out)</code>.</details>",
        "Loop: `for value in sorted(set(x[::2]), key=abs, reverse=True):`",
        "So you return 2*out[0]\n+ sum(out) and that is it.",
        "<pre>out.append(weight * value &#43; 1)</pre>",
        "sorted(set(x[::2]), key = abs, reverse = True)",
    ],
)
def test_solutions_are_found_in_markdown(source: str):
    (leak,) = leaks_of(cell("hint", "markdown", source))
    assert leak.startswith("cell 04-1-hint: the solution of 04.1")


@pytest.mark.parametrize(
    "source", ["Return twice the first, plus the sum.", "`out = []`", "`sum(out)`", "`x[` is no Python", "```\n\0\n```"]
)
def test_words_and_small_pieces_of_code_are_no_leak(source: str):
    assert leaks_of(cell("hint", "markdown", source)) == []


@pytest.mark.parametrize(
    ("made", "what"),
    [
        (cell("guess", "code", 'predict("how many?", 41.5)'), 'an answer to "how many?"'),
        (cell("guess", "code", 'predict("how many?", 3)', "worked"), 'an answer to "how many?"'),
        (cell("hint", "markdown", 'Like `choose("04.A", "b")`.'), "the answer to"),
        (cell("hint", "markdown", "Is it because the window slides?\n\nBecause the\nwindow slides."), "04-1-why"),
        (cell("hint", "markdown", "Remember: It wraps\naround."), "04-1-short"),
        (cell("code", "code", "# Let them find the off-by-one themselves."), "04-1-notes"),
        (cell("line", "code", EXERCISE), "the marker of a solution"),
    ],
)
def test_answers_instructors_words_and_markers_are_found(made: dict[str, Any], what: str):
    assert any(leak.startswith(f"cell {made['id']}: ") and what in leak for leak in leaks_of(made))


@pytest.mark.parametrize(
    "made",
    [
        cell("guess", "code", 'predict("how many?", ...)\nchoose("04.A", ...)'),
        cell("hint", "markdown", 'Answer like this: `choose("04.A", "a")`. 7 frames.'),
        cell("why", "markdown", "*Your answer:*", "answer"),
    ],
)
def test_blank_answers_and_examples_are_no_leak(made: dict[str, Any]):
    assert leaks_of(made) == []


def stream(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": [text]}


def display(**data: str) -> dict[str, Any]:
    kinds = {kind.replace("_", "/"): value for kind, value in data.items()}
    return {"output_type": "display_data", "data": kinds, "metadata": {}}


@pytest.mark.parametrize(
    ("output", "tags", "what"),
    [
        (stream("1"), (), "an output"),
        (stream("x" * 80_000), ("keep-output",), "characters"),
        (stream("return 2 * out[0] + sum(out)"), ("keep-output",), "the solution of 04.1"),
        (display(text_html="<b>2*out[0]&#43;sum(out)</b>"), ("keep-output",), "the solution of 04.1"),
    ],
)
def test_outputs_that_tell_or_weigh_too_much_are_found(output: dict[str, Any], tags: tuple[str, ...], what: str):
    (leak,) = leaks_of(cell("shown", "code", "show()", *tags, outputs=[output]))
    assert leak.startswith("cell 04-1-shown: ")
    assert what in leak


def test_a_small_kept_picture_is_no_leak():
    picture = display(image_png="iVBOR" * 100, text_plain="a picture")
    assert leaks_of(cell("shown", "code", "show()", "keep-output", outputs=[picture])) == []


def test_metadata_beyond_tags_and_kernel_are_found():
    lab = notebook({**cell("text", "markdown", "words"), "metadata": {"collapsed": True, "tags": []}})
    lab["metadata"]["widgets"] = {}
    assert find_leaks(SOLUTION, lab) == ["the notebook's metadata: widgets", "cell 04-1-text: metadata: collapsed"]


@pytest.mark.parametrize(
    ("code", "tells"),
    [
        ("return x", False),
        ("i += 1", False),
        ("out = []", False),
        ("height, width = frame.shape[-2:]", False),
        ("n = len(self.paths)", False),
        ("self.cache[key] = frame", False),
        ("print(len(frames))", False),
        ("return x.permute(2, 0, 1)", False),
        ("from lift_core.data.window import a, b, c, d, e, f", False),
        ("return 2 * x + 1", True),
        ("return max(low, min(value, high))", True),
        ("return [self.read(i) for i in indices]", True),
        ("x = x.permute(2, 0, 1).float() / 255", True),
    ],
)
def test_code_tells_when_someone_had_to_think_of_it(code: str, tells: bool):
    assert bool(telling_parts(ast.parse(code).body[0])) == tells


@pytest.mark.parametrize("lab", LABS, ids=lambda path: path.stem)
def test_committed_labs_leak_nothing(lab: Path):
    assert find_leaks(read_notebook(ROOT / "solutions" / lab.name), read_notebook(lab)) == []
