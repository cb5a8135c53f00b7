"""Tests of tiles: they cover frames, their weights sum to one, and what LIFT makes in them is what it makes at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.inference.lift_method import LiftMethod
from lift_core.inference.methods import Window
from lift_core.inference.tiled_stages import aggregate, encode_deepest, encode_reference
from lift_core.inference.tiles import HALO, SMALLEST_CORE, cut
from lift_core.model.lift import LIFT, WindowFeatures
from lift_core.model.weights import load_lift

SIDES = st.integers(1, 40).map(lambda cells: 32 * cells)
CORES = st.sampled_from([SMALLEST_CORE, 96, 128, 256, 1024])


@settings(max_examples=60, deadline=None)
@given(height=SIDES, width=SIDES, core=CORES)
def test_the_own_parts_cover_every_pixel_once_and_the_weights_sum_to_one(height, width, core):
    owned, weights = torch.zeros(height, width), torch.zeros(height, width)
    for tile in cut(height, width, core):
        tile.own(owned).add_(1)
        tile.view(weights).add_(tile.share(weights))
        for span in (tile.rows, tile.columns):
            assert span.end - span.start <= max(core, 2 * SMALLEST_CORE)
            assert all(place % 32 == 0 for place in (span.start, span.end, span.seen_start, span.seen_end))
    assert torch.equal(owned, torch.ones_like(owned))
    assert (weights - 1).abs().max() < 1e-6


@settings(max_examples=30, deadline=None)
@given(height=SIDES, width=SIDES, core=CORES)
def test_a_tile_sees_its_halo_as_far_as_the_frame_goes(height, width, core):
    for tile in cut(height, width, core):
        for span in (tile.rows, tile.columns):
            assert span.seen_start == max(0, span.start - HALO)
            assert span.seen_end == min(span.length, span.end + HALO)


def noise(count: int, height: int, width: int, seed: int = 0) -> Tensor:
    coarse = torch.rand(count, 3, height // 4, width // 4, generator=torch.Generator().manual_seed(seed))
    return functional.interpolate(coarse, size=(height, width), mode="bilinear")


@torch.inference_mode()
def test_encoding_in_tiles_is_encoding_at_once(lift: LIFT):
    frame = noise(1, 352, 448)
    tiles = cut(352, 448, SMALLEST_CORE)
    assert len(tiles) > 20
    whole = lift.encode_reference(frame)
    parts = encode_reference(lift, frame, (350, 440), tiles)
    assert parts.size == (350, 440)
    for expected, found in zip(whole.pyramid, parts.pyramid, strict=True):
        assert (found - expected).abs().max() < 1e-5
    assert (encode_deepest(lift, frame, tiles) - whole.pyramid.s16).abs().max() < 1e-5


@torch.inference_mode()
def test_aggregating_in_tiles_is_aggregating_at_once(lift: LIFT):
    frames = noise(6, 352, 448, seed=1)[None]
    features = lift.encode(frames)
    times, valid = torch.arange(6).float()[None] - 2.5, torch.tensor([[False, True, True, True, True, True]])
    whole = lift.aggregate(features, times, valid)
    references = (features.reference_0, features.reference_1)
    ring = list(features.s16.unbind(dim=1))
    parts = aggregate(lift, ring, references, times, valid, cut(352, 448, SMALLEST_CORE))
    assert (parts.context - whole.context).abs().max() < 1e-5
    # The weights of frames are for looking at: means of the tiles' means.
    assert (parts.frame_weights - whole.frame_weights).abs().max() < 0.02
    assert float(parts.frame_weights.sum()) == pytest.approx(1)
    misplaced = lift.aggregate(WindowFeatures(features.s16[..., 2:, :], *references), times, valid)
    assert (misplaced.context - whole.context[..., 2:, :]).abs()[..., 8:, :].max() > 1e-4, "places matter"


@pytest.mark.parametrize("start", ["zero", "quadratic"])
def test_a_frame_made_in_tiles_has_no_seams(start):
    """The bundled weights on a moving clip: the seams lie where the tiles meet, and nowhere is a grey level lost."""
    clip = ProceduralClip(ClipConfig(frames=3, height=352, width=480, seed=3, max_speed=8.0))
    first, second = clip.frame(0), clip.frame(1)
    model = load_lift("lift_tiny")
    model.config = replace(model.config, start=start)
    made = []
    for core in (480, 128):
        method = LiftMethod(model, context=2)
        method.tiles = lambda size, core=core: cut(352, 480, core)  # type: ignore[method-assign]
        references = [method.encode_reference(frame) for frame in (first, second)]
        window = Window([method.encode(frame) for frame in (first, second)], (-0.5, 0.5), (True, True))
        made.append(method.between(*references, window)(0.5).astype(int))
    difference = np.abs(made[0] - made[1])
    assert difference.max() <= 2
    assert difference.mean() < 0.05
    # A seam is a step across the border that is not there in the whole frame.
    for axis, borders in ((0, range(96, 352, 32)), (1, range(96, 480, 32))):
        steps = [np.diff(image.astype(float), axis=axis) for image in made]
        for border in borders:
            across = [np.take(step, border - 1, axis=axis) for step in steps]
            assert abs((across[1] - across[0]).mean()) < 0.05
