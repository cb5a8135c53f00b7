"""Stage 1: scales, and independence of how frames are cut into chunks."""

from __future__ import annotations

from dataclasses import replace

import torch

from lift_core.model.config import LiftConfig
from lift_core.model.encoder import FrameEncoder


def test_the_three_scales_have_the_widths_of_the_config(small_config: LiftConfig) -> None:
    pyramid = FrameEncoder(small_config)(torch.rand(2, 3, 64, 96))
    assert [tuple(scale.shape) for scale in pyramid] == [(2, 8, 16, 24), (2, 12, 8, 12), (2, 16, 4, 6)]


def test_chunked_encoding_equals_encoding_at_once(small_config: LiftConfig) -> None:
    encoder = FrameEncoder(replace(small_config, encode_chunk=3))
    frames = torch.rand(7, 3, 32, 32)
    torch.testing.assert_close(encoder.deepest(frames), encoder(frames).s16, atol=1e-6, rtol=1e-5)
    encoder.chunk = 1
    torch.testing.assert_close(encoder.deepest(frames), encoder(frames).s16, atol=1e-6, rtol=1e-5)
