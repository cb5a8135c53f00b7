"""The ledger of a step counts the tensors that a model makes of a batch."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lift_core.model.config import preset
from lift_core.model.lift import LIFT
from lift_core.profiling.ledger import batch_bytes, sample_bytes
from lift_core.training.budget_ledger import step_ledger
from lift_core.training.step_memory import Step

STEP = Step(replace(preset("lift_tiny"), context=4), batch=3, size=(60, 90))


def test_pictures_are_counted_as_they_are_and_features_padded() -> None:
    ledger = step_ledger(STEP)
    assert (ledger.sample, ledger.batch) == (sample_bytes(4, 60, 90), batch_bytes(3, 4, 60, 90))
    with torch.device("meta"):
        features = LIFT(STEP.model).encode(torch.empty(3, 4, 3, 64, 96))
    pyramids = features.reference_0.pyramid, features.reference_1.pyramid
    assert ledger.features == {
        4: sum(p.s4.nbytes for p in pyramids),
        8: sum(p.s8.nbytes for p in pyramids),
        16: features.s16.nbytes,
    }


@pytest.mark.parametrize("frames", [4, 8])
def test_tokens_and_scores_are_those_of_the_models_own_attention(frames: int, monkeypatch: pytest.MonkeyPatch) -> None:
    step = replace(STEP, model=replace(STEP.model, context=frames))
    scores: list[int] = []
    tokens: list[int] = []
    fused = F.scaled_dot_product_attention

    def counted(query: torch.Tensor, key: torch.Tensor, *args: object, **kwargs: object) -> torch.Tensor:
        scores.append((query @ key.transpose(-1, -2)).nbytes)
        return fused(query, key, *args, **kwargs)

    def note(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        tokens.append(output.nbytes)

    monkeypatch.setattr(F, "scaled_dot_product_attention", counted)
    with torch.device("meta"):
        model = LIFT(step.model)
        model.temporal.to_tokens.register_forward_hook(note)
        valid = torch.ones(3, frames, dtype=torch.bool)
        model(torch.empty(3, frames, 3, 60, 90), torch.empty(3, frames), valid, torch.empty(3))
    ledger = step_ledger(step)
    assert len(scores) == step.model.layers + 1
    assert ledger.scores == sum(scores)
    assert tokens == [ledger.tokens]


def test_half_precision_halves_features_tokens_and_scores_but_no_pictures() -> None:
    whole, half = step_ledger(STEP), step_ledger(replace(STEP, precision="bf16-mixed"))
    assert half.features == {scale: size // 2 for scale, size in whole.features.items()}
    assert (2 * half.tokens, 2 * half.scores, half.batch) == (whole.tokens, whole.scores, whole.batch)
