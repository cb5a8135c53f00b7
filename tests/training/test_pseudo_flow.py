"""Pseudo-labels on a moved texture, where the true flow is known."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import torch

from lift_core.training.pseudo_flow import pseudo_flow


def moved_texture(shift: float) -> torch.Tensor:
    texture = cv2.GaussianBlur(np.random.default_rng(1).random((96, 160, 3)).astype(np.float32), (0, 0), 2.5)
    texture = (texture - texture.min()) / (texture.max() - texture.min())
    matrix = np.array([[1, 0, shift], [0, 1, 0]], np.float32)
    moved = cv2.warpAffine(texture, matrix, (160, 96), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return torch.from_numpy(moved[16:80, 16:144]).permute(2, 0, 1).clamp(0, 1)


def test_labels_point_from_the_true_frame_to_each_reference() -> None:
    references = torch.stack((moved_texture(-3.0), moved_texture(3.0)))[None]
    labels = pseudo_flow(moved_texture(0.0)[None], references)
    assert labels.flow.shape == (1, 2, 2, 16, 32)
    inner = labels.flow[0, :, :, 4:-4, 4:-4]
    assert abs(inner[0, 0].median().item() + 3.0) < 0.2
    assert abs(inner[1, 0].median().item() - 3.0) < 0.2
    assert inner[:, 1].abs().median().item() < 0.2
    assert labels.confidence[0, :, :, 4:-4, 4:-4].mean() > 0.6


def test_labels_that_warp_badly_are_not_trusted() -> None:
    frame = moved_texture(0.0)[None]
    unrelated = torch.rand(1, 2, 3, 64, 128, generator=torch.Generator().manual_seed(0))
    good = pseudo_flow(frame, torch.stack((frame, frame), dim=1)).confidence.mean()
    bad = pseudo_flow(frame, unrelated).confidence.mean()
    assert good > 0.95
    assert bad < 0.2


def test_threads_change_nothing() -> None:
    frames = torch.stack([moved_texture(s) for s in (0.0, 1.0)])
    references = torch.stack([torch.stack((moved_texture(s - 2), moved_texture(s + 2))) for s in (0.0, 1.0)])
    alone = pseudo_flow(frames, references)
    with ThreadPoolExecutor(2) as executor:
        together = pseudo_flow(frames, references, executor)
    assert torch.equal(alone.flow, together.flow)
    assert torch.equal(alone.confidence, together.confidence)
