"""Solution regions become stubs, and a region that would leak or break the lab is refused."""

from __future__ import annotations

import ast

import pytest

from lift_core.course.notebooks import LabError
from lift_core.course.stubs import find_regions, stub_solutions

SOLUTION = '''\
def warp(frame, flow):
    """Warp."""
    grid = base_grid(frame)
    ### BEGIN SOLUTION 10.2 warp the frame
    secret = grid + flow
    if secret is None:
        return None
    return sample(frame, secret)
    ### END SOLUTION


print(warp.__name__)
'''


def test_region_becomes_a_raise_with_exercise_and_task():
    assert stub_solutions(SOLUTION, "cell") == (
        'def warp(frame, flow):\n    """Warp."""\n    grid = base_grid(frame)\n'
        '    raise NotImplementedError("lift-stub:10.2 warp the frame")\n\n\nprint(warp.__name__)\n'
    )


def test_stub_raises_its_message_when_run():
    namespace: dict[str, object] = {"base_grid": lambda frame: frame}
    exec(stub_solutions(SOLUTION, "cell"), namespace)
    warp = namespace["warp"]
    assert callable(warp)
    with pytest.raises(NotImplementedError, match=r"^lift-stub:10\.2 warp the frame$"):
        warp(1, 2)


def test_region_nested_in_a_loop_of_a_method_is_cut():
    source = (
        "class A:\n    def f(self):\n        for i in range(3):\n"
        "            ### BEGIN SOLUTION 1.1 add them\n            self.n += i\n            ### END SOLUTION\n"
        "        return self.n\n"
    )
    stubbed = stub_solutions(source, "cell")
    assert "self.n += i" not in stubbed
    assert '            raise NotImplementedError("lift-stub:1.1 add them")\n        return self.n\n' in stubbed


def test_two_regions_of_one_cell_are_both_cut():
    region = "    ### BEGIN SOLUTION 1.{n} do {n}\n    return {n}\n    ### END SOLUTION\n"
    source = "def a():\n" + region.format(n=1) + "def b():\n" + region.format(n=2)
    functions = ast.parse(stub_solutions(source, "cell")).body
    assert [ast.unparse(f.body[0]) for f in functions if isinstance(f, ast.FunctionDef)] == [
        "raise NotImplementedError('lift-stub:1.1 do 1')",
        "raise NotImplementedError('lift-stub:1.2 do 2')",
    ]


def test_quotes_in_the_task_stay_quotes():
    source = 'def f():\n    ### BEGIN SOLUTION 1.1 return "yes" or \\n\n    return 1\n    ### END SOLUTION\n'
    (function,) = ast.parse(stub_solutions(source, "cell")).body
    assert isinstance(function, ast.FunctionDef)
    assert ast.unparse(function.body[0]) == "raise NotImplementedError('lift-stub:1.1 return \"yes\" or \\\\n')"


@pytest.mark.parametrize("magic", ["%%writefile my_warp.py\n", "%matplotlib inline\n", "!ls\n"])
def test_magic_lines_are_kept(magic: str):
    stubbed = stub_solutions(magic + SOLUTION, "cell")
    assert stubbed.startswith(magic)
    assert "secret" not in stubbed


@pytest.mark.parametrize("source", ["x = 1", "", "y = (7\n  % 4)\n", "not python at all ("])
def test_cells_without_a_region_are_unchanged(source: str):
    assert stub_solutions(source, "cell") == source


def test_regions_know_their_tasks_and_lines():
    (region,) = find_regions(SOLUTION, "cell")
    assert (region.task, region.indent, region.first, region.last) == ("10.2 warp the frame", "    ", 4, 9)


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("def f():\n    ### BEGIN SOLUTION 1.1 do\n    return 1\n", "never ends"),
        ("def f():\n    return 1\n    ### END SOLUTION\n", "never began"),
        ("def f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION\n", "without a number"),
        (
            "def f():\n    ### BEGIN SOLUTION do it\n    return 1\n    ### END SOLUTION\n",
            "without a number",
        ),
        (
            "def f():\n    ### BEGIN SOLUTION 1.1 a\n    ### BEGIN SOLUTION 1.2 b\n    x\n    ### END SOLUTION\n",
            "inside the one of line 2",
        ),
        ("### BEGIN SOLUTION 1.1 do\nx = 1\n### END SOLUTION\n", "whole statements of a function"),
        ("### BEGIN SOLUTION 1.1 do\ndef f():\n    return 1\n### END SOLUTION\n", "whole statements of a function"),
        ("def f():\n    ### BEGIN SOLUTION 1.1 do\n    ### END SOLUTION\n    return 1\n", "whole statements"),
        (
            "def f():\n    return [\n    ### BEGIN SOLUTION 1.1 do\n    1\n    ### END SOLUTION\n    ]\n",
            "whole statements",
        ),
    ],
)
def test_unsound_regions_are_refused(source: str, complaint: str):
    with pytest.raises(LabError, match=complaint) as caught:
        stub_solutions(source, "solutions/10_flow.ipynb, cell 10-2")
    assert "10-2, line" in str(caught.value)
