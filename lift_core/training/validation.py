"""Validation while training: PSNR of the model and of the blend on held-out windows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from lift_core.data.sample import Batch, to_device
from lift_core.metrics import psnr
from lift_core.model.lift import LIFT


@dataclass(frozen=True)
class Validation:
    """Mean over the validation frames.

    Attributes:
        psnr: of the model, dB, on 8-bit-rounded frames.
        psnr_blend: of the blend of the references by time, dB.
        sheet: ``[3, H, W]``: truth, prediction and blend of the first window, side by side.
    """

    psnr: float
    psnr_blend: float
    sheet: Tensor


@torch.no_grad()
def validate(model: LIFT, batches: Iterable[Batch], device: torch.device) -> Validation:
    """Run ``model`` in eval over ``batches``; the caller's train or eval mode of it is restored.

    Raises:
        ValueError: there is no batch.
    """
    was_training = model.training
    model.eval()
    scores: list[float] = []
    blends: list[float] = []
    sheet: Tensor | None = None
    for batch in batches:
        moved = to_device(batch, device)
        output = model(moved["frames"], moved["times"], moved["valid"], moved["timestep"])
        t = moved["timestep"].view(-1, 1, 1, 1)
        blend = (1.0 - t) * moved["ref_frames"][:, 0] + t * moved["ref_frames"][:, 1]
        for prediction, faded, truth in zip(output.frame, blend, moved["gt"], strict=True):
            scores.append(psnr(prediction, truth))
            blends.append(psnr(faded, truth))
        if sheet is None:
            sheet = torch.cat((moved["gt"][0], output.frame[0], blend[0]), dim=-1).cpu()
    model.train(was_training)
    if sheet is None:
        raise ValueError("validation needs at least one batch")
    return Validation(sum(scores) / len(scores), sum(blends) / len(blends), sheet)
