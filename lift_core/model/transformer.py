"""Stage 2, TemporalAggregator: attention over time that brings far frames to the two references."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lift_core.model.config import LiftConfig

# Times are in units of the references' gap: the slowest wave of the encoding still rises over a context of 64
# frames, the fastest tells neighbouring frames apart.
LONGEST_PERIOD = 256.0
SHORTEST_PERIOD = 2.0


class Aggregate(NamedTuple):
    """What the references learn from the whole window.

    Attributes:
        context: ``[B, C16, H/16, W/16]``.
        frame_weights: ``[B, T]``, float32; they sum to 1 over the valid frames and are 0 elsewhere.
    """

    context: Tensor
    frame_weights: Tensor


def sinusoidal_encoding(positions: Tensor, width: int) -> Tensor:
    """Sines and cosines of ``positions`` ``[...]`` at ``width / 2`` periods: ``[..., width]``, float32.

    Works for any real position, so times need not be whole numbers (after Vaswani et al. 2017, "Attention is all
    you need", section 3.5, with periods that suit frame times).
    """
    steps = torch.linspace(0.0, 1.0, width // 2, device=positions.device, dtype=torch.float32)
    periods = LONGEST_PERIOD * (SHORTEST_PERIOD / LONGEST_PERIOD) ** steps
    angles = positions.float().unsqueeze(-1) * (2.0 * math.pi / periods)
    return torch.cat((angles.sin(), angles.cos()), dim=-1)


def spatial_encoding(
    rows: int, columns: int, width: int, device: torch.device, origin: tuple[int, int] = (0, 0)
) -> Tensor:
    """Half of the channels tell the row, half the column: ``[rows * columns, width]``, float32.

    Rows and columns are counted from ``origin``, the place of the first one on a larger grid.
    """
    row = sinusoidal_encoding(torch.arange(origin[0], origin[0] + rows, device=device), width // 2)
    column = sinusoidal_encoding(torch.arange(origin[1], origin[1] + columns, device=device), width // 2)
    grid = torch.cat((row[:, None].expand(-1, columns, -1), column[None].expand(rows, -1, -1)), dim=-1)
    return grid.reshape(rows * columns, width)


class Attention(nn.Module):
    """Multi-head attention with a mask, on torch's scaled_dot_product_attention.

    ``forward`` is ``project``, ``mix`` and ``out`` in a row; windows are cut between the first two.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, queries: Tensor, keys: Tensor, allowed: Tensor) -> Tensor:
        """Attend from ``queries`` ``[N, Q, D]`` to ``keys`` ``[N, K, D]`` where ``allowed`` ``[N, Q or 1, K]``."""
        return self.out(self.mix(*self.project(queries, keys), allowed))

    def project(self, queries: Tensor, keys: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each ``[..., D]``."""
        k, v = self.key_value(keys).chunk(2, dim=-1)
        return self.query(queries), k, v

    def mix(self, q: Tensor, k: Tensor, v: Tensor, allowed: Tensor) -> Tensor:
        """The mean of the values ``[N, K, D]`` for each query ``[N, Q, D]``, weighted head by head: ``[N, Q, D]``."""
        # [N, Q or K, D] -> [N, heads, Q or K, D / heads]
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (q, k, v))
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=allowed.unsqueeze(1))
        return mixed.transpose(1, 2).flatten(2)


class FeedForward(nn.Module):
    """Two linear layers on every token: ``[..., D]`` to the same shape."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, 2 * width)
        self.contract = nn.Linear(2 * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens + self.contract(F.gelu(self.expand(self.norm(tokens))))


class TemporalWindowAttention(nn.Module):
    """Every place attends over time within windows of neighbouring frames.

    Windows start at frame 0, or half a window earlier where ``shifted``, so that frames that two windows separate
    in one layer meet in the next. With T no larger than the window it is full attention.
    """

    def __init__(self, width: int, heads: int, window: int, *, shifted: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.window = window
        self.lead = window // 2 if shifted else 0

    def forward(self, tokens: Tensor, valid: Tensor) -> Tensor:
        """``tokens`` ``[B, P, T, D]`` (P places), ``valid`` ``[B, T]``: the same shape as ``tokens``."""
        return tokens + self.attention.out(self.mix_within_windows(self.norm(tokens), valid))

    def mix_within_windows(self, x: Tensor, valid: Tensor) -> Tensor:
        """What every frame takes from the valid frames of its window: ``x`` ``[B, P, T, D]`` to the same shape."""
        batch, places, length, width = x.shape
        lead, tail, span = self.margins(length)
        # Cut after projecting: frames that only fill up a window pass through no linear layer.
        q, k, v = (cut_into_windows(part, lead, tail, span) for part in self.attention.project(x, x))
        allowed = window_mask(F.pad(valid, (lead, tail)), span)  # [B, windows, span, span]
        # [B, P, windows, span, D] -> [B * P * windows, span, D], and the mask for every place.
        everywhere = allowed.unsqueeze(1).expand(-1, places, -1, -1, -1).flatten(0, 2)
        mixed = self.attention.mix(q.flatten(0, 2), k.flatten(0, 2), v.flatten(0, 2), everywhere)
        return mixed.view(batch, places, -1, width)[:, :, lead : lead + length]

    def margins(self, length: int) -> tuple[int, int, int]:
        """Frames to add before and after ``length`` frames so that whole windows cover them, and a window's frames."""
        if length <= self.window:
            return 0, 0, length
        return self.lead, -(length + self.lead) % self.window, self.window


def cut_into_windows(x: Tensor, lead: int, tail: int, span: int) -> Tensor:
    """``x`` ``[B, P, T, D]``, filled up with zeros before and after, as ``[B, P, windows, span, D]``."""
    filled = F.pad(x, (0, 0, lead, tail)) if lead or tail else x  # F.pad copies also where nothing is added.
    return filled.unflatten(2, (-1, span))


def window_mask(valid: Tensor, span: int) -> Tensor:
    """Who may look at whom within each window: ``valid`` ``[B, windows * span]`` to ``[B, windows, span, span]``.

    Everybody looks at valid frames. A frame may always look at itself too: where nothing is allowed, softmax would
    give NaN. Nobody else looks at an invalid frame, so nothing of it spreads.
    """
    itself = torch.eye(span, dtype=torch.bool, device=valid.device)
    return valid.unflatten(1, (-1, 1, span)) | itself


class SpatialMixing(nn.Module):
    """Neighbouring places of one frame exchange what they know: a 3x3 depthwise convolution and a linear layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.pointwise = nn.Linear(width, width)

    def forward(self, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        """``tokens`` ``[B, P, T, D]`` whose places are ``grid`` rows by columns: the same shape."""
        batch, places, length, width = tokens.shape
        # [B, P, T, D] -> [B * T, D, rows, columns], and back.
        maps = self.norm(tokens).permute(0, 2, 3, 1).reshape(batch * length, width, *grid)
        mixed = F.gelu(self.depthwise(maps)).view(batch, length, width, places).permute(0, 3, 1, 2)
        return tokens + self.pointwise(mixed)


class TemporalLayer(nn.Module):
    """Attention over time, mixing over space, feed forward."""

    def __init__(self, config: LiftConfig, *, shifted: bool) -> None:
        super().__init__()
        width = config.token_width
        self.temporal = TemporalWindowAttention(width, config.heads, config.window, shifted=shifted)
        self.spatial = SpatialMixing(width)
        self.feed_forward = FeedForward(width)

    def forward(self, tokens: Tensor, valid: Tensor, grid: tuple[int, int]) -> Tensor:
        return self.feed_forward(self.spatial(self.temporal(tokens, valid), grid))


class ReferenceAttention(nn.Module):
    """The references' tokens attend to the tokens of all valid frames at their place; linear in T.

    Windows of 8, shifted, carry knowledge 16 frames in four layers; this step reaches every valid frame at once.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm_references = nn.LayerNorm(width)
        self.norm_frames = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.feed_forward = FeedForward(width)

    def forward(self, references: Tensor, tokens: Tensor, valid: Tensor) -> Tensor:
        """``references`` ``[B, P, 2, D]``, ``tokens`` ``[B, P, T, D]``, ``valid`` ``[B, T]``: ``[B, P, 2, D]``."""
        batch, places, length, width = tokens.shape
        allowed = valid.view(batch, 1, 1, length).expand(batch, places, 1, length).reshape(-1, 1, length)
        mixed = self.attention(
            self.norm_references(references).reshape(-1, 2, width),
            self.norm_frames(tokens).reshape(-1, length, width),
            allowed,
        )
        return self.feed_forward(references + mixed.view_as(references))


class FramePooling(nn.Module):
    """Weigh the frames at every place by how well they fit the references, and sum them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)

    def forward(self, references: Tensor, tokens: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """References ``[B, P, 2, D]`` and tokens ``[B, P, T, D]``: pooled ``[B, P, D]``, frame weights ``[B, T]``."""
        query = self.query(references.mean(dim=2))  # [B, P, D]
        key = self.key(self.norm(tokens))  # [B, P, T, D]
        scores = (key @ query.unsqueeze(-1)).squeeze(-1).float() / math.sqrt(query.shape[-1])  # [B, P, T]
        weights = scores.masked_fill(~valid.unsqueeze(1), -torch.inf).softmax(dim=-1)
        pooled = (weights.to(tokens.dtype).unsqueeze(2) @ tokens).squeeze(2)
        return pooled, weights.mean(dim=1)


class TemporalAggregator(nn.Module):
    """From the s16 features of T frames to one context map for the pair of references in their middle.

    It knows nothing of the time t of the frame to make, so it runs once per pair of references.
    """

    def __init__(self, config: LiftConfig) -> None:
        super().__init__()
        width = config.token_width
        self.to_tokens = nn.Conv2d(config.widths[2], width, 2, stride=2)
        self.layers = nn.ModuleList(TemporalLayer(config, shifted=index % 2 == 1) for index in range(config.layers))
        self.reach = ReferenceAttention(width, config.heads)
        self.pool = FramePooling(width)
        self.to_cells = nn.Linear(3 * width, 4 * config.widths[2])

    def forward(self, s16: Tensor, times: Tensor, valid: Tensor, origin: tuple[int, int] = (0, 0)) -> Aggregate:
        """Aggregate a window.

        Args:
            s16: ``[B, T, C16, h, w]``, h and w even; the references stand at T/2 - 1 and T/2.
            times: ``[B, T]`` relative to the references' midpoint, in units of their gap.
            valid: ``[B, T]`` bool; both references are valid. An invalid frame changes no bit of the result.
            origin: row and column of the first token, of 32x32 pixels, where ``s16`` shows a part of larger frames.
        """
        references, tokens = self.attend(s16, times, valid, origin)
        pooled, frame_weights = self.pool(references, tokens, valid)
        # Both references and what was pooled, [B, P, 3 D], to the four cells of a token, [B, P, 4 C16].
        cells = self.to_cells(torch.cat((references.flatten(2), pooled), dim=-1))
        rows, columns = s16.shape[-2] // 2, s16.shape[-1] // 2
        grid = cells.transpose(1, 2).unflatten(-1, (rows, columns))  # [B, 4 C16, h / 2, w / 2]
        return Aggregate(F.pixel_shuffle(grid, 2), frame_weights)

    def attend(
        self, s16: Tensor, times: Tensor, valid: Tensor, origin: tuple[int, int] = (0, 0)
    ) -> tuple[Tensor, Tensor]:
        """The references' tokens ``[B, P, 2, D]`` and all tokens ``[B, P, T, D]`` after attention, before pooling."""
        batch, length, _, height, width = s16.shape
        grid = (height // 2, width // 2)
        seen = s16.masked_fill(~valid.view(batch, length, 1, 1, 1), 0.0)
        # [B * T, D, h / 2, w / 2] -> [B, T, D, P] -> [B, P, T, D], P places of a token each.
        tokens = self.to_tokens(seen.flatten(0, 1)).flatten(2).unflatten(0, (batch, length)).permute(0, 3, 1, 2)
        channels = tokens.shape[-1]
        place = spatial_encoding(*grid, channels, s16.device, origin).view(1, -1, 1, channels)
        moment = sinusoidal_encoding(times.masked_fill(~valid, 0.0), channels).view(batch, 1, length, channels)
        tokens = tokens + (place + moment).to(tokens.dtype)
        for layer in self.layers:
            tokens = layer(tokens, valid, grid)
        middle = tokens[:, :, length // 2 - 1 : length // 2 + 1]
        return self.reach(middle, tokens, valid), tokens
