"""Solutions are run as a whole, stored without what changes from run to run, and left alone when they fail."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from lift_core.course import build
from lift_core.course.execute import execute_solution, stable
from lift_core.course.notebooks import LabError


def code(cell_id: str, source: str, *tags: str) -> dict[str, Any]:
    metadata = {"tags": list(tags), "execution": {"iopub.execute_input": "2020"}}
    stale = [{"output_type": "stream", "name": "stdout", "text": ["stale\n"]}]
    return {
        "cell_type": "code",
        "id": cell_id,
        "metadata": metadata,
        "source": source.splitlines(keepends=True),
        "execution_count": 40,
        "outputs": stale,
    }


def write(path: Path, *cells: dict[str, Any]) -> Path:
    metadata = {"language_info": {"name": "python", "version": "3.0"}, "widgets": {"state": {}}}
    path.write_text(json.dumps({"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))
    return path


NAMES_A_FILE = """import os
from pathlib import Path
from IPython.display import HTML
print(os.path.basename(os.getcwd()))
file = Path(os.environ["LIFT_WORK"]) / "my_frames.py"
print(file)
Path("where").write_text(str(file.parent))
HTML(f"<b>{file}</b>")"""


def printed(path: Path) -> dict[str, str]:
    cells = json.loads(path.read_text())["cells"]
    return {cell["id"]: "".join("".join(out.get("text", "")) for out in cell["outputs"]) for cell in cells}


def test_a_run_stores_outputs_and_nothing_volatile(tmp_path: Path):
    path = write(
        tmp_path / "00_x.ipynb",
        code("a", "import os\nfor n in range(3):\n    print(n, flush=True)", "measure", "check"),
        code("b", NAMES_A_FILE),
    )
    execute_solution(path)
    notebook = json.loads(path.read_text())
    assert [cell["id"] for cell in notebook["cells"]] == ["a", "b"]
    assert [cell["execution_count"] for cell in notebook["cells"]] == [1, 2]
    assert [cell["metadata"] for cell in notebook["cells"]] == [{"tags": ["check", "measure"]}, {}]
    assert notebook["metadata"]["language_info"] == {"name": "python"}
    assert "widgets" not in notebook["metadata"]
    assert len(notebook["cells"][0]["outputs"]) == 1
    assert printed(path)["a"] == "0\n1\n2\n"
    folder, written = printed(path)["b"].splitlines()
    assert folder == tmp_path.name
    assert Path(written) == Path("my_labs") / "my_frames.py"
    shown = notebook["cells"][1]["outputs"][1]["data"]
    assert "".join(shown["text/html"]) == f"<b>{written}</b>"
    work = (tmp_path / "where").read_text()
    assert work != os.environ["LIFT_WORK"]
    assert not Path(work).exists()
    assert work not in path.read_text()


def test_a_failing_cell_is_named_and_the_file_left_as_it_was(tmp_path: Path):
    path = write(tmp_path / "00_x.ipynb", code("a", "x = 1"), code("b", "x / 0"), code("c", "x"))
    before = path.read_bytes()
    with pytest.raises(LabError, match=r"ZeroDivisionError.*cell b"):
        execute_solution(path)
    assert path.read_bytes() == before


def test_cell_metadata_other_than_tags_and_widgets_are_dropped():
    cell = code("a", "1", "worked")
    cell["metadata"]["jupyter"] = {"source_hidden": True}
    widget = {"application/vnd.jupyter.widget-view+json": {"model_id": "4f"}, "text/plain": "FloatSlider()"}
    cell["outputs"] = [{"output_type": "display_data", "data": widget, "metadata": {}}]
    (cleaned,) = stable({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4})["cells"]
    assert cleaned["metadata"] == {"tags": ["worked"]}
    assert [output["data"] for output in cleaned["outputs"]] == [{"text/plain": "FloatSlider()"}]


def test_the_builder_runs_the_named_solutions_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    ran: list[str] = []
    monkeypatch.setattr(build, "repository_root", lambda: tmp_path)
    monkeypatch.setattr(build, "execute_solution", lambda path: ran.append(path.name))
    (tmp_path / "labs").mkdir()
    (tmp_path / "solutions").mkdir()
    for name in ("00_x", "01_y"):
        write(tmp_path / "solutions" / f"{name}.ipynb", code(f"{name[:2]}-1-one", "1"))
    assert build.main(["--execute", "1"]) == 0
    assert ran == ["01_y.ipynb"]
    assert "executed: solutions/01_y.ipynb" in capsys.readouterr().out
    assert (tmp_path / "labs" / "01_y.ipynb").is_file()
    assert build.main(["--execute"]) == 0
    assert ran == ["01_y.ipynb", "00_x.ipynb", "01_y.ipynb"]
    assert build.main(["--execute", "7"]) == 2
    with pytest.raises(SystemExit):
        build.main(["--execute", "--check"])
