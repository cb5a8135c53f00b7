"""A LIFT small enough for tests, in which every stage and every frame of the window matters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from lift_core.model.config import preset
from lift_core.model.lift import LIFT

SMALL = replace(
    preset("lift_tiny"),
    name="lift_test",
    stem_width=8,
    widths=(8, 16, 16),
    token_width=16,
    layers=1,
    heads=2,
    refine_width=8,
    refine_blocks=1,
)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads cost such a small model more than they save, most of all on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def lift() -> LIFT:
    """A fresh model is nearly a blend; these weights are shaken until it is not."""
    torch.manual_seed(0)
    model = LIFT(SMALL)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.03 * torch.randn_like(parameter))
    return model.eval()
