"""Batches cut into parts and made smaller: every sample once, and the pictures that area scaling gives."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lift_core.data.batches import scale_batch, split_batch
from lift_core.data.sample import Batch, references
from lift_core.errors import ConfigError


def a_batch(size: int, side: int = 8) -> Batch:
    frames = torch.rand(size, 4, 3, side, side + 4)
    return Batch(
        frames=frames,
        ref_frames=references(frames),
        gt=torch.rand(size, 3, side, side + 4),
        timestep=torch.rand(size),
        times=torch.rand(size, 4),
        valid=torch.ones(size, 4, dtype=torch.bool),
        key=[f"sample {number}" for number in range(size)],
    )


@settings(deadline=None)
@given(size=st.integers(1, 9), parts=st.integers(1, 12))
def test_parts_hold_every_sample_once_in_order_and_differ_by_one_at_most(size: int, parts: int) -> None:
    batch = a_batch(size)
    cut = split_batch(batch, parts)
    assert len(cut) == min(size, parts)
    sizes = [len(part["key"]) for part in cut]
    assert max(sizes) - min(sizes) <= 1
    assert [key for part in cut for key in part["key"]] == batch["key"]
    for name in ("frames", "ref_frames", "gt", "timestep", "times", "valid"):
        assert torch.equal(torch.cat([part[name] for part in cut]), batch[name])  # type: ignore[literal-required]


def test_parts_are_views_of_the_batch() -> None:
    batch = a_batch(4)
    second = split_batch(batch, 2)[1]
    assert second["frames"].data_ptr() == batch["frames"][2].data_ptr()


def test_no_parts_are_refused() -> None:
    with pytest.raises(ConfigError):
        split_batch(a_batch(2), 0)


def test_scaled_pictures_equal_opencvs_area_scaling() -> None:
    batch = a_batch(2, side=16)
    small = scale_batch(batch, 0.5)
    assert small["frames"].shape == (2, 4, 3, 8, 10)
    assert torch.equal(small["ref_frames"], small["frames"][:, 1:3])
    expected = cv2.resize(batch["gt"][1].permute(1, 2, 0).numpy(), (10, 8), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(small["gt"][1].permute(1, 2, 0).numpy(), expected, atol=1e-6)
    assert small["key"] == batch["key"]
    assert scale_batch(batch, 1.0) is batch
