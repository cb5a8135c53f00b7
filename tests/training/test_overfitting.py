"""One fixed batch of moving textures, learnt by heart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from lift_core.data.moving_textures import moving_texture
from lift_core.data.sample import Batch, references
from lift_core.data.window import FrameWindow
from lift_core.metrics import psnr
from lift_core.training.config import LossConfig, TrainConfig
from lift_core.training.trainer import TrainingRun

STEPS = 100
SIDE = 48


def moving_batch(size: int) -> Batch:
    """Textures that move by 4 to 7 pixels between the references, by fractions of a pixel."""
    window = FrameWindow.uniform(6, 2).at(0, 11)
    assert window.target is not None
    clips = [moving_texture(np.random.default_rng([9, i]), 11, SIDE, SIDE, speeds=(2.0, 3.5)) for i in range(size)]
    pictures = torch.from_numpy(np.stack([clip.frames for clip in clips])).permute(0, 1, 4, 2, 3).float() / 255
    frames = pictures[:, list(window.indices)].contiguous()
    return Batch(
        frames=frames,
        ref_frames=references(frames),
        gt=pictures[:, window.target],
        timestep=torch.full((size,), 0.5),
        times=torch.tensor([window.times] * size),
        valid=torch.ones(size, 6, dtype=torch.bool),
        key=[str(number) for number in range(size)],
    )


def test_a_fixed_batch_reaches_38_db_in_a_hundred_steps(tmp_path: Path) -> None:
    batch = moving_batch(2)
    config = TrainConfig(
        data=("unread",),
        out=str(tmp_path / "run"),
        steps=STEPS,
        batch=2,
        learning_rate=2e-3,
        ema_decay=0.9,
        loss=LossConfig(distillation=0.2),
        accelerator="cpu",
    )
    run = TrainingRun(Fabric(accelerator="cpu", devices=1), config, resume=False)
    run.model.train()
    for step in range(STEPS):
        run.step = step
        run.optimize([batch])
    with torch.no_grad():
        made = run.averaged.eval()(batch["frames"], batch["times"], batch["valid"], batch["timestep"]).frame
    blend = batch["ref_frames"].mean(dim=1)
    for frame, faded, truth in zip(made, blend, batch["gt"], strict=True):
        assert psnr(faded, truth) < 30
        assert psnr(frame, truth) > 38
