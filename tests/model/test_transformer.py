"""Stage 2: windows and masks of attention over time, frame weights, and how far a frame's influence reaches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lift_core.model.config import LiftConfig
from lift_core.model.transformer import (
    Attention,
    TemporalAggregator,
    TemporalWindowAttention,
    sinusoidal_encoding,
)

Array = NDArray[np.float64]


def frames_of_a_window(length: int, window: int, *, shifted: bool) -> list[list[int]]:
    """The windows, each a list of its frames, told by walking over the clip."""
    if length <= window:
        return [list(range(length))]
    starts = range(-(window // 2) if shifted else 0, length, window)
    return [[frame for frame in range(start, start + window) if 0 <= frame < length] for start in starts]


def dense_attention(layer: TemporalWindowAttention, tokens: Tensor, valid: Tensor, together: Array) -> Array:
    """The layer by full attention of all T frames under one mask: numpy, float64, one query at a time."""
    state = {name: tensor.double().numpy() for name, tensor in layer.state_dict().items()}
    x, seen = tokens.double().numpy(), valid.numpy()
    batch, places, length, width = x.shape
    heads = layer.attention.heads
    centred = x - x.mean(-1, keepdims=True)
    normal = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    normal = normal * state["norm.weight"] + state["norm.bias"]
    q = normal @ state["attention.query.weight"].T + state["attention.query.bias"]
    k, v = np.split(normal @ state["attention.key_value.weight"].T + state["attention.key_value.bias"], 2, axis=-1)
    mixed = np.zeros_like(x)
    for b, p, head, i in np.ndindex(batch, places, heads, length):
        part = slice(head * width // heads, (head + 1) * width // heads)
        scores = k[b, p, :, part] @ q[b, p, i, part] / np.sqrt(width / heads)
        allowed = together[i] & (seen[b] | (np.arange(length) == i))
        share = np.where(allowed, np.exp(scores - scores[allowed].max()), 0.0)
        mixed[b, p, i, part] = share / share.sum() @ v[b, p, :, part]
    return x + mixed @ state["attention.out.weight"].T + state["attention.out.bias"]


@pytest.mark.parametrize("length", [2, 6, 8, 10, 14, 19, 64])
@pytest.mark.parametrize("shifted", [False, True])
def test_window_attention_equals_full_attention_under_the_same_mask(length: int, shifted: bool) -> None:
    torch.manual_seed(length)
    layer = TemporalWindowAttention(8, 2, 8, shifted=shifted)
    nn.init.normal_(layer.norm.bias)
    tokens, valid = torch.randn(2, 2, length, 8), torch.rand(2, length) > 0.3
    together = np.zeros((length, length), dtype=bool)
    for frames in frames_of_a_window(length, 8, shifted=shifted):
        together[np.ix_(frames, frames)] = True
    expected = dense_attention(layer, tokens, valid, together)
    np.testing.assert_allclose(layer(tokens, valid).detach().numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("shifted", [False, True])
def test_no_window_is_full_attention_up_to_its_size(shifted: bool) -> None:
    torch.manual_seed(0)
    layer = TemporalWindowAttention(8, 2, 16, shifted=shifted)
    tokens, valid = torch.randn(1, 2, 16, 8), torch.rand(1, 16) > 0.3
    expected = dense_attention(layer, tokens, valid, np.ones((16, 16), dtype=bool))
    np.testing.assert_allclose(layer(tokens, valid).detach().numpy(), expected, atol=1e-5)


def test_frame_weights_sum_to_one_over_the_valid_frames(small_config: LiftConfig) -> None:
    aggregator = TemporalAggregator(small_config)
    valid = torch.tensor([[False, True, True, True, True, False], [True] * 6])
    weights = aggregator(torch.randn(2, 6, 16, 4, 4), torch.arange(6.0).expand(2, 6) - 2.5, valid).frame_weights
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(2))
    assert (weights[~valid] == 0).all()
    assert (weights[valid] > 0).all()


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


def test_when_a_frame_was_taken_matters_and_where_it_stands_in_the_window_does_not_say(
    small_config: LiftConfig,
) -> None:
    torch.manual_seed(0)
    aggregator = TemporalAggregator(small_config)
    s16, valid = torch.randn(1, 6, 16, 4, 4), torch.ones(1, 6, dtype=torch.bool)
    times = torch.arange(6.0)[None] - 2.5
    context = aggregator(s16, times, valid).context
    assert not torch.allclose(aggregator(s16, times * 1.5, valid).context, context, atol=1e-4)
    # Two context frames that trade places and keep their times: the same set of frames, the same answer.
    order = [1, 0, 2, 3, 4, 5]
    traded = aggregator(s16[:, order], times[:, order], valid)
    torch.testing.assert_close(traded.context, context, atol=1e-5, rtol=1e-5)


def test_the_context_joins_the_references_with_the_frames_weighed_by_how_well_they_fit(
    small_config: LiftConfig,
) -> None:
    torch.manual_seed(0)
    aggregator = TemporalAggregator(small_config)
    s16, times = torch.randn(1, 6, 16, 4, 6), torch.arange(6.0)[None] - 2.5
    valid = torch.tensor([[False, True, True, True, True, True]])
    found = aggregator(s16, times, valid)
    state = {name: tensor.double().numpy() for name, tensor in aggregator.state_dict().items()}
    references, tokens = (part[0].detach().double().numpy() for part in aggregator.attend(s16, times, valid))
    weights, expected = np.zeros(6), np.zeros((16, 4, 6))
    for place in range(2 * 3):
        query = state["pool.query.weight"] @ references[place].mean(axis=0) + state["pool.query.bias"]
        scores = np.full(6, -np.inf)
        for frame in np.flatnonzero(valid[0].numpy()):
            token = tokens[place, frame]
            normal = (token - token.mean()) / np.sqrt(token.var() + 1e-5)
            scores[frame] = (state["pool.key.weight"] @ normal + state["pool.key.bias"]) @ query / 4.0
        share = np.exp(scores - scores.max())
        share /= share.sum()
        weights += share / 6
        known = np.concatenate((references[place, 0], references[place, 1], share @ tokens[place]))
        cells = (state["to_cells.weight"] @ known + state["to_cells.bias"]).reshape(16, 2, 2)
        row, column = divmod(place, 3)
        expected[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = cells
    np.testing.assert_allclose(found.context[0].detach().numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(found.frame_weights[0].detach().numpy(), weights, atol=1e-6)
