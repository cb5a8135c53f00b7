"""torch.export and torch.compile of the whole forward give what the plain model gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from io import BytesIO

import pytest
import torch
from torch import Tensor, nn

from lift_core.model.lift import LIFT, LiftOutput
from tests.model.conftest import SMALL, stir

Window = tuple[Tensor, Tensor, Tensor, Tensor]


@pytest.fixture
def model() -> LIFT:
    """Two layers, one of them shifted, and a short reach of matching, so that tracing takes seconds."""
    torch.manual_seed(0)
    made = LIFT(replace(SMALL, layers=2, match_radii=(1, 1))).eval()
    stir(made)
    return made


def window(seed: int) -> Window:
    """Ten frames of an odd size, two of them invalid, and another time for each sample."""
    generator = torch.Generator().manual_seed(seed)
    frames = torch.rand(2, 10, 3, 33, 50, generator=generator)
    valid = torch.ones(2, 10, dtype=torch.bool)
    valid[0, 0], valid[1, 8] = False, False
    times = (torch.arange(10) - 4.5).repeat(2, 1)
    return frames, times, valid, torch.rand(2, generator=generator) * 0.8 + 0.1


def check_equal(found: LiftOutput, expected: LiftOutput) -> None:
    """All outputs agree, and they are not the blend that a model without effect would give."""
    assert isinstance(found, LiftOutput)
    for field in fields(LiftOutput):
        torch.testing.assert_close(getattr(found, field.name), getattr(expected, field.name), atol=1e-5, rtol=1e-5)
    assert expected.flow_t0.abs().max() > 1e-3


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_exported_forward_equals_the_plain_one(model: LIFT) -> None:
    with torch.no_grad():
        exported = torch.export.export(model, window(0)).module()
        for seed in (0, 1):
            check_equal(exported(*window(seed)), model(*window(seed)))


class MakesOutput(nn.Module):
    """Returns what LIFT returns, at little cost."""

    def forward(self, x: Tensor) -> LiftOutput:
        return LiftOutput(*(x * number for number in range(1, 10)))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_exported_output_survives_a_file() -> None:
    file, x = BytesIO(), torch.rand(3)
    torch.export.save(torch.export.export(MakesOutput(), (x,)), file)
    file.seek(0)
    check_equal(torch.export.load(file).module()(x), MakesOutput()(x))


# The default backend, inductor, writes and compiles C++: minutes on a small machine. `lift bench model` holds it
# against the plain model. This test shows what would break first: a forward that cannot be captured as one graph.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_compiled_forward_equals_the_plain_one(model: LIFT) -> None:
    torch.compiler.reset()
    compiled: Callable[..., LiftOutput] = torch.compile(model, backend="aot_eager", fullgraph=True)
    with torch.no_grad():
        for seed in (0, 1):
            check_equal(compiled(*window(seed)), model(*window(seed)))
    torch.compiler.reset()
