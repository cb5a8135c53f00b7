"""Stage 2: windows and masks of attention over time, frame weights, and how far a frame's influence reaches."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lift_core.model.config import LiftConfig
from lift_core.model.transformer import (
    Attention,
    TemporalAggregator,
    TemporalWindowAttention,
    sinusoidal_encoding,
)
from tests.model.conftest import stir


def masked_full_attention(layer: TemporalWindowAttention, tokens: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """The layer's result by full attention over all T frames under an explicit mask, in a plain softmax."""
    batch, places, length, width = tokens.shape
    lead = layer.lead if length > layer.window else 0
    window = (torch.arange(length) + lead) // (layer.window if length > layer.window else length)
    same = window[:, None] == window[None, :]
    allowed = (same & valid[:, None, :]) | torch.eye(length, dtype=torch.bool)
    attention: Attention = layer.attention
    x = layer.norm(tokens)
    heads = attention.heads
    q = attention.query(x).view(batch, places, length, heads, -1).transpose(2, 3)
    k, v = attention.key_value(x).view(batch, places, length, 2, heads, -1).permute(3, 0, 1, 4, 2, 5)
    scores = (q @ k.transpose(-1, -2)) / (width // heads) ** 0.5
    scores = scores.masked_fill(~allowed[:, None, None], -torch.inf)
    mixed = (scores.softmax(-1) @ v).transpose(2, 3).reshape(batch, places, length, width)
    return tokens + attention.out(mixed)


@pytest.mark.parametrize("length", [2, 6, 8, 14, 19, 64])
@pytest.mark.parametrize("shifted", [False, True])
def test_window_attention_equals_full_attention_under_the_same_mask(length: int, shifted: bool) -> None:
    torch.manual_seed(length)
    layer = TemporalWindowAttention(16, 2, 8, shifted=shifted)
    tokens = torch.randn(2, 3, length, 16)
    valid = torch.rand(2, length) > 0.3
    torch.testing.assert_close(layer(tokens, valid), masked_full_attention(layer, tokens, valid), atol=1e-5, rtol=1e-5)


def test_frame_weights_sum_to_one_over_the_valid_frames(small_config: LiftConfig) -> None:
    aggregator = TemporalAggregator(small_config)
    valid = torch.tensor([[False, True, True, True, True, False], [True] * 6])
    weights = aggregator(torch.randn(2, 6, 16, 4, 4), torch.arange(6.0).expand(2, 6) - 2.5, valid).frame_weights
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(2))
    assert (weights[~valid] == 0).all()
    assert (weights[valid] > 0).all()


def test_every_valid_frame_of_64_reaches_the_tokens_of_the_references(small_config: LiftConfig) -> None:
    torch.manual_seed(0)
    aggregator = TemporalAggregator(replace(small_config, context=64))
    stir(aggregator)
    s16 = torch.randn(1, 64, 16, 4, 4, requires_grad=True)
    valid = torch.ones(1, 64, dtype=torch.bool)
    valid[0, 5] = False
    references, _ = aggregator.attend(s16, torch.arange(64.0)[None] - 31.5, valid)
    references.square().sum().backward()
    assert s16.grad is not None
    influence = s16.grad.abs().sum(dim=(0, 2, 3, 4))
    assert influence[5] == 0
    assert (influence[valid[0]] > 0).all()


def test_the_encoding_of_time_tells_all_frames_of_a_long_window_apart() -> None:
    encoding = sinusoidal_encoding(torch.arange(64.0) - 31.5, 16)
    distances = torch.cdist(encoding, encoding) + 10 * torch.eye(64)
    assert distances.min() > 0.05
    assert encoding.abs().max() <= 1


def test_attention_matches_torch_multi_head_attention() -> None:
    torch.manual_seed(0)
    attention = Attention(16, 4)
    oracle = torch.nn.MultiheadAttention(16, 4, batch_first=True)
    with torch.no_grad():
        oracle.in_proj_weight.copy_(torch.cat((attention.query.weight, attention.key_value.weight)))
        oracle.in_proj_bias.copy_(torch.cat((attention.query.bias, attention.key_value.bias)))
        oracle.out_proj.weight.copy_(attention.out.weight)
        oracle.out_proj.bias.copy_(attention.out.bias)
    queries, keys = torch.randn(3, 2, 16), torch.randn(3, 5, 16)
    present = torch.tensor([[True] * 5, [True, False, True, True, False], [False, False, True, False, False]])
    expected, _ = oracle(queries, keys, keys, key_padding_mask=~present)
    torch.testing.assert_close(attention(queries, keys, present[:, None]), expected, atol=1e-5, rtol=1e-5)
