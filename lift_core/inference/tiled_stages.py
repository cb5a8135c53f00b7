"""LIFT's three steps on a frame cut into tiles: memory grows with a tile, not with the frame; one tile is the frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lift_core.inference.tiles import Tile
from lift_core.model.encoder import FeaturePyramid
from lift_core.model.ifnet import CELL, Motion
from lift_core.model.lift import LIFT, ReferenceFeatures, WindowFeatures
from lift_core.model.padding import crop_to
from lift_core.model.transformer import Aggregate

_SCALES = (4, 8, 16)
_TOKEN = 32


def encode_deepest(model: LIFT, padded: Tensor, tiles: Sequence[Tile]) -> Tensor:
    """s16 features ``[1, C16, H/16, W/16]`` of one padded frame ``[1, 3, H, W]``."""
    (s16,) = _encoded(lambda seen: (model.encode_frames(seen),), padded, tiles, _SCALES[-1:])
    return s16


def encode_reference(model: LIFT, padded: Tensor, size: tuple[int, int], tiles: Sequence[Tile]) -> ReferenceFeatures:
    """All scales of one padded frame ``[1, 3, H, W]``, which was ``size`` before padding."""
    scales = _encoded(lambda seen: model.encode_reference(seen).pyramid, padded, tiles, _SCALES)
    return ReferenceFeatures(padded, FeaturePyramid(*scales), size)


def aggregate(
    model: LIFT,
    ring: Sequence[Tensor],
    references: tuple[ReferenceFeatures, ReferenceFeatures],
    times: Tensor,
    valid: Tensor,
    tiles: Sequence[Tile],
) -> Aggregate:
    """Stage 2 on a window.

    Args:
        model: whose stages run.
        ring: s16 features of the T frames, each ``[1, C16, H/16, W/16]``.
        references: the two in the middle.
        times, valid: ``[1, T]``, see `LIFT.forward`.
        tiles: of the frames.
    """
    if len(tiles) == 1:
        return model.aggregate(WindowFeatures(torch.stack(list(ring), dim=1), *references), times, valid)
    context = torch.empty_like(ring[0])
    weights = []
    for tile in tiles:
        s16 = torch.stack([tile.view(features, 16) for features in ring], dim=1)
        origin = (tile.rows.seen_start // _TOKEN, tile.columns.seen_start // _TOKEN)
        part = model.aggregate(WindowFeatures(s16, *references), times, valid, origin)
        tile.own(context, 16).copy_(tile.own_in_view(part.context, 16))
        weights.append(part.frame_weights)
    return Aggregate(context, torch.stack(weights).mean(dim=0))


def decode(
    model: LIFT,
    references: tuple[ReferenceFeatures, ReferenceFeatures],
    aggregated: Aggregate,
    t: float,
    tiles: Sequence[Tile],
    initial: Motion | None = None,
) -> Tensor:
    """Stages 3 to 5: the new frame ``[1, 3, *size]`` in [0, 1], float32.

    Args:
        model: whose stages run.
        references: the two in the middle.
        aggregated: what stage 2 made of the window.
        t: strictly between 0 and 1.
        tiles: of the frames.
        initial: motion that stage 3 starts from, on the s4 grid of the whole frame: found in a tile, it would differ
            from its neighbour's. None where the model starts from zero.
    """
    made = torch.zeros_like(references[0].frame)
    for tile in tiles:
        seen = [_view_of(reference, tile) for reference in references]
        context = Aggregate(tile.view(aggregated.context, 16), aggregated.frame_weights)
        # Stage 2 is done: of the window its references alone are still needed.
        start = None if initial is None else Motion(*(tile.view(part, CELL) for part in initial))
        frame = model.decode(WindowFeatures(context.context[:, None], *seen), context, t, start).frame
        tile.view(made).add_(frame.float() * tile.share(frame))
    return crop_to(made, references[0].size)


def _encoded(
    encode: Callable[[Tensor], Sequence[Tensor]], padded: Tensor, tiles: Sequence[Tile], scales: Sequence[int]
) -> list[Tensor]:
    """What ``encode`` makes of each tile, one map for each of ``scales``, put together."""
    if len(tiles) == 1:
        return list(encode(padded))
    whole: list[Tensor] = []
    for tile in tiles:
        parts = encode(tile.view(padded))
        if not whole:
            whole = [_room(part, padded, scale) for part, scale in zip(parts, scales, strict=True)]
        for maps, part, scale in zip(whole, parts, scales, strict=True):
            tile.own(maps, scale).copy_(tile.own_in_view(part, scale))
    return whole


def _room(part: Tensor, padded: Tensor, scale: int) -> Tensor:
    return part.new_empty(1, part.shape[1], padded.shape[-2] // scale, padded.shape[-1] // scale)


def _view_of(reference: ReferenceFeatures, tile: Tile) -> ReferenceFeatures:
    views = (tile.view(maps, scale) for maps, scale in zip(reference.pyramid, _SCALES, strict=True))
    return ReferenceFeatures(tile.view(reference.frame), FeaturePyramid(*views), (tile.rows.seen, tile.columns.seen))
