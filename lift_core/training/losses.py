"""What training minimises: reconstruction, census, auxiliary, smoothness and flow-distillation terms, each by name."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lift_core.model.ifnet import CELL
from lift_core.model.lift import LiftOutput
from lift_core.training.config import LossConfig
from lift_core.training.pseudo_flow import PseudoFlow


def charbonnier(prediction: Tensor, target: Tensor, epsilon: float = 1e-3) -> Tensor:
    """Mean of ``sqrt(difference ** 2 + epsilon ** 2)`` (Charbonnier et al. 1994); any shape, a scalar."""
    return torch.sqrt((prediction - target).square() + epsilon**2).mean()


def laplacian_pyramid(image: Tensor, levels: int) -> list[Tensor]:
    """Band-pass images of ``image`` ``[B, C, H, W]``, finest first, with the low-pass rest left out.

    Levels stop where a side falls below 2 pixels. The filter is the binomial one of Burt and Adelson (1983).
    """
    bands = []
    current = image
    for _ in range(levels):
        if min(current.shape[-2:]) < 2:
            break
        blurred = _binomial_blur(current)
        bands.append(current - blurred)
        current = F.avg_pool2d(blurred, 2)
    return bands


def _binomial_blur(image: Tensor) -> Tensor:
    taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], device=image.device, dtype=image.dtype) / 16.0
    channels = image.shape[1]
    padded = F.pad(image, (2, 2, 2, 2), mode="replicate")
    across = F.conv2d(padded, taps.view(1, 1, 1, 5).expand(channels, 1, 1, 5), groups=channels)
    return F.conv2d(across, taps.view(1, 1, 5, 1).expand(channels, 1, 5, 1), groups=channels)


def laplacian_loss(prediction: Tensor, target: Tensor, levels: int = 5) -> Tensor:
    """Sum over the pyramid of 2 ** level times the mean absolute band difference (Bojanowski et al. 2018).

    A constant shift between the images costs nothing, so this is never used alone.
    """
    bands = laplacian_pyramid(prediction - target, levels)
    return torch.stack([(2**level) * band.abs().mean() for level, band in enumerate(bands)]).sum()


def census_loss(prediction: Tensor, target: Tensor, radius: int = 3) -> Tensor:
    """Soft Hamming distance of census transforms in windows of ``2 * radius + 1`` (Meister et al. 2018, "UnFlow").

    Compares the order of grey values around each pixel, not the values: ``[B, 3, H, W]`` in [0, 1], a scalar.
    """
    difference = (_census(prediction, radius) - _census(target, radius)).square()
    return (difference / (0.1 + difference)).mean()


def _census(image: Tensor, radius: int) -> Tensor:
    weights = torch.tensor([0.299, 0.587, 0.114], device=image.device, dtype=image.dtype).view(1, 3, 1, 1)
    grey = (image * weights).sum(dim=1, keepdim=True) * 255.0
    side = 2 * radius + 1
    neighbours = F.unfold(F.pad(grey, (radius,) * 4, mode="replicate"), side)
    offset = neighbours - grey.flatten(2)
    return offset / torch.sqrt(0.81 + offset.square())


def smoothness_loss(flow: Tensor, guide: Tensor) -> Tensor:
    """Mean first difference of ``flow`` ``[B, 2, h, w]``, damped at edges of ``guide`` ``[B, 3, h, w]`` in [0, 1]."""
    total = flow.new_zeros(())
    for dim in (-1, -2):
        if flow.shape[dim] > 1:
            edge = guide.diff(dim=dim).abs().mean(dim=1, keepdim=True)
            total = total + (flow.diff(dim=dim).abs() * torch.exp(-10.0 * edge)).mean()
    return total


def distillation_loss(output: LiftOutput, pseudo: PseudoFlow) -> Tensor:
    """Mean distance in pixels between the model's flows and classical ones, weighted by how well those warp.

    Args:
        output: flows in cells of the quarter grid.
        pseudo: flows ``[B, 2, 2, h, w]`` in pixels, confidence ``[B, 2, 1, h, w]`` in [0, 1], on the same grid.
    """
    # Flows of the model are in cells, losses are in pixels.
    flows = torch.stack((output.flow_t0, output.flow_t1), dim=1) * CELL
    # A root of the squared length would have an infinite slope at zero, where training starts.
    distance = torch.sqrt((flows - pseudo.flow).square().sum(dim=2, keepdim=True) + 1e-2)
    return (distance * pseudo.confidence).mean()


def lift_loss(
    output: LiftOutput, target: Tensor, config: LossConfig, pseudo: PseudoFlow | None = None
) -> dict[str, Tensor]:
    """All terms of the loss by name, each already times its weight, and their sum as ``total``.

    Args:
        output: of the model in training mode.
        target: the true frame ``[B, 3, H, W]`` in [0, 1].
        config: weights.
        pseudo: classical flows; needed where ``config.distillation`` is above 0.
    """
    terms: dict[str, Tensor] = {}
    if config.charbonnier:
        terms["charbonnier"] = config.charbonnier * charbonnier(output.frame, target)
    if config.laplacian:
        terms["laplacian"] = config.laplacian * laplacian_loss(output.frame, target)
    if config.census:
        terms["census"] = config.census * census_loss(output.frame, target)
    if config.coarse:
        terms["coarse"] = config.coarse * charbonnier(output.coarse, target)
    if config.warped:
        terms["warped"] = config.warped * _warped_loss(output, target)
    if config.smoothness:
        height, width = output.flow_t0.shape[-2:]
        guide = F.interpolate(target, size=(height, width), mode="area")
        both = smoothness_loss(output.flow_t0, guide) + smoothness_loss(output.flow_t1, guide)
        terms["smoothness"] = config.smoothness * CELL * both
    if config.distillation and pseudo is not None:
        terms["distillation"] = config.distillation * distillation_loss(output, pseudo)
    terms["total"] = torch.stack(list(terms.values())).sum()
    return terms


def _warped_loss(output: LiftOutput, target: Tensor) -> Tensor:
    # A reference that does not show a place cannot be warped right there: its share of the blend excuses it. The
    # share is detached, or the model would lower this term by calling everything hidden.
    share = output.visibility.detach()
    error_0 = torch.sqrt((output.warped_0 - target).square() + 1e-6)
    error_1 = torch.sqrt((output.warped_1 - target).square() + 1e-6)
    return (share * error_0 + (1.0 - share) * error_1).mean()
