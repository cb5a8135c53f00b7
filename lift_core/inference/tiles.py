"""Tiles: how large frames are cut into overlapping parts, and how much each part counts where they overlap."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from lift_core.model.padding import MULTIPLE

HALO = 160
"""Pixels that a tile sees beyond its own part. Stage 1 looks 71 pixels far and stage 2 four tokens of 32 pixels, so
both are as without tiles. Stages 3 to 5 look further, with little weight, and the norms of stage 5 are a tile's own."""

BLENDED = 32
"""Pixels to each side of a border between two tiles over which one result fades into the other."""

SMALLEST_CORE = 2 * BLENDED
"""Of a tile's own part; shorter ones would fade to both sides at once."""


@dataclass(frozen=True)
class Span:
    """A tile along one axis of padded frames, in pixels, all multiples of 32.

    Attributes:
        start, end: its own part.
        seen_start, seen_end: what it sees.
        length: of the axis.
    """

    start: int
    end: int
    seen_start: int
    seen_end: int
    length: int

    @property
    def seen(self) -> int:
        """How many pixels it sees."""
        return self.seen_end - self.seen_start

    def view(self, scale: int = 1) -> slice:
        """What it sees, on the grid of ``1/scale`` of the frame."""
        return slice(self.seen_start // scale, self.seen_end // scale)

    def own(self, scale: int = 1) -> slice:
        """Its own part, on the grid of ``1/scale`` of the frame."""
        return slice(self.start // scale, self.end // scale)

    def own_in_view(self, scale: int = 1) -> slice:
        """Its own part within what it sees."""
        return slice((self.start - self.seen_start) // scale, (self.end - self.seen_start) // scale)

    def share(self) -> Tensor:
        """Its weight at each pixel that it sees, float32; the weights of all spans of an axis sum to 1 everywhere."""
        centres = torch.arange(self.seen_start, self.seen_end, dtype=torch.float32) + 0.5
        share = torch.ones_like(centres)
        if self.start > 0:
            share = share * ((centres - self.start) / (2 * BLENDED) + 0.5).clamp(0, 1)
        if self.end < self.length:
            share = share * ((self.end - centres) / (2 * BLENDED) + 0.5).clamp(0, 1)
        return share


@dataclass(frozen=True)
class Tile:
    """One part of a frame: a span of its rows and one of its columns."""

    rows: Span
    columns: Span

    def view(self, maps: Tensor, scale: int = 1) -> Tensor:
        """What the tile sees of ``maps`` ``[..., H / scale, W / scale]``."""
        return maps[..., self.rows.view(scale), self.columns.view(scale)]

    def own(self, maps: Tensor, scale: int = 1) -> Tensor:
        """The tile's own part of ``maps`` ``[..., H / scale, W / scale]``."""
        return maps[..., self.rows.own(scale), self.columns.own(scale)]

    def own_in_view(self, seen: Tensor, scale: int = 1) -> Tensor:
        """The tile's own part of maps that show what it sees."""
        return seen[..., self.rows.own_in_view(scale), self.columns.own_in_view(scale)]

    def share(self, like: Tensor) -> Tensor:
        """Its weight at each pixel that it sees ``[rows, columns]``, on the device of ``like``."""
        return (self.rows.share()[:, None] * self.columns.share()).to(like.device)


def cut(height: int, width: int, core: int) -> list[Tile]:
    """Cut padded frames into tiles of about one size, the own part of none longer than ``core`` where that can be.

    Args:
        height, width: of the padded frames, multiples of 32.
        core: in pixels, at least ``SMALLEST_CORE``.
    """
    return [Tile(rows, columns) for rows in _spans(height, core) for columns in _spans(width, core)]


def _spans(length: int, core: int) -> list[Span]:
    cells = length // MULTIPLE
    count = max(1, min(-(-length // core), length // SMALLEST_CORE))
    borders = [MULTIPLE * (cells * part // count) for part in range(count + 1)]
    return [Span(start, end, max(0, start - HALO), min(length, end + HALO), length) for start, end in pairwise(borders)]
