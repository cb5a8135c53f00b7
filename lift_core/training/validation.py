"""Validation while training: figures of the model and of the blend on held-out windows, and what to look at."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.utils import flow_to_image

from lift_core.data.sample import Batch, to_device
from lift_core.metrics import SSIM_WINDOW, psnr, ssim
from lift_core.model.lift import LIFT, LiftOutput


@dataclass(frozen=True)
class Validation:
    """Mean over the validation frames.

    Attributes:
        frames: how many.
        psnr: of the model, dB, on 8-bit-rounded frames.
        ssim: of the model; not a number where frames are smaller than its window.
        psnr_blend: of the blend of the references by time, dB.
        frame_weights: ``[T]``, how much each frame of the window counted; they sum to 1.
        sheet: ``[3, H, W]``: truth, prediction and blend of the first window, side by side.
        flows: ``[3, h, w]``: its flows to reference 0 and 1, side by side, as torchvision colours them (Baker et al.
            2007: hue is direction, saturation length), and how much reference 0 counts in the blend, in grey.
    """

    frames: int
    psnr: float
    ssim: float
    psnr_blend: float
    frame_weights: Tensor
    sheet: Tensor
    flows: Tensor


@torch.no_grad()
def validate(model: LIFT, batches: Iterable[Batch], device: torch.device) -> Validation | None:
    """Run ``model`` in eval over ``batches``; the caller's train or eval mode of it is restored. None without any."""
    was_training = model.training
    model.eval()
    scores: list[float] = []
    similarities: list[float] = []
    blends: list[float] = []
    weights: list[Tensor] = []
    pictures: tuple[Tensor, Tensor] | None = None
    for batch in batches:
        moved = to_device(batch, device)
        output = model(moved["frames"], moved["times"], moved["valid"], moved["timestep"])
        t = moved["timestep"].view(-1, 1, 1, 1)
        blend = (1.0 - t) * moved["ref_frames"][:, 0] + t * moved["ref_frames"][:, 1]
        for prediction, faded, truth in zip(output.frame, blend, moved["gt"], strict=True):
            scores.append(psnr(prediction, truth))
            blends.append(psnr(faded, truth))
            similarities.append(ssim(prediction, truth) if min(truth.shape[-2:]) >= SSIM_WINDOW else math.nan)
        weights.append(output.frame_weights)
        if pictures is None:
            pictures = torch.cat((moved["gt"][0], output.frame[0], blend[0]), dim=-1).cpu(), flow_sheet(output)
    model.train(was_training)
    if pictures is None:
        return None
    return Validation(
        len(scores), fmean(scores), fmean(similarities), fmean(blends), torch.cat(weights).mean(dim=0).cpu(), *pictures
    )


def flow_sheet(output: LiftOutput) -> Tensor:
    """The flows of a batch's first window and its visibility, see `Validation.flows`; in [0, 1]."""
    coloured = flow_to_image(torch.stack((output.flow_t0[0], output.flow_t1[0])).float()) / 255.0
    shares = F.interpolate(output.visibility[:1], size=coloured.shape[-2:], mode="area")[0].expand(3, -1, -1)
    return torch.cat((*coloured, shares), dim=-1).cpu()
