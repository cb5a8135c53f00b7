"""The notebooks of the course: well-formed, run to the end, and of use to someone who has filled in nothing."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lift_core.course.build import LAB_TAGS
from lift_core.course.execute import execute_solution, stable
from lift_core.course.notebooks import read_notebook, to_bytes
from lift_core.metrics import psnr

ROOT = Path(__file__).resolve().parents[2]
SOLUTIONS = sorted((ROOT / "solutions").glob("*.ipynb"))
IGNORED = "nbval-ignore-output"

each_solution = pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)


def code_cells(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in read_notebook(path)["cells"] if cell["cell_type"] == "code"]


def tags(cell: dict[str, Any]) -> set[str]:
    return set(cell["metadata"].get("tags", []))


def printed(cell: dict[str, Any]) -> str:
    return "".join("".join(output.get("text", "")) for output in cell["outputs"])


def test_there_is_a_first_lab():
    assert [path.stem for path in SOLUTIONS][:1] == ["00_start_here"]


@each_solution
def test_ids_are_authored_and_unique(path: Path):
    ids = [cell["id"] for cell in read_notebook(path)["cells"]]
    authored = re.compile(rf"{path.stem[:2]}-\d+-[a-z][a-z0-9-]*")
    assert [name for name in ids if not authored.fullmatch(name)] == []
    assert len(set(ids)) == len(ids)


@each_solution
def test_tags_are_of_the_closed_list(path: Path):
    used = set().union(*(tags(cell) for cell in read_notebook(path)["cells"]))
    assert used - LAB_TAGS - {IGNORED} == set()


@each_solution
def test_few_outputs_are_ignored_and_never_a_verdict(path: Path):
    cells = code_cells(path)
    ignored = [cell for cell in cells if IGNORED in tags(cell)]
    assert len(ignored) <= 0.4 * len(cells)
    assert [cell["id"] for cell in ignored if "check" in tags(cell)] == []


@each_solution
def test_every_cell_was_run_in_order_without_errors_or_warnings(path: Path):
    cells = code_cells(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= {"stream", "display_data", "execute_result"}
    assert {output["name"] for output in outputs if output["output_type"] == "stream"} == {"stdout"}
    assert "Could not find file" not in "".join(map(printed, cells))


@each_solution
def test_the_file_is_as_the_builder_stores_it(path: Path):
    assert path.read_bytes() == to_bytes(stable(read_notebook(path)))


@each_solution
def test_no_line_of_code_ends_in_a_semicolon(path: Path):
    lines = [line.rstrip() for cell in code_cells(path) for line in "".join(cell["source"]).splitlines()]
    assert [line for line in lines if line.endswith(";")] == []


@each_solution
def test_filled_in_checks_pass(path: Path):
    verdicts = [printed(cell) for cell in code_cells(path) if "check" in tags(cell)]
    assert verdicts
    assert [verdict for verdict in verdicts if "passed" not in verdict] == []


@each_solution
def test_unfilled_lab_runs_to_its_end_and_says_what_is_not_attempted(path: Path, tmp_path: Path):
    lab = tmp_path / path.name
    lab.write_bytes((ROOT / "labs" / path.name).read_bytes())
    execute_solution(lab)
    verdicts = [printed(cell) for cell in code_cells(lab) if "check" in tags(cell)]
    assert verdicts
    assert [verdict for verdict in verdicts if "not attempted yet" not in verdict] == []
    assert list(tmp_path.iterdir()) == [lab]


@pytest.fixture
def verdict_of() -> Callable[[Callable[..., Any]], str]:
    """What the check of lab 00 prints about a function."""
    (check,) = (cell for cell in code_cells(ROOT / "labs" / "00_start_here.ipynb") if cell["id"] == "00-6-check")
    pictures = np.random.default_rng(1).integers(0, 256, (2, 24, 32, 3), dtype=np.uint8)

    def verdict(function: Callable[..., Any]) -> str:
        cell = {"np": np, "psnr": psnr, "made": {"blend": [pictures[0]]}, "worst": 0, "truth": pictures[1]}
        with contextlib.redirect_stdout(io.StringIO()) as said:
            exec("".join(check["source"]), {**cell, "my_psnr": function})
        return said.getvalue()

    return verdict


def in_float32(made: Any, truth: Any) -> float:
    error = made.astype(np.float32) / 255 - truth.astype(np.float32) / 255
    return -10 * float(np.log10((error**2).mean()))


def in_torch(made: Any, truth: Any) -> torch.Tensor:
    error = torch.from_numpy(made).double() - torch.from_numpy(truth).double()
    return 20 * torch.log10(255 / error.square().mean().sqrt())


def in_plain_python(made: Any, truth: Any) -> float:
    squares = [(int(a) - int(b)) ** 2 for a, b in zip(made.flatten(), truth.flatten(), strict=True)]
    return 10 * np.log10(255**2 * len(squares) / sum(squares))


@pytest.mark.parametrize("right", [in_float32, in_torch, in_plain_python])
def test_psnr_check_passes_every_right_way(verdict_of: Callable[..., str], right: Callable[..., Any]):
    assert verdict_of(right).startswith("Exercise 00.1: passed")


def wraps_around(made: Any, truth: Any) -> float:
    return 10 * np.log10(255**2 / np.mean((made - truth) ** 2))


def natural_logarithm(made: Any, truth: Any) -> float:
    return 10 * np.log(255**2 / np.mean((made.astype(float) - truth) ** 2))


def peak_of_one(made: Any, truth: Any) -> float:
    return 10 * np.log10(1 / np.mean((made.astype(float) - truth) ** 2))


@pytest.mark.parametrize("wrong", [wraps_around, natural_logarithm, peak_of_one])
def test_psnr_check_says_how_far_off_a_wrong_way_is(verdict_of: Callable[..., str], wrong: Callable[..., Any]):
    assert re.search(r"not yet right\. For .*: yours -?[\d.]+ dB, expected [\d.]+ dB", verdict_of(wrong))


@pytest.mark.parametrize("returned", [None, "12 dB", [1.0, 2.0], np.ones(3)])
def test_psnr_check_asks_for_one_number(verdict_of: Callable[..., str], returned: object):
    assert "should return one number" in verdict_of(lambda made, truth: returned)


def test_only_the_stubs_own_message_counts_as_not_attempted(verdict_of: Callable[..., str]):
    def stub(made: Any, truth: Any) -> float:
        raise NotImplementedError("lift-stub:00.1 do it")

    def other(made: Any, truth: Any) -> float:
        raise NotImplementedError("torch cannot do this")

    assert "not attempted yet" in verdict_of(stub)
    with pytest.raises(NotImplementedError, match="torch cannot"):
        verdict_of(other)


def test_the_stub_of_the_lab_is_the_only_thing_that_differs_from_the_solution():
    solution, lab = (code_cells(ROOT / folder / "00_start_here.ipynb") for folder in ("solutions", "labs"))
    sources = {cell["id"]: "".join(cell["source"]) for cell in lab}
    differing = {cell["id"] for cell in solution if "".join(cell["source"]) != sources[cell["id"]]}
    assert differing == {"00-6-psnr"}
    assert json.dumps("lift-stub:00.1")[1:-1] in sources["00-6-psnr"]
