"""Stage 5: what it adds to the coarse frame, what it looks at, and where."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lift_core.model.config import LiftConfig
from lift_core.model.ifnet import Motion
from lift_core.model.refine import FullResolutionRefiner
from lift_core.model.synthesis import Coarse
from tests.model.conftest import stir


@pytest.fixture
def stage(small_config: LiftConfig) -> FullResolutionRefiner:
    torch.manual_seed(0)
    return FullResolutionRefiner(small_config)


def coarse_frame(batch: int = 1) -> Coarse:
    generator = torch.Generator().manual_seed(1)
    frame, warped_0, warped_1 = torch.rand(3, batch, 3, 32, 64, generator=generator)
    return Coarse(frame, warped_0, warped_1, torch.full((batch, 1, 32, 64), 0.5))


def motion(right: float = 0.0, batch: int = 1) -> Motion:
    flow = torch.zeros(batch, 2, 8, 16)
    flow[:, 0] = right
    return Motion(flow, -flow, torch.zeros(batch, 1, 8, 16))


def test_a_fresh_refiner_changes_nothing(stage: FullResolutionRefiner) -> None:
    coarse = coarse_frame()
    features = torch.rand(2, 1, 8, 8, 16)
    assert torch.equal(stage(coarse, motion(), *features), coarse.frame)


def test_the_residual_depends_on_every_picture_and_on_both_references_features(stage: FullResolutionRefiner) -> None:
    stir(stage)
    inputs = [tensor.requires_grad_() for tensor in (*coarse_frame()[:3], *torch.rand(2, 1, 8, 8, 16))]
    frame, warped_0, warped_1, s4_0, s4_1 = inputs
    refined = stage(Coarse(frame, warped_0, warped_1, torch.empty(0)), motion(), s4_0, s4_1)
    (refined - frame).square().sum().backward()
    assert all(tensor.grad is not None and tensor.grad.abs().amin() > 0 for tensor in inputs[1:3])
    assert all(tensor.grad is not None and tensor.grad.any() for tensor in inputs)


def test_features_are_taken_where_the_flow_points(stage: FullResolutionRefiner) -> None:
    stir(stage)
    coarse, s4 = coarse_frame(), torch.rand(1, 8, 8, 16)
    # A flow of two cells to the right sees what a shift of the features to the left puts in place.
    seen_0 = torch.cat((s4[..., 2:], s4[..., -1:].expand(-1, -1, -1, 2)), dim=-1)
    seen_1 = torch.cat((s4[..., :1].expand(-1, -1, -1, 2), s4[..., :-2]), dim=-1)
    found = stage(coarse, motion(2.0), s4, s4)
    torch.testing.assert_close(found, stage(coarse, motion(), seen_0, seen_1), atol=1e-5, rtol=1e-5)
    assert not torch.allclose(found, stage(coarse, motion(), s4, s4), atol=1e-4)


def test_samples_of_a_batch_are_normalised_apart(stage: FullResolutionRefiner) -> None:
    stir(stage)
    coarse, features = coarse_frame(2), torch.rand(2, 2, 8, 8, 16)
    both = stage(coarse, motion(batch=2), *features)
    one = stage(Coarse(*(part[1:] for part in coarse)), motion(), *(part[1:] for part in features))
    torch.testing.assert_close(both[1:], one, atol=1e-5, rtol=1e-5)


def test_every_norm_is_a_group_norm(stage: FullResolutionRefiner) -> None:
    norms = [module for module in stage.modules() if "Norm" in type(module).__name__]
    assert norms
    assert all(isinstance(module, nn.GroupNorm) or module.__class__.__name__ == "NormalisedBlock" for module in norms)


def test_a_1x1_convolution_may_be_taken_before_the_features_are_enlarged() -> None:
    convolution, features = nn.Conv2d(5, 7, 1).double(), torch.randn(1, 5, 4, 6, dtype=torch.float64)

    def enlarged(x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)

    torch.testing.assert_close(enlarged(convolution(features)), convolution(enlarged(features)))
