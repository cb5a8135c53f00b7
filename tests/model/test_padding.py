"""Padding and its undoing."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lift_core.model.padding import crop_to, pad_to_multiple


@settings(max_examples=30, deadline=None)
@given(height=st.integers(1, 70), width=st.integers(1, 70))
def test_cropping_undoes_padding(height: int, width: int) -> None:
    image = torch.rand(1, 2, height, width)
    padded = pad_to_multiple(image)
    assert padded.shape[-2] % 32 == 0
    assert padded.shape[-1] % 32 == 0
    assert padded.shape[-2] - height < 32
    assert torch.equal(crop_to(padded, (height, width)), image)
    assert torch.equal(padded[..., -1, -1], image[..., -1, -1])
