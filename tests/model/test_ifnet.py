"""Stage 3: the symmetric correlation against a direct formula, and the cascade's start."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from lift_core.data.moving_textures import moving_texture
from lift_core.model.config import LiftConfig, preset
from lift_core.model.encoder import FrameEncoder
from lift_core.model.ifnet import (
    GAIN,
    NEARBY,
    FlowEstimator,
    FlowLevel,
    Motion,
    comparable,
    expected_shift,
    gathered,
    symmetric_correlation,
)
from lift_core.model.lift import LIFT


def test_correlation_compares_opposite_places() -> None:
    draw = np.random.default_rng(0)
    first, second = draw.random((2, 3, 5, 6))
    radius = 2
    expected = np.zeros((25, 5, 6))
    for plane in range(25):
        dy, dx = plane // 5 - radius, plane % 5 - radius
        for y in range(5):
            for x in range(6):
                inside = 0 <= y - dy < 5 and 0 <= x - dx < 6 and 0 <= y + dy < 5 and 0 <= x + dx < 6
                if inside:
                    expected[plane, y, x] = first[:, y - dy, x - dx] @ second[:, y + dy, x + dx]
    found = symmetric_correlation(torch.from_numpy(first)[None], torch.from_numpy(second)[None], radius)
    np.testing.assert_allclose(found[0].numpy(), expected, atol=1e-12)


def test_swapping_the_references_reverses_the_correlation() -> None:
    first, second = torch.randn(2, 1, 4, 6, 7)
    forwards = symmetric_correlation(first, second, 3)
    torch.testing.assert_close(symmetric_correlation(second, first, 3), forwards.flip(1))


def standing_out(features: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The formula of `comparable` for one reference ``[C, h, w]`` beside the other, place by place, in float64."""
    channels, height, width = features.shape
    reach = NEARBY // 2

    def near(values: np.ndarray) -> np.ndarray:
        return np.stack(
            [
                values[:, max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1].mean((1, 2))
                for y in range(height)
                for x in range(width)
            ],
            axis=1,
        ).reshape(channels, height, width)

    left, right = features - near(features), others - near(others)
    strong = left / np.sqrt((near(left**2) + near(right**2)) / 2 + 1e-5)
    return strong / np.sqrt((strong**2).sum(0) + 1)


def test_features_are_compared_by_what_stands_out_nearby() -> None:
    first, second = np.random.default_rng(0).normal(3.0, 0.5, (2, 4, 18, 21))
    found = comparable(torch.from_numpy(first)[None], torch.from_numpy(second)[None])
    np.testing.assert_allclose(found[0][0].numpy(), standing_out(first, second), atol=1e-4)
    np.testing.assert_allclose(found[1][0].numpy(), standing_out(second, first), atol=1e-4)


def test_what_both_references_share_and_how_strong_it_is_does_not_matter() -> None:
    torch.manual_seed(0)
    first, second = torch.randn(2, 1, 6, 20, 24, dtype=torch.float64)
    shift, scale = torch.randn(1, 6, 1, 1), torch.rand(1, 6, 1, 1) + 0.5
    for found, same in zip(
        comparable(first, second), comparable(first * scale + shift, second * scale + shift), strict=True
    ):
        torch.testing.assert_close(found, same, atol=1e-4, rtol=0)


def test_where_nothing_stands_out_there_is_no_evidence_and_no_wild_gradient() -> None:
    flat = torch.full((1, 4, 20, 20), 0.3, requires_grad=True)
    first, second = comparable(flat, flat + 1e-6 * torch.randn(1, 4, 20, 20))
    assert first.abs().max() < 1e-3
    symmetric_correlation(first, second, 2).sum().backward()
    assert flat.grad is not None
    assert flat.grad.abs().max() < 10


def test_evidence_is_gathered_as_by_two_box_filters() -> None:
    planes = np.random.default_rng(0).random((3, 9, 11)).astype(np.float32)
    found = gathered(torch.from_numpy(planes)[None])[0].numpy()
    for plane, smooth in zip(planes, found, strict=True):
        once = cv2.blur(plane, (3, 3), borderType=cv2.BORDER_REPLICATE)
        np.testing.assert_allclose(smooth, cv2.blur(once, (3, 3), borderType=cv2.BORDER_REPLICATE), atol=1e-6)


