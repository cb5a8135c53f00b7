"""A step that does not fit is told from other failures, and what would fit is told from the trace."""

from __future__ import annotations

import pytest
import torch

from lift_core.model.config import STAGES
from lift_core.training import out_of_memory
from lift_core.training.config import TrainConfig
from lift_core.training.out_of_memory import is_out_of_memory, what_would_fit
from lift_core.training.step_memory import StepMemory


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("no words"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 8 bytes"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
    ],
)
def test_want_of_memory_is_told_from_other_failures(error: RuntimeError, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


def test_even_this_machine_says_so_when_it_has_no_memory() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)


def test_advice_names_each_change_with_the_share_it_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    def simple(config: TrainConfig) -> StepMemory:
        size = config.batch * config.phase2_crop**2 * (64 if config.preset == "lift_64" else 16)
        size //= 4 if config.checkpointing == STAGES else 1
        return StepMemory(0, 0, 0, 0, 0, 0, size, 0)

    monkeypatch.setattr(out_of_memory, "step_memory", simple)
    config = TrainConfig(data=("clips",), steps=1, preset="lift_64", batch=8, phase2_crop=256)
    assert what_would_fit(config) == (
        "By count, of the memory that a sample takes now: activation checkpointing (--checkpointing encoder temporal"
        " flow synthesis refiner): 25%; a crop of 128: 25%; fewer frames (--preset lift_15): 25%; fewer frames"
        " (--preset lift_tiny): 25%."
    )
