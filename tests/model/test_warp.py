"""Backward warping against a float64 formula and OpenCV, and flows on other grids."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lift_core.model.warp import backward_warp, resize_flow


def reference_warp(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Bilinear sampling with repeated borders in float64, pixel by pixel: image ``[C, H, W]``, flow ``[2, H, W]``."""
    channels, height, width = image.shape
    result = np.empty((channels, height, width))
    for y in range(height):
        for x in range(width):
            column = min(max(x + flow[0, y, x], 0.0), width - 1.0)
            row = min(max(y + flow[1, y, x], 0.0), height - 1.0)
            left, top = int(column), int(row)
            right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
            across, down = column - left, row - top
            upper = image[:, top, left] * (1 - across) + image[:, top, right] * across
            lower = image[:, bottom, left] * (1 - across) + image[:, bottom, right] * across
            result[:, y, x] = upper * (1 - down) + lower * down
    return result


@settings(max_examples=15, deadline=None)
@given(
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    reach=st.floats(0.0, 12.0),
    seed=st.integers(0, 1000),
)
def test_warp_equals_the_float64_formula(height: int, width: int, reach: float, seed: int) -> None:
    draw = np.random.default_rng(seed)
    image = draw.random((2, height, width))
    flow = draw.uniform(-reach, reach, (2, height, width))
    warped = backward_warp(torch.from_numpy(image).float()[None], torch.from_numpy(flow).float()[None])
    np.testing.assert_allclose(warped[0].numpy(), reference_warp(image, flow), atol=2e-5)


def test_warp_equals_opencv_remap() -> None:
    draw = np.random.default_rng(0)
    image = draw.random((29, 41, 3)).astype(np.float32)
    flow = draw.uniform(-6, 6, (29, 41, 2)).astype(np.float32)
    x, y = np.meshgrid(np.arange(41, dtype=np.float32), np.arange(29, dtype=np.float32))
    expected = cv2.remap(image, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    warped = backward_warp(
        torch.from_numpy(image).permute(2, 0, 1)[None], torch.from_numpy(flow).permute(2, 0, 1)[None]
    )
    # OpenCV rounds positions to 1/32 of a pixel.
    np.testing.assert_allclose(warped[0].permute(1, 2, 0).numpy(), expected, atol=1.2 / 32)


def shifted(image: torch.Tensor, right: int, down: int) -> torch.Tensor:
    """What lies ``right`` and ``down`` of every pixel of ``[..., H, W]``, by indexing; borders are repeated."""
    rows = (torch.arange(image.shape[-2]) + down).clamp(0, image.shape[-2] - 1)
    columns = (torch.arange(image.shape[-1]) + right).clamp(0, image.shape[-1] - 1)
    return image[..., rows, :][..., columns]


def whole_flow(height: int, width: int, right: int, down: int) -> torch.Tensor:
    return torch.tensor([right, down]).float().view(1, 2, 1, 1).expand(1, 2, height, width)


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    right=st.integers(-45, 45),
    down=st.integers(-45, 45),
)
def test_whole_pixel_flows_are_exact_to_float32(height: int, width: int, right: int, down: int) -> None:
    image = torch.rand(1, 2, height, width)
    warped = backward_warp(image, whole_flow(height, width, right, down))
    torch.testing.assert_close(warped, shifted(image, right, down), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(2, 3840), (3, 4096), (270, 480), (720, 3), (96, 96)])
@pytest.mark.parametrize(("right", "down"), [(0, 0), (1, 0), (-3, 2), (500, -1)])
def test_whole_pixel_flows_give_every_pixel_of_an_8_bit_image_back(
    height: int, width: int, right: int, down: int
) -> None:
    image = torch.randint(0, 256, (1, 3, height, width), dtype=torch.uint8)
    warped = backward_warp(image.float() / 255, whole_flow(height, width, right, down))
    assert torch.equal((warped * 255).round().to(torch.uint8), shifted(image, right, down))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (33, 65), (129, 257)])
def test_whole_pixel_flows_are_exact_to_the_bit_where_positions_have_no_rounding(height: int, width: int) -> None:
    image = torch.rand(1, 3, height, width)
    warped = backward_warp(image, whole_flow(height, width, 3, -2))
    assert torch.equal(warped, shifted(image, 3, -2))


def test_half_precision_images_are_sampled_at_full_precision_positions() -> None:
    width = 3840
    image = (torch.arange(width, dtype=torch.float32) / width).view(1, 1, 1, width)
    flow = torch.zeros(1, 2, 1, width)
    flow[:, 0] = 0.5
    warped = backward_warp(image.bfloat16(), flow)
    assert warped.dtype == torch.bfloat16
    exact = backward_warp(image.bfloat16().float(), flow)
    torch.testing.assert_close(warped.float(), exact.bfloat16().float(), atol=0, rtol=0)


@pytest.mark.parametrize("size", [(16, 24), (4, 6), (8, 36)])
def test_a_constant_flow_keeps_its_angle_of_view_on_another_grid(size: tuple[int, int]) -> None:
    flow = torch.tensor([3.0, -2.0]).view(1, 2, 1, 1).expand(1, 2, 8, 12)
    resized = resize_flow(flow, size)
    torch.testing.assert_close(resized[0, 0], torch.full(size, 3.0 * size[1] / 12))
    torch.testing.assert_close(resized[0, 1], torch.full(size, -2.0 * size[0] / 8))


def test_a_flow_that_is_not_a_number_is_one_pixel_that_is_not_and_survives_the_backward_pass() -> None:
    image = torch.rand(1, 2, 9, 11, requires_grad=True)
    flow = torch.zeros(1, 2, 9, 11)
    flow[0, 1, 3, 4] = float("nan")
    flow.requires_grad_()
    warped = backward_warp(image, flow)
    broken = torch.zeros(9, 11, dtype=torch.bool)
    broken[3, 4] = True
    assert torch.equal(torch.isnan(warped[0]), broken.expand(2, 9, 11))
    warped[:, :, ~broken].sum().backward()
    assert image.grad is not None
    assert image.grad[0, 0].sum() == 98
