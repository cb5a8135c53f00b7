"""Stage 1: scales, and independence of how frames are cut into chunks."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lift_core.model.config import LiftConfig
from lift_core.model.encoder import FrameEncoder
from lift_core.model.lift import LIFT


def test_the_three_scales_have_the_widths_of_the_config(small_config: LiftConfig) -> None:
    pyramid = FrameEncoder(small_config)(torch.rand(2, 3, 64, 96))
    assert [tuple(scale.shape) for scale in pyramid] == [(2, 8, 16, 24), (2, 12, 8, 12), (2, 16, 4, 6)]


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 64])
def test_chunked_encoding_equals_encoding_at_once(small_config: LiftConfig, chunk: int) -> None:
    torch.manual_seed(0)
    encoder = FrameEncoder(replace(small_config, encode_chunk=chunk))
    frames = torch.rand(7, 3, 32, 64)
    sizes = []
    encoder.stem.register_forward_hook(lambda module, given, made: sizes.append(len(made)))
    deepest = encoder.deepest(frames)
    assert sum(sizes) == 7
    assert max(sizes) == min(chunk, 7)
    torch.testing.assert_close(deepest, encoder(frames).s16, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("chunk", [1, 5, 64])
def test_the_model_gives_the_same_frame_however_its_encoder_is_chunked(stirred_model: LIFT, chunk: int) -> None:
    frames, times = torch.rand(2, 8, 3, 40, 33), (torch.arange(8) - 3.5).expand(2, 8)
    valid = torch.ones(2, 8, dtype=torch.bool)
    expected = stirred_model(frames, times, valid, 0.4).frame
    stirred_model.encoder.chunk = chunk
    torch.testing.assert_close(stirred_model(frames, times, valid, 0.4).frame, expected, atol=1e-5, rtol=1e-5)


def test_frames_do_not_see_each_other(small_config: LiftConfig) -> None:
    encoder = FrameEncoder(small_config)
    frames = torch.rand(3, 3, 32, 32, requires_grad=True)
    encoder(frames).s16[1].sum().backward()
    assert frames.grad is not None
    assert [bool(grad.any()) for grad in frames.grad] == [False, True, False]
