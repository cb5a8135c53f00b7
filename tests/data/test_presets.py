"""Tests of batch presets: the effective batch is kept, and each fits its GPU by the count that the docstring states."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import Tensor

from lift_core.data.presets import PRESETS, BatchPreset, batch_preset
from lift_core.errors import ConfigError
from lift_core.model.config import PRESETS as MODELS
from lift_core.model.config import preset
from lift_core.model.lift import LIFT
from lift_core.profiling.ledger import batch_bytes


def kept_by_autograd(model: LIFT, batch: int, frames: int, crop: tuple[int, int]) -> int:
    """Bytes of the tensors that a forward pass keeps for its backward pass, weights apart, each memory once."""
    weights = {p.untyped_storage()._cdata for p in model.parameters()}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        if tensor.untyped_storage()._cdata not in weights:
            kept[tensor.untyped_storage()._cdata] = tensor
        return tensor

    with torch.device("meta"), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        valid = torch.ones(batch, frames, dtype=torch.bool)
        model(torch.empty(batch, frames, 3, *crop), torch.empty(batch, frames), valid, torch.empty(batch))
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


@cache
def counted(name: str, frames: int, crop: tuple[int, int]) -> tuple[int, int, int]:
    """Bytes of the weights, and of what autograd keeps of one sample and of two."""
    with torch.device("meta"):
        model = LIFT(preset(name)).train()
    one, two = (kept_by_autograd(model, batch, frames, crop) for batch in (1, 2))
    return sum(p.numel() * 4 for p in model.parameters()), one, two


def training_bytes(given: BatchPreset) -> float:
    weights, one, two = counted(given.model, given.frames, given.crop)
    forward = one + (given.batch - 1) * (two - one)
    return 5 * weights + 1.5 * forward + 2 * batch_bytes(given.batch, given.frames, *given.crop) + 1.5e9


@pytest.mark.parametrize("given", PRESETS.values(), ids=lambda p: f"{p.model}-{p.gpu_gb}")
def test_each_preset_fits_its_gpu_by_count(given: BatchPreset) -> None:
    assert training_bytes(given) <= 0.8 * given.gpu_gb * 1e9


def test_the_count_grows_with_the_batch() -> None:
    assert training_bytes(batch_preset("lift_64", 40)) > 0.8 * 24e9


@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_presets_with_one_effective_batch_and_its_own_context(model: str) -> None:
    given = [p for p in PRESETS.values() if p.model == model]
    assert [p.gpu_gb for p in given] == [16, 24, 40]
    assert len({p.effective_batch for p in given}) == 1
    assert {p.frames for p in given} == {preset(model).context}
    assert all(side % 32 == 0 for p in given for side in p.crop)


@pytest.mark.parametrize(("gpu_gb", "expected"), [(16, 16), (23.9, 16), (24, 24), (39, 24), (80, 40)])
def test_the_preset_is_that_of_the_largest_gpu_that_is_no_larger(gpu_gb: float, expected: int) -> None:
    assert batch_preset("lift_64", gpu_gb).gpu_gb == expected


@pytest.mark.parametrize(("model", "gpu_gb"), [("lift_65", 16), ("lift_64", 12)])
def test_what_has_no_preset_is_refused(model: str, gpu_gb: float) -> None:
    with pytest.raises(ConfigError):
        batch_preset(model, gpu_gb)
