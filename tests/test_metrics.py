"""Tests of PSNR and SSIM against formulas written out in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lift_core.errors import ShapeError
from lift_core.metrics import psnr, ssim


def pair(seed: int, height: int = 24, width: int = 31) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    noisy = np.clip(target + rng.normal(0, 15, target.shape), 0, 255)
    return noisy.astype(np.uint8), target


def as_tensor(image: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1).float() / 255


def ssim_in_float64(pred: NDArray[np.uint8], target: NDArray[np.uint8]) -> float:
    """The definition, window by window: an 11x11 Gaussian of sigma 1.5 at every pixel, the border mirrored."""
    offsets = np.arange(11) - 5
    bell = np.exp(-(offsets**2) / (2 * 1.5**2))
    window = np.outer(bell, bell) / np.outer(bell, bell).sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = []
    for channel in range(3):
        x, y = (np.pad(f[..., channel].astype(np.float64), 5, mode="reflect") for f in (pred, target))
        for top in range(x.shape[0] - 10):
            for left in range(x.shape[1] - 10):
                a, b = x[top : top + 11, left : left + 11], y[top : top + 11, left : left + 11]
                mean_a, mean_b = (window * a).sum(), (window * b).sum()
                var_a, var_b = (window * (a - mean_a) ** 2).sum(), (window * (b - mean_b) ** 2).sum()
                cov = (window * (a - mean_a) * (b - mean_b)).sum()
                luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
                values.append(luminance * (2 * cov + c2) / (var_a + var_b + c2))
    return float(np.mean(values))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_psnr_equals_the_formula(seed):
    pred, target = pair(seed)
    expected = 10 * math.log10(255**2 / np.mean((pred.astype(np.float64) - target.astype(np.float64)) ** 2))
    assert psnr(pred, target) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", [0, 1])
def test_psnr_equals_torchmetrics(seed):
    from torchmetrics.functional.image import peak_signal_noise_ratio

    pred, target = pair(seed)
    expected = peak_signal_noise_ratio(
        torch.from_numpy(pred).double(), torch.from_numpy(target).double(), data_range=255.0
    )
    assert psnr(pred, target) == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.parametrize("seed", [0, 1])
def test_ssim_equals_torchmetrics(seed):
    from torchmetrics.functional.image import structural_similarity_index_measure

    pred, target = pair(seed)
    batches = (torch.from_numpy(frame).permute(2, 0, 1)[None].double() for frame in (pred, target))
    expected = structural_similarity_index_measure(*batches, sigma=1.5, data_range=255.0)
    assert ssim(pred, target) == pytest.approx(float(expected), abs=1e-9)


@pytest.mark.parametrize("seed", [0, 1])
def test_ssim_equals_the_formula(seed):
    pred, target = pair(seed)
    assert ssim(pred, target) == pytest.approx(ssim_in_float64(pred, target), abs=1e-9)


def test_ssim_of_a_bright_flat_frame_keeps_its_precision():
    target = np.full((16, 16, 3), 250, np.uint8)
    pred = target.copy()
    pred[8, 8] = 251
    assert ssim(pred, target) == pytest.approx(ssim_in_float64(pred, target), abs=1e-9)


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_tensors_and_arrays_give_the_same_value(metric):
    pred, target = pair(3)
    assert metric(as_tensor(pred), as_tensor(target)) == metric(pred, target)
    assert metric(pred, as_tensor(target)) == metric(pred, target)


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_float_frames_are_rounded_and_clamped_as_a_viewer_gets_them(metric):
    pred, target = pair(4)
    off = as_tensor(pred) + 0.4 / 255 * torch.sign(torch.rand(3, 24, 31) - 0.5)
    assert metric(off, target) == metric(pred, target)
    beyond = torch.where(as_tensor(pred) > 0.5, 1.7, -0.3)
    assert metric(beyond, target) == metric(beyond.clamp(0, 1), target)


def test_identical_frames_are_infinitely_good():
    target = pair(5)[1]
    assert psnr(target, target.copy()) == math.inf
    assert ssim(target, target.copy()) == pytest.approx(1.0)


@pytest.mark.parametrize("metric", [psnr, ssim])
@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((24, 31), np.uint8),
        np.zeros((2, 24, 31, 3), np.uint8),
        np.zeros((24, 31, 3), np.float64),
        torch.zeros(3, 24, 31, dtype=torch.uint8),
        torch.zeros(1, 3, 24, 31),
        np.zeros((24, 30, 3), np.uint8),
    ],
)
def test_what_is_not_one_frame_of_the_same_size_is_refused(metric, bad):
    with pytest.raises(ShapeError):
        metric(bad, pair(6)[1])


def test_ssim_refuses_frames_smaller_than_its_window():
    small = np.zeros((10, 40, 3), np.uint8)
    with pytest.raises(ShapeError, match="11x11"):
        ssim(small, small)
