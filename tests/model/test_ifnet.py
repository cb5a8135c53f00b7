"""Stage 3: the symmetric correlation against a direct formula, and the cascade's start."""

from __future__ import annotations

import numpy as np
import torch

from lift_core.model.config import LiftConfig
from lift_core.model.encoder import FrameEncoder
from lift_core.model.ifnet import FlowEstimator, Motion, symmetric_correlation


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
