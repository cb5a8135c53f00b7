"""Stage 4: the blend by time and occlusion."""

from __future__ import annotations

import torch

from lift_core.model.config import LiftConfig
from lift_core.model.ifnet import Motion
from lift_core.model.synthesis import CoarseSynthesis
from tests.model.conftest import stir


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


def sideways(right_0: float, right_1: float) -> Motion:
    """Flows of so many cells to the right, towards reference 0 and towards reference 1."""
    flows = torch.zeros(2, 1, 2, 8, 8)
    flows[0, :, 0], flows[1, :, 0] = right_0, right_1
    return Motion(flows[0], flows[1], torch.zeros(1, 1, 8, 8))


def moved_left(image: torch.Tensor, pixels: int) -> torch.Tensor:
    """What lies so many pixels to the right, by indexing; borders are repeated."""
    return image[..., (torch.arange(image.shape[-1]) + pixels).clamp(0, image.shape[-1] - 1)]


def test_each_reference_is_warped_by_its_own_flow_at_full_resolution(small_config: LiftConfig) -> None:
    first, second = torch.rand(2, 1, 3, 32, 32)
    context, t = torch.zeros(1, 16, 2, 2), torch.full((1, 1, 1, 1), 0.25)
    coarse = CoarseSynthesis(small_config)(first, second, sideways(1.0, -2.0), context, t)
    # A cell of the quarter grid is four pixels.
    torch.testing.assert_close(coarse.warped_0, moved_left(first, 4), atol=1e-5, rtol=0)
    torch.testing.assert_close(coarse.warped_1, moved_left(second, -8), atol=1e-5, rtol=0)
    blend = 0.75 * moved_left(first, 4) + 0.25 * moved_left(second, -8)
    torch.testing.assert_close(coarse.frame, blend, atol=1e-5, rtol=0)


def test_the_context_corrects_the_blend_and_adds_colours_of_its_own(small_config: LiftConfig) -> None:
    torch.manual_seed(0)
    stage = CoarseSynthesis(small_config)
    stir(stage)
    first, second = torch.rand(2, 1, 3, 32, 32)
    t = torch.full((1, 1, 1, 1), 0.5)
    one, other = (stage(first, second, still(0.0), torch.randn(1, 16, 2, 2), t) for _ in range(2))
    assert not torch.allclose(one.visibility, other.visibility, atol=1e-4)
    for coarse in (one, other):
        blend = coarse.visibility * first + (1 - coarse.visibility) * second
        residual = coarse.frame - blend
        assert residual.abs().mean() > 1e-4
        assert not torch.allclose(residual[:, 0], residual[:, 1], atol=1e-4)


def test_the_coarse_frame_is_not_clamped(small_config: LiftConfig) -> None:
    stage = CoarseSynthesis(small_config)
    with torch.no_grad():
        assert stage.head.bias is not None
        stage.head.bias[16:] = 2.0
    grey = torch.full((1, 3, 32, 32), 0.5)
    coarse = stage(grey, grey, still(0.0), torch.zeros(1, 16, 2, 2), torch.full((1, 1, 1, 1), 0.5))
    torch.testing.assert_close(coarse.frame, torch.full((1, 3, 32, 32), 2.5), atol=1e-5, rtol=0)
