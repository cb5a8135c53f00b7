"""Stage 3: the symmetric correlation against a direct formula, and the cascade's start."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lift_core.model.config import LiftConfig
from lift_core.model.encoder import FrameEncoder
from lift_core.model.ifnet import GAIN, FlowEstimator, FlowLevel, Motion, expected_shift, symmetric_correlation


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