def test_even_random_features_tell_something_of_most_motions() -> None:
    torch.manual_seed(0)
    model = LIFT(preset("lift_tiny")).eval()
    level = model.flow.level4
    shares = []
    for seed in range(12):
        clip = moving_texture(np.random.default_rng(seed), 3, 96, 96, speeds=(4.0, 6.0))
        pictures = torch.from_numpy(clip.frames).permute(0, 3, 1, 2).float() / 255
        with torch.no_grad():
            before, after = (level.to_match(level.reduce(model.encoder(pictures[i : i + 1]).s4)) for i in (0, 2))
            match = gathered(symmetric_correlation(*comparable(before, after), level.radius))
        shift = 4 * expected_shift(20 * match, level.radius)[0, :, 3:-3, 3:-3]
        truth = torch.tensor(clip.velocity).view(2, 1, 1)
        shares.append(float((shift - truth).norm(dim=0).mean() / truth.norm()))
    # 1 is what is left where no motion is assumed. Textures that repeat mislead any matching.
    assert np.median(shares) < 0.85


def test_a_fresh_estimator_returns_the_motion_it_starts_from(small_config: LiftConfig) -> None:
    encoder, estimator = FrameEncoder(small_config), FlowEstimator(small_config)
    first, second = encoder(torch.rand(2, 3, 64, 64)), encoder(torch.rand(2, 3, 64, 64))
    context, t = torch.randn(2, 16, 4, 4), torch.full((2, 1, 1, 1), 0.5)
    assert not estimator(first, second, context, t).flow_t0.any()
    start = Motion(torch.full((2, 2, 8, 8), 1.5), torch.full((2, 2, 8, 8), -1.0), torch.full((2, 1, 8, 8), 0.5))
    found = estimator(first, second, context, t, start)
    torch.testing.assert_close(found.flow_t0, torch.full((2, 2, 16, 16), 3.0))
    torch.testing.assert_close(found.flow_t1, torch.full((2, 2, 16, 16), -2.0))
    torch.testing.assert_close(found.occlusion, torch.full((2, 1, 16, 16), 0.5))


def matching_level(config: LiftConfig) -> FlowLevel:
    """A level at s8 that trusts its matching fully, and nothing else: a clear match moves the flow to it."""
    wide = replace(config, widths=(8, 32, 16), warp_widths=(32, 8), match_width=32, match_radii=(2, 1))
    level = FlowLevel(wide, 1)
    with torch.no_grad():
        level.trust.fill_(1 / GAIN)
        level.sharpness.fill_(3 / GAIN)
    return level


def uniform_motion(t: float, right: float, down: float, height: int, width: int) -> Motion:
    """What a new frame at ``t`` sees of a scene that moves by (right, down) between the references."""
    moved = torch.tensor([right, down]).view(1, 2, 1, 1).expand(1, 2, height, width)
    return Motion(-t * moved, (1 - t) * moved, torch.zeros(1, 1, height, width))


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("t", [0.25, 0.5, 0.75])
def test_matching_finds_a_motion_and_leaves_it_once_the_features_are_warped_by_it(
    small_config: LiftConfig, t: float, known: bool
) -> None:
    torch.manual_seed(0)
    level = matching_level(small_config)
    scene = torch.randn(1, 32, 20, 44)
    # What is at x in the first is at x + (4, -2) in the second.
    first, second = scene[..., 2:-2, 4:36], scene[..., 4:, 0:32]
    truth = uniform_motion(t, 4.0, -2.0, 16, 32)
    start = truth if known else uniform_motion(t, 0.0, 0.0, 16, 32)
    found = level(first, second, torch.zeros(1, 16, 8, 16), start, torch.full((1, 1, 1, 1), t))
    inner = (slice(None), slice(None), slice(5, -5), slice(7, -7))
    torch.testing.assert_close(found.flow_t0[inner], truth.flow_t0[inner], atol=0.02, rtol=0)
    torch.testing.assert_close(found.flow_t1[inner], truth.flow_t1[inner], atol=0.02, rtol=0)


def test_the_expected_shift_is_the_mean_of_the_softmax() -> None:
    scores = torch.randn(1, 25, 2, 3, dtype=torch.float64)
    found = expected_shift(scores, 2)
    for y in range(2):
        for x in range(3):
            share = np.exp(scores[0, :, y, x].numpy())
            share /= share.sum()
            down, right = np.divmod(np.arange(25), 5) - np.array([[2], [2]])
            np.testing.assert_allclose(found[0, :, y, x].numpy(), [share @ right, share @ down], atol=1e-6)


def test_nothing_that_stands_out_means_no_motion() -> None:
    torch.testing.assert_close(expected_shift(torch.full((1, 25, 4, 4), 7.0), 2), torch.zeros(1, 2, 4, 4))
