"""Loss terms against independent formulas, and what each of them is blind to."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from lift_core.model.lift import LiftOutput
from lift_core.training.config import LossConfig
from lift_core.training.losses import (
    census_loss,
    charbonnier,
    distillation_loss,
    laplacian_loss,
    laplacian_pyramid,
    lift_loss,
    smoothness_loss,
)
from lift_core.training.pseudo_flow import PseudoFlow


def make_output(frame: torch.Tensor, flow: float = 0.0) -> LiftOutput:
    batch, _, height, width = frame.shape
    grid = (height // 4, width // 4)
    return LiftOutput(
        frame=frame,
        coarse=frame,
        flow_t0=torch.full((batch, 2, *grid), flow),
        flow_t1=torch.full((batch, 2, *grid), -flow),
        occlusion=torch.zeros(batch, 1, *grid),
        visibility=torch.full((batch, 1, height, width), 0.5),
        warped_0=frame,
        warped_1=frame,
        frame_weights=torch.full((batch, 2), 0.5),
    )


def test_charbonnier_equals_the_float64_formula() -> None:
    first, second = torch.rand(2, 2, 3, 8, 8)
    difference = first.double().numpy() - second.double().numpy()
    assert charbonnier(first, second).item() == pytest.approx(np.sqrt(difference**2 + 1e-6).mean(), rel=1e-5)


def test_the_finest_band_equals_opencv() -> None:
    image = np.random.default_rng(0).random((24, 32)).astype(np.float32)
    taps = np.array([1, 4, 6, 4, 1], np.float32) / 16
    blurred = cv2.sepFilter2D(image, -1, taps, taps, borderType=cv2.BORDER_REPLICATE)
    bands = laplacian_pyramid(torch.from_numpy(image)[None, None], 3)
    np.testing.assert_allclose(bands[0][0, 0].numpy(), image - blurred, atol=1e-6)
    assert [tuple(band.shape[-2:]) for band in bands] == [(24, 32), (12, 16), (6, 8)]


def test_the_pyramid_is_blind_to_a_constant_shift_and_charbonnier_is_not() -> None:
    image = torch.rand(1, 3, 32, 32)
    assert laplacian_loss(image, image + 0.3).item() == pytest.approx(0, abs=1e-4)
    assert charbonnier(image, image + 0.3).item() == pytest.approx(0.3, abs=1e-3)


def test_census_is_blind_to_brightness_and_sees_texture() -> None:
    image = torch.rand(1, 3, 24, 24)
    assert census_loss(image * 0.5 + 0.2, image * 0.5 + 0.3).item() == pytest.approx(0, abs=1e-6)
    assert census_loss(image, image.flip(-1)).item() > 0.1


def test_smoothness_forgives_jumps_at_edges_of_the_picture() -> None:
    flow = torch.zeros(1, 2, 8, 8)
    flow[..., 4:] = 2.0
    flat, edged = torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8)
    edged[..., 4:] = 1.0
    on_flat = smoothness_loss(flow, flat)
    assert on_flat.item() == pytest.approx(2.0 / 7)
    assert smoothness_loss(flow, edged).item() < 1e-4 * on_flat.item()
    assert smoothness_loss(torch.ones(1, 2, 1, 1), torch.zeros(1, 3, 1, 1)).item() == 0


def test_distillation_measures_pixels_and_ignores_labels_without_confidence() -> None:
    output = make_output(torch.rand(2, 3, 32, 32), flow=1.0)
    truth = torch.stack((torch.full((2, 2, 8, 8), 4.0), torch.full((2, 2, 8, 8), -4.0)), dim=1)
    sure, unsure = torch.ones(2, 2, 1, 8, 8), torch.zeros(2, 2, 1, 8, 8)
    assert distillation_loss(output, PseudoFlow(truth, sure)).item() == pytest.approx(0.1)
    assert distillation_loss(output, PseudoFlow(truth * 2, sure)).item() == pytest.approx(32**0.5, rel=1e-3)
    assert distillation_loss(output, PseudoFlow(truth * 2, unsure)).item() == 0


def test_terms_are_named_weighted_and_summed() -> None:
    prediction, target = torch.rand(2, 1, 3, 32, 32)
    terms = lift_loss(make_output(prediction), target, LossConfig(charbonnier=2.0, census=1.0, distillation=0.0))
    assert set(terms) == {"charbonnier", "laplacian", "census", "coarse", "warped", "smoothness", "total"}
    assert terms["charbonnier"].item() == pytest.approx(2 * charbonnier(prediction, target).item())
    parts = sum(value for name, value in terms.items() if name != "total")
    torch.testing.assert_close(terms["total"], parts)


def test_a_perfect_prediction_costs_almost_nothing() -> None:
    target = torch.rand(1, 3, 32, 32)
    good = lift_loss(make_output(target), target, LossConfig())["total"]
    bad = lift_loss(make_output(F.avg_pool2d(target, 5, 1, 2)), target, LossConfig())["total"]
    assert good.item() < 0.01 * bad.item()
