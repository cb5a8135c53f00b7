"""Stage 3, FlowEstimator: flows from the new frame to both references, from coarse to fine."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lift_core.model.config import LiftConfig
from lift_core.model.encoder import FeaturePyramid, ResidualBlock
from lift_core.model.warp import backward_warp, resize_flow

CELL = 4
"""Pixels to a side of a cell of the s4 grid, on which flows and logits are given."""

# Matching starts with no say and soft; what it has learnt to trust moves ten times faster than a weight.
GAIN = 10.0
SHARPNESS = 20.0

# Side of the neighbourhood, in cells, within which features are told apart from what surrounds them.
NEARBY = 15


class Motion(NamedTuple):
    """What stage 3 believes about the new frame, on one grid of h x w cells.

    Attributes:
        flow_t0: ``[B, 2, h, w]`` from the new frame to reference 0, in cells; float32.
        flow_t1: the same to reference 1.
        occlusion: ``[B, 1, h, w]`` logits; positive where reference 0 shows the place and reference 1 does not.
            They stay logits until the blend, where a sigmoid is taken once.
    """

    flow_t0: Tensor
    flow_t1: Tensor
    occlusion: Tensor

    def resized(self, size: tuple[int, int]) -> Motion:
        """The same motion on a grid of ``size`` (height, width)."""
        occlusion = F.interpolate(self.occlusion, size=size, mode="bilinear", align_corners=False)
        return Motion(resize_flow(self.flow_t0, size), resize_flow(self.flow_t1, size), occlusion)


def comparable(features_0: Tensor, features_1: Tensor) -> tuple[Tensor, Tensor]:
    """Features of both references as their products can be compared: what stands out nearby, at length 1.

    From each channel its mean in a neighbourhood is taken away, and what is left is measured by its strength there in
    both references together. Without that all places look alike, for what they share is most of a feature; with it
    even random features match (normalised cross-correlation does the same for grey values).

    Args:
        features_0, features_1: ``[B, C, h, w]``.

    Returns:
        The same shapes, float32; zero where nothing stands out.
    """
    # Channels last: what a CPU averages and sums several times as fast.
    wide = [features.float().contiguous(memory_format=torch.channels_last) for features in (features_0, features_1)]
    outstanding_0, outstanding_1 = (features - nearby(features) for features in wide)
    power = (nearby(outstanding_0.square()) + nearby(outstanding_1.square())) / 2
    # Where nothing stands out, dividing by what is there would blow up noise, and gradients most of all.
    strength = torch.rsqrt(power + 1e-5)
    return shortened(outstanding_0 * strength), shortened(outstanding_1 * strength)


def shortened(vectors: Tensor) -> Tensor:
    """Vectors along dimension 1 at length 1 where they are long; short ones stay short."""
    return vectors * torch.rsqrt(vectors.square().sum(dim=1, keepdim=True) + 1.0)


def nearby(values: Tensor) -> Tensor:
    """The mean of each place's neighbourhood of ``NEARBY`` x ``NEARBY`` cells, as far as it lies in the grid."""
    # The mean over columns of means over rows: 2 x NEARBY values a place in place of NEARBY squared.
    reach = NEARBY // 2
    rows = F.avg_pool2d(values, (NEARBY, 1), stride=1, padding=(reach, 0), count_include_pad=False)
    return F.avg_pool2d(rows, (1, NEARBY), stride=1, padding=(0, reach), count_include_pad=False)


def gathered(planes: Tensor) -> Tensor:
    """Evidence of the places around each place, ``[B, D, h, w]``: what surrounds a place moves with it, mostly."""
    for _ in range(2):
        padded = F.pad(planes, (1, 1, 1, 1), mode="replicate")
        # The mean of 3 x 3 places as sums of slices, which a CPU computes several times as fast as avg_pool2d.
        rows = padded[..., :-2, :] + padded[..., 1:-1, :] + padded[..., 2:, :]
        planes = (rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]) / 9
    return planes


def symmetric_correlation(features_0: Tensor, features_1: Tensor, radius: int) -> Tensor:
    """How well the references agree if what passes here moves by 2d between them, for every d up to ``radius``.

    The place x of the new frame is compared at x - d in reference 0 and x + d in reference 1 (a cost volume centred
    on the frame that does not exist yet, as in BMBC, Park et al. 2020). Swapping the references reverses the order of
    the channels.

    Args:
        features_0: ``[B, C, h, w]``, already warped by the current flow.
        features_1: the same for reference 1.
        radius: largest d, in cells.

    Returns:
        ``[B, (2 * radius + 1) ** 2, h, w]``; cells outside the grid count as zero.
    """
    height, width = features_0.shape[-2:]
    padded_0 = F.pad(features_0, (radius,) * 4)
    padded_1 = F.pad(features_1, (radius,) * 4)
    side = 2 * radius
    planes = [
        (
            padded_0[..., side - row : side - row + height, side - column : side - column + width]
            * padded_1[..., row : row + height, column : column + width]
        ).sum(dim=1)
        for row in range(side + 1)
        for column in range(side + 1)
    ]
    return torch.stack(planes, dim=1)


