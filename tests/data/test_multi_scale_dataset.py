"""MultiScaleDataset: right sizes and means, every sample once an epoch, and no batch above its budget."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader, TensorDataset

from lift_core.data.multi_scale_dataset import MultiScaleDataset, ScaleBatches, ScaleKey, scaled_size
from lift_core.errors import ConfigError, DatasetError


class Pictures(TensorDataset):
    def __getitem__(self, index: int) -> torch.Tensor:
        return self.tensors[0][index]


def pictures(*shape: int) -> MultiScaleDataset:
    return MultiScaleDataset(Pictures(torch.rand(*shape, generator=torch.Generator().manual_seed(0))))


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.25])
def test_a_smaller_picture_holds_the_means_of_its_areas(scale: float) -> None:
    dataset = pictures(3, 3, 16, 24)
    scaled = dataset[ScaleKey(2, scale)].permute(1, 2, 0).numpy()
    whole = dataset[2].permute(1, 2, 0).numpy()
    size = (round(24 * scale), round(16 * scale))
    assert np.allclose(scaled, cv2.resize(whole, size, interpolation=cv2.INTER_AREA), atol=1e-6)


def test_halves_are_rounded_up() -> None:
    assert scaled_size(5, 7, 0.5) == (3, 4)
    assert scaled_size(6, 10, 0.25) == (2, 3)
    assert scaled_size(1, 3, 0.1) == (1, 1)


def test_clips_are_scaled_frame_by_frame() -> None:
    dataset = pictures(2, 5, 3, 16, 24)
    clip = dataset[ScaleKey(1, 0.5)]
    assert clip.shape == (5, 3, 8, 12)
    assert torch.allclose(clip[3], MultiScaleDataset([dataset[1][3]])[ScaleKey(0, 0.5)])  # type: ignore[arg-type]


@given(
    length=st.integers(0, 40),
    scales=st.lists(st.sampled_from([1.0, 0.75, 0.5, 0.3]), min_size=1, unique=True),
    budget=st.integers(3 * 8 * 10 * 4, 20_000),
    epoch=st.integers(0, 3),
)
def test_every_sample_comes_once_in_batches_of_one_scale_within_the_budget(
    length: int, scales: list[float], budget: int, epoch: int
) -> None:
    batches = ScaleBatches(length, (3, 8, 10), scales, max_bytes=budget, seed=5)
    batches.epoch = epoch
    drawn = list(batches)
    assert len(drawn) == len(batches)
    assert drawn == list(batches)
    assert sorted(key.number for batch in drawn for key in batch) == list(range(length))
    for batch in drawn:
        assert len({key.scale for key in batch}) == 1
        height, width = scaled_size(8, 10, batch[0].scale)
        assert len(batch) * 3 * height * width * 4 <= budget


def test_a_loader_serves_batches_of_several_sizes_and_each_epoch_draws_anew() -> None:
    batches = ScaleBatches(40, (3, 16, 24), (1.0, 0.5), max_bytes=4 * 3 * 16 * 24 * 4)
    assert batches.batch_sizes == {1.0: 4, 0.5: 16}
    shapes = {tuple(batch.shape[1:]) for batch in DataLoader(pictures(40, 3, 16, 24), batch_sampler=batches)}
    assert shapes == {(3, 16, 24), (3, 8, 12)}
    first = list(batches)
    batches.epoch = 1
    assert list(batches) != first


def test_what_cannot_be_is_refused() -> None:
    for scales in ((), (0.5, 0.0), (2.0,)):
        with pytest.raises(ConfigError):
            ScaleBatches(4, (3, 8, 8), scales, max_bytes=10**6)
    with pytest.raises(DatasetError, match="one sample at scale 1 takes 768 bytes"):
        ScaleBatches(4, (3, 8, 8), (0.5, 1.0), max_bytes=700)
