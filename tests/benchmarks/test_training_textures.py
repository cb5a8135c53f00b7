"""The table of moving textures: its rows, and the true flow that it measures against."""

from __future__ import annotations

import numpy as np
import torch

from lift_core.benchmarks import training_textures
from lift_core.benchmarks.table import BenchOptions
from lift_core.data.moving_textures import moving_texture
from lift_core.metrics import psnr


def test_the_model_stands_between_the_blend_and_the_true_flow() -> None:
    blend, oracle, ours, share = training_textures.learnt(BenchOptions(quick=True)).rows
    assert oracle.value > blend.value + 10
    assert abs(share.value - (ours.value - blend.value) / (oracle.value - blend.value)) < 1e-9
    assert share.holds == (share.value >= 0.6)


def test_warping_by_the_true_flow_gives_the_frame_between() -> None:
    for seed in range(4):
        clip = moving_texture(np.random.default_rng(seed), 3, 64, 80)
        before, truth, after = torch.from_numpy(clip.frames).permute(0, 3, 1, 2).float() / 255
        made = training_textures.by_true_flow(before, after, clip.velocity)
        assert psnr(made, truth) > 38
        x, y = clip.velocity
        assert psnr(training_textures.by_true_flow(before, after, (y, -x)), truth) < 30
