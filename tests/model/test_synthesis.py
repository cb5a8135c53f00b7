"""Stage 4: the blend by time and occlusion."""

from __future__ import annotations

import torch

from lift_core.model.config import LiftConfig
from lift_core.model.ifnet import Motion
from lift_core.model.synthesis import CoarseSynthesis


def still(logit: float) -> Motion:
    return Motion(torch.zeros(1, 2, 8, 8), torch.zeros(1, 2, 8, 8), torch.full((1, 1, 8, 8), logit))


def test_occlusion_logits_move_the_blend_towards_the_reference_that_shows_the_place(small_config: LiftConfig) -> None:
    stage = CoarseSynthesis(small_config)
    black, white = torch.zeros(1, 3, 32, 32), torch.ones(1, 3, 32, 32)
    t = torch.full((1, 1, 1, 1), 0.25)
    context = torch.zeros(1, 16, 2, 2)
    for logit, share in [(0.0, 0.75), (2.0, 0.75 / (0.75 + 0.25 * torch.e**-2)), (-50.0, 0.0)]:
        coarse = stage(black, white, still(logit), context, t)
        torch.testing.assert_close(coarse.visibility, torch.full((1, 1, 32, 32), share), atol=1e-5, rtol=0)
        torch.testing.assert_close(coarse.frame, torch.full((1, 3, 32, 32), 1 - share), atol=1e-5, rtol=0)