def expected_shift(scores: Tensor, radius: int) -> Tensor:
    """The mean displacement d under the softmax of a correlation (matching as in GMFlow, Xu et al. 2022).

    Args:
        scores: ``[B, (2 * radius + 1) ** 2, h, w]`` in the order of ``symmetric_correlation``.
        radius: largest d, in cells.

    Returns:
        ``[B, 2, h, w]``, float32, in cells: right, down.

    Where nothing stands out, as on a blank wall, the mean is zero: no evidence, no motion.
    """
    steps = torch.arange(-radius, radius + 1, device=scores.device, dtype=torch.float32)
    share = scores.float().softmax(dim=1).unflatten(1, (2 * radius + 1, 2 * radius + 1))
    along = steps.view(1, -1, 1, 1)
    across = (share.sum(dim=1) * along).sum(dim=1)
    down = (share.sum(dim=2) * along).sum(dim=1)
    return torch.stack((across, down), dim=1)


class FlowLevel(nn.Module):
    """One step of the cascade: warp both references by the motion so far, compare, correct the motion.

    Wide inputs are narrowed by 1x1 convolutions before any 3x3 convolution sees them.
    """

    def __init__(self, config: LiftConfig, scale: Literal[0, 1]) -> None:
        """``scale`` 0 is the finer level, s4; 1 is s8."""
        super().__init__()
        # The config lists sizes of the cascade in the order in which it runs, coarse level first.
        warp_width, hidden, radius = (
            sizes[1 - scale] for sizes in (config.warp_widths, config.flow_widths, config.match_radii)
        )
        self.radius = radius
        self.reduce = nn.Conv2d(config.widths[scale], warp_width, 1)
        self.reduce_context = nn.Conv2d(config.widths[2], warp_width, 1)
        self.to_match = nn.Conv2d(warp_width, config.match_width, 1)
        planes = (2 * radius + 1) ** 2
        # Both warped references, the context, the correlation; then two flows, the logits and t.
        self.join = nn.Conv2d(3 * warp_width + planes + 6, hidden, 1)
        self.act = nn.LeakyReLU(0.1, inplace=True)
        self.block1 = ResidualBlock(hidden)
        self.block2 = ResidualBlock(hidden)
        self.trust = nn.Parameter(torch.zeros(()))
        self.sharpness = nn.Parameter(torch.zeros(()))
        self.head = nn.Conv2d(hidden, 5, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, features_0: Tensor, features_1: Tensor, context: Tensor, motion: Motion, t: Tensor) -> Motion:
        """Correct ``motion`` on the grid of the features ``[B, C, h, w]``; ``t`` is ``[B, 1, 1, 1]``."""
        warped_0 = backward_warp(self.reduce(features_0), motion.flow_t0)
        warped_1 = backward_warp(self.reduce(features_1), motion.flow_t1)
        height, width = warped_0.shape[-2:]
        near = F.interpolate(self.reduce_context(context), size=(height, width), mode="bilinear", align_corners=False)
        match = symmetric_correlation(*comparable(self.to_match(warped_0), self.to_match(warped_1)), self.radius)
        match = gathered(match)
        shift = GAIN * self.trust * expected_shift(SHARPNESS * torch.exp(GAIN * self.sharpness) * match, self.radius)
        moment = t.expand(-1, 1, height, width)
        # Everything that is known of a place, then five numbers to add: two flows and a logit.
        known = torch.cat((warped_0, warped_1, near, match, *motion, moment), dim=1)
        step = self.head(self.block2(self.block1(self.act(self.join(known))))).float()
        return Motion(
            motion.flow_t0 - 2.0 * t * shift + step[:, 0:2],
            motion.flow_t1 + 2.0 * (1.0 - t) * shift + step[:, 2:4],
            motion.occlusion + step[:, 4:5],
        )


class FlowEstimator(nn.Module):
    """A cascade: twice at s8, then twice at s4, each time with the same weights.

    A fresh estimator returns the motion it starts from: its matching has no say yet and its last convolutions are zero.
    """

    def __init__(self, config: LiftConfig) -> None:
        super().__init__()
        self.level8 = FlowLevel(config, 1)
        self.level4 = FlowLevel(config, 0)

    def forward(
        self,
        reference_0: FeaturePyramid,
        reference_1: FeaturePyramid,
        context: Tensor,
        t: Tensor,
        initial: Motion | None = None,
    ) -> Motion:
        """Estimate the motion at time ``t`` on the s4 grid.

        Args:
            reference_0: features of the reference before the new frame.
            reference_1: features of the reference after it.
            context: ``[B, C16, H/16, W/16]`` from stage 2.
            t: ``[B, 1, 1, 1]``, strictly between 0 and 1.
            initial: motion to start from, on any grid; zero by default.
        """
        batch, _, height, width = reference_0.s8.shape
        zero = torch.zeros(batch, 5, height, width, device=context.device)
        given = Motion(zero[:, 0:2], zero[:, 2:4], zero[:, 4:5]) if initial is None else initial
        start = given.resized((height, width))
        first = self.level8(reference_0.s8, reference_1.s8, context, start, t)
        second = self.level8(reference_0.s8, reference_1.s8, context, first, t)
        fine = (reference_0.s4.shape[-2], reference_0.s4.shape[-1])
        # Only the correction comes from the coarse grid, so that the detail of a given motion survives it.
        correction = Motion(*(after - before for after, before in zip(second, start, strict=True))).resized(fine)
        finer = Motion(*(old + new for old, new in zip(given.resized(fine), correction, strict=True)))
        third = self.level4(reference_0.s4, reference_1.s4, context, finer, t)
        return self.level4(reference_0.s4, reference_1.s4, context, third, t)
