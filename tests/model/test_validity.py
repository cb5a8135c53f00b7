"""Which frames count: invalid ones change nothing, every valid one reaches the references, weights sum to 1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lift_core.model.lift import LIFT, LiftOutput
from lift_core.model.transformer import TemporalAggregator
from lift_core.model.weights import load_lift
from tests.model.conftest import SMALL, stir

MakeWindow = Callable[..., tuple[Tensor, Tensor, Tensor]]
GARBAGE = [0.0, 1.0, -1e30, float("nan"), float("inf"), float("-inf")]


def equal(one: LiftOutput, other: LiftOutput) -> bool:
    """Every tensor of both has the same bits, and no number is missing."""
    return all(torch.equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(LiftOutput))


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("length", [6, 20])
def test_an_invalid_frame_changes_no_bit_of_any_output(
    stirred_model: LIFT, make_window: MakeWindow, length: int, garbage: float
) -> None:
    frames, times, valid = make_window(2, length)
    valid = valid.clone()
    valid[0, [0, length // 2 + 1, length - 1]] = False
    valid[1, length // 2 - 2] = False
    expected = stirred_model(frames, times, valid, 0.5)
    spoiled, elsewhere = frames.clone(), times.clone()
    spoiled[~valid], elsewhere[~valid] = garbage, garbage
    assert equal(stirred_model(spoiled, elsewhere, valid, 0.5), expected)


@settings(max_examples=12, deadline=None)
@given(flags=st.lists(st.booleans(), min_size=12, max_size=12), garbage=st.sampled_from(GARBAGE))
def test_features_of_invalid_frames_change_no_bit_of_the_context(flags: list[bool], garbage: float) -> None:
    torch.manual_seed(0)
    aggregator = TemporalAggregator(SMALL)
    valid = torch.tensor([[*flags[:5], True, True, *flags[7:]]])
    s16, times = torch.randn(1, 12, 16, 4, 4), torch.arange(12.0)[None] - 5.5
    expected = aggregator(s16, times, valid)
    spoiled = torch.where(valid[..., None, None, None], s16, garbage)
    found = aggregator(spoiled, times, valid)
    assert torch.equal(found.context, expected.context)
    assert torch.equal(found.frame_weights, expected.frame_weights)
    torch.testing.assert_close(found.frame_weights.sum(), torch.tensor(1.0))
    assert (found.frame_weights[~valid] == 0).all()
    assert (found.frame_weights[valid] > 0).all()


@pytest.mark.parametrize("garbage", GARBAGE)
def test_an_invalid_frame_changes_no_bit_of_a_gradient(make_window: MakeWindow, garbage: float) -> None:
    frames, times, valid = make_window(1, 10)
    valid = valid.clone()
    valid[0, [0, 7]] = False
    spoiled = torch.where(valid[..., None, None, None], frames, garbage)

    def gradients(pixels: Tensor) -> list[Tensor]:
        torch.manual_seed(0)
        model = LIFT(SMALL).train()
        stir(model)
        model(pixels, times, valid, 0.5).frame.square().sum().backward()
        return [parameter.grad for parameter in model.parameters() if parameter.grad is not None]

    expected = gradients(frames)
    assert expected
    assert all(torch.equal(found, wanted) for found, wanted in zip(gradients(spoiled), expected, strict=True))


def test_samples_of_a_batch_keep_their_own_validity(stirred_model: LIFT, make_window: MakeWindow) -> None:
    frames, times, valid = make_window(2, 20)
    valid = valid.clone()
    valid[0, :4] = False
    both = stirred_model(frames, times, valid, 0.5)
    for place in range(2):
        one = stirred_model(frames[[place]], times[[place]], valid[[place]], 0.5)
        torch.testing.assert_close(both.frame[[place]], one.frame, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(both.frame_weights[[place]], one.frame_weights, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("weights", ["random", "bundled"])
def test_every_valid_frame_of_64_changes_the_tokens_of_the_references(weights: str) -> None:
    torch.manual_seed(0)
    model = LIFT(SMALL).eval() if weights == "random" else load_lift("lift_tiny")
    valid = torch.ones(1, 64, dtype=torch.bool)
    valid[0, [0, 5, 40]] = False
    times = torch.arange(64.0)[None] - 31.5
    with torch.no_grad():
        seen, other = model.encode_frames(torch.rand(64, 3, 32, 32)), model.encode_frames(torch.rand(64, 3, 32, 32))
        # Window number i of 64 differs from the first in frame i alone.
        changed = seen.repeat(64, 1, 1, 1, 1)
        changed[torch.arange(64), torch.arange(64)] = other
        before, _ = model.temporal.attend(seen[None], times, valid)
        after, _ = model.temporal.attend(changed, times.expand(64, -1), valid.expand(64, -1))
        # The same batch without a change: what differs from it is no rounding.
        still, _ = model.temporal.attend(seen.repeat(64, 1, 1, 1, 1), times.expand(64, -1), valid.expand(64, -1))
    torch.testing.assert_close(still, before.expand_as(still), atol=1e-4, rtol=1e-4)
    # [frame that changed, reference]: both references see it.
    reached = (after != still).any(dim=3).any(dim=1)
    assert torch.equal(reached, valid[0][:, None].expand(64, 2))


class NoReach(nn.Module):
    """In place of the last step of stage 2: the references keep what the windows brought them."""

    def forward(self, references: Tensor, tokens: Tensor, valid: Tensor) -> Tensor:
        return references


@pytest.mark.parametrize(("reach", "seen"), [(False, range(16, 48)), (True, range(64))])
def test_shifted_windows_alone_show_the_references_half_of_64_frames(reach: bool, seen: range) -> None:
    torch.manual_seed(0)
    aggregator = TemporalAggregator(SMALL).double()
    if not reach:
        aggregator.reach = NoReach()  # type: ignore[assignment]
    s16 = torch.randn(1, 64, 16, 4, 4, dtype=torch.float64, requires_grad=True)
    references, _ = aggregator.attend(s16, torch.arange(64.0)[None] - 31.5, torch.ones(1, 64, dtype=torch.bool))
    (references * torch.randn_like(references)).sum().backward()
    assert s16.grad is not None
    influence = s16.grad.abs().sum(dim=(0, 2, 3, 4))
    assert influence.nonzero().flatten().tolist() == list(seen)
