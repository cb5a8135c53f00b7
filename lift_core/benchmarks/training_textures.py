"""How much of what motion can explain a fresh model learns in a few hundred steps, on textures that move."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor

from lift_core.benchmarks.table import BenchOptions, Row, Table
from lift_core.data.moving_textures import MovingTexture, moving_texture
from lift_core.data.raw_clip import write_raw_clip
from lift_core.data.window import FrameWindow
from lift_core.metrics import psnr
from lift_core.model.config import preset
from lift_core.model.lift import LIFT
from lift_core.model.warp import backward_warp
from lift_core.model.weights import load_lift
from lift_core.training.config import LossConfig, TrainConfig
from lift_core.training.trainer import train

_SIDE = 96
_TRAIN, _HELD_OUT = 0, 1
_WANTED = 0.6


def learnt(options: BenchOptions) -> Table:
    """PSNR of a fresh lift_tiny after a short training, between the blend and warping by the true flow."""
    steps, clips, held_out = (2, 4, 2) if options.quick else (800, 300, 24)
    frames = 2 * preset("lift_tiny").context - 1
    with TemporaryDirectory() as folder:
        for number in range(clips):
            clip = _clip(options.seed, _TRAIN, number, frames)
            write_raw_clip(Path(folder) / "clips" / f"{number:04d}.npy", iter(clip.frames), frames)
        train(
            TrainConfig(
                data=(f"{folder}/clips",),
                out=f"{folder}/run",
                steps=steps,
                batch=min(8, clips),
                phase2_crop=64,
                learning_rate=2e-3,
                ema_decay=0.99,
                colour_probability=0.0,
                loss=LossConfig(distillation=0.2),
                val_fraction=0.0,
                val_every=10 * steps,
                workers=0,
                seed=options.seed,
                accelerator="cpu",
            )
        )
        model = load_lift(f"{folder}/run").eval()
    unseen = [_clip(options.seed, _HELD_OUT, number, frames) for number in range(held_out)]
    return Table(f"A fresh lift_tiny after {steps} steps, on textures it never saw", _rows(model, unseen), _NOTE)


_NOTE = (
    f"Textures of {_SIDE}x{_SIDE} that move by 4 to 12 pixels between the references, in every direction and by "
    "fractions of a pixel; batches of 8 crops of 64x64, stage 3 starting from zero motion. True flow: both references "
    "warped by the known motion, averaged where both show a place. The share counts decibels: 0 is the blend, 1 the "
    "true flow."
)


def _clip(seed: int, part: int, number: int, frames: int) -> MovingTexture:
    return moving_texture(np.random.default_rng([seed, part, number]), frames, _SIDE, _SIDE)


def _rows(model: LIFT, clips: Sequence[MovingTexture]) -> tuple[Row, ...]:
    scores = [_scores(model, clip) for clip in clips]
    blend, oracle, ours = (fmean(column) for column in zip(*scores, strict=True))
    share = (ours - blend) / (oracle - blend)
    return (
        Row("blend", blend, "dB"),
        Row("true flow", oracle, "dB"),
        Row("lift_tiny", ours, "dB"),
        Row("share of the gap that is closed", share, "", condition=f"≥ {_WANTED}", holds=share >= _WANTED),
    )


def _scores(model: LIFT, clip: MovingTexture) -> tuple[float, float, float]:
    """PSNR of the blend, of warping by the true flow, and of the model on a clip's middle frame."""
    pictures = torch.from_numpy(clip.frames).permute(0, 3, 1, 2).float() / 255
    window = FrameWindow.uniform(preset(model.config.name).context, 2).at(0, len(pictures))
    before, after = (pictures[index] for index in window.references)
    assert window.target is not None
    truth = pictures[window.target]
    with torch.no_grad():
        output = model(
            pictures[list(window.indices)][None],
            torch.tensor([window.times], dtype=torch.float32),
            torch.tensor([window.valid]),
            0.5,
        )
    made = ((before + after) / 2, by_true_flow(before, after, clip.velocity), output.frame[0])
    first, second, third = (min(psnr(frame, truth), 99.0) for frame in made)
    return first, second, third


def by_true_flow(before: Tensor, after: Tensor, velocity: tuple[float, float]) -> Tensor:
    """The frame half-way between two, warped by the known motion; where one does not show a place, the other alone.

    Args:
        before, after: ``[3, H, W]``, one frame before and after the new one.
        velocity: pixels per frame, (x, y).
    """
    height, width = before.shape[-2:]
    flow = torch.tensor(velocity).view(1, 2, 1, 1).expand(1, 2, height, width)
    warped = torch.cat((backward_warp(before[None], -flow), backward_warp(after[None], flow)))
    shown = torch.stack([_inside(height, width, sign * velocity[0], sign * velocity[1]) for sign in (-1, 1)])[:, None]
    # Where neither shows the place, both guess.
    shown = torch.where(shown.any(dim=0), shown, torch.ones_like(shown)).float()
    return (warped * shown).sum(dim=0) / shown.sum(dim=0)


def _inside(height: int, width: int, x: float, y: float) -> Tensor:
    rows = torch.arange(height)[:, None] + y
    columns = torch.arange(width)[None, :] + x
    return (rows >= 0) & (rows <= height - 1) & (columns >= 0) & (columns <= width - 1)
