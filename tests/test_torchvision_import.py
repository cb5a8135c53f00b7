"""`import lift_core` makes torchvision importable beside a CPU-only torch and leaves a working one alone.

Every case runs in a process of its own: operators once defined cannot be taken back.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

from tests.conftest import needs_program

CPU_ONLY = pytest.mark.skipif(torch.version.cuda is not None, reason="this torch is built with CUDA")

NMS_LIBRARY = """
#include <torch/csrc/stable/library.h>

// The result takes the place of the first argument, so this nms returns `dets` itself.
static void return_dets(StableIValue*, uint64_t, uint64_t) {}

STABLE_TORCH_LIBRARY(torchvision, m) {
  m.def("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor");
}
STABLE_TORCH_LIBRARY_IMPL(torchvision, CPU, m) { m.impl("nms", &return_dets); }
"""


def run_python(code: str, *, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in a new process, with ``path`` first on its module path."""
    preamble = "" if path is None else f"import sys; sys.path.insert(0, {str(path)!r})\n"
    return subprocess.run(
        [sys.executable, "-c", preamble + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def output_of(code: str, *, path: Path | None = None) -> str:
    result = run_python(code, path=path)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def fake_torchvision(folder: Path) -> Path:
    """Make a package `torchvision` that loads its compiled library the way the real one does."""
    package = folder / "torchvision"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        "from pathlib import Path\nimport torch\ntorch.ops.load_library(str(Path(__file__).with_name('_C.so')))\n"
    )
    return package


@pytest.fixture(scope="module")
def real_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a `torchvision` whose compiled library really registers torchvision::nms."""
    compiler = needs_program("g++")
    folder = tmp_path_factory.mktemp("real")
    package = fake_torchvision(folder)
    source = folder / "nms.cpp"
    source.write_text(NMS_LIBRARY)
    installed = Path(torch.__file__).parent
    include, libraries = f"-I{installed / 'include'}", [f"-L{installed / 'lib'}", "-ltorch_cpu", "-lc10"]
    flags = ["-shared", "-fPIC", "-O0", "-std=c++20"]
    subprocess.run([compiler, *flags, include, source, "-o", package / "_C.so", *libraries], check=True)
    return folder


@CPU_ONLY
def test_torchvision_and_torchmetrics_work_beside_a_cpu_torch_and_nms_is_a_plain_error():
    printed = output_of("""
        import lift_core, torchvision, torch, torchmetrics
        from torchvision import tv_tensors
        from torchvision.transforms import v2
        from torchvision.utils import flow_to_image
        from torchvision.models.optical_flow import raft_small
        image = tv_tensors.Image(torch.arange(12, dtype=torch.uint8).reshape(1, 3, 4))
        assert v2.functional.horizontal_flip(image)[0, 0].tolist() == [3, 2, 1, 0]
        print(flow_to_image(torch.zeros(2, 5, 7)).shape)
        print(sum(p.numel() for p in raft_small(weights=None).parameters()))
        for nms in (torchvision.ops.nms, torch.ops.torchvision.nms):
            try:
                nms(torch.rand(2, 4), torch.rand(2), 0.5)
            except (RuntimeError, NotImplementedError) as error:
                print("plain", type(error).__name__)
    """)
    assert printed.splitlines() == [
        "torch.Size([3, 5, 7])",
        "990162",
        "plain RuntimeError",
        "plain NotImplementedError",
    ]


def test_lift_core_works_where_torchvision_is_absent():
    printed = output_of("""
        import sys
        class Blocker:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] == "torchvision":
                    raise ModuleNotFoundError("No module named 'torchvision'", name="torchvision")
        sys.meta_path.insert(0, Blocker())
        import lift_core
        try:
            import torchvision
        except ModuleNotFoundError as error:
            print(error.name)
        print("torch" in sys.modules)
    """)
    assert printed.split() == ["torchvision", "False"]


def test_absent_torchvision_and_absent_torch_are_reported_as_absent():
    code = """
        import sys
        sys.modules[{name!r}] = None
        from lift_core._torchvision import provide_operators
        print(provide_operators())
    """
    assert [output_of(code.format(name=name)) for name in ("torchvision", "torch")] == ["absent", "absent"]


def test_torchvision_imported_before_lift_core_is_left_alone(real_library: Path):
    printed = output_of(
        """
        import torchvision, torch, lift_core
        from lift_core._torchvision import provide_operators
        print(provide_operators())
        print(torch.ops.torchvision.nms(torch.ones(1), torch.ones(1), 0.5).tolist())
        """,
        path=real_library,
    )
    assert printed.splitlines() == ["already defined", "[1.0]"]


def test_compiled_library_is_loaded_and_its_nms_runs(real_library: Path):
    printed = output_of(
        """
        import lift_core, torch
        from lift_core._torchvision import provide_operators
        print(provide_operators(), provide_operators())
        import torchvision
        print(torchvision.__file__.startswith(sys.path[0]))
        print(torch.ops.torchvision.nms(torch.ones(1), torch.ones(1), 0.5).tolist())
        """,
        path=real_library,
    )
    assert printed.splitlines() == ["loaded loaded", "True", "[1.0]"]


def test_import_alone_loads_the_compiled_library_without_defining_anything(real_library: Path):
    printed = output_of(
        """
        import lift_core, torchvision, torch
        from lift_core._torchvision import provide_operators
        print(provide_operators(), hasattr(torch.ops.torchvision, "qnms"))
        print(torch.ops.torchvision.nms(torch.ones(1), torch.ones(1), 0.5).tolist())
        """,
        path=real_library,
    )
    assert printed.splitlines() == ["loaded False", "[1.0]"]


def test_defining_the_schema_first_would_abort_the_process(real_library: Path):
    """The danger that the module avoids is real for this very library; else the tests above would prove nothing."""
    result = run_python(
        """
        from lift_core import _torchvision
        _torchvision._schemas()
        import torchvision
        """,
        path=real_library,
    )
    assert result.returncode < 0
    assert "same name and overload name multiple times" in result.stderr


@pytest.mark.parametrize("content", [None, b"not a library"], ids=["no library", "broken library"])
def test_schemas_are_defined_where_the_library_is_missing_or_broken(tmp_path: Path, content: bytes | None):
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import torch\ntorch.ops.torchvision.nms.default\ntorch.ops.torchvision.qnms\n"
    )
    if content is not None:
        (package / "_C.so").write_bytes(content)
    printed = output_of(
        """
        import lift_core, torchvision
        from lift_core._torchvision import make_importable, provide_operators
        make_importable()
        print(provide_operators())
        import gc, torch
        gc.collect()
        print(torch.ops.torchvision.nms.default._schema)
        """,
        path=tmp_path,
    )
    assert printed.splitlines() == [
        "schemas defined",
        "torchvision::nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    ]


def test_operators_that_someone_else_defined_are_left_alone(tmp_path: Path):
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text("")
    printed = output_of(
        """
        import lift_core
        from torch.library import Library
        theirs = Library("torchvision", "DEF")
        theirs.define("nms(Tensor a) -> Tensor")
        from lift_core._torchvision import provide_operators
        print(provide_operators())
        import torchvision
        """,
        path=tmp_path,
    )
    assert printed == "already defined"


def test_the_hook_is_installed_once_acts_once_and_hides_no_other_finder():
    printed = output_of("""
        import sys
        import lift_core
        from lift_core import _torchvision
        asked = []
        class Counter:
            def find_spec(self, name, path=None, target=None):
                if name == "torchvision":
                    asked.append(name)
        sys.meta_path.insert(1, Counter())
        sys.modules["torch"] = None
        calls = []
        provide = _torchvision.provide_operators
        _torchvision.provide_operators = lambda: calls.append(provide())
        _torchvision.make_importable()
        import importlib.util
        importlib.util.find_spec("torchvision")
        importlib.util.find_spec("torchvision")
        print(sum(type(finder).__module__ == "lift_core._torchvision" for finder in sys.meta_path), calls, len(asked))
    """)
    assert printed == "1 ['absent'] 2"
