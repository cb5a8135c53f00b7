"""MultiScaleDataset: right sizes and means, every sample once an epoch, and no batch above its budget."""

from __future__ import annotations

import math
from functools import partial

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import interpolate
from torch.utils.data import BatchSampler, DataLoader, TensorDataset

from lift_core.data.fixed_size import fixed_size
from lift_core.data.multi_scale_dataset import (
    MultiScaleDataset,
    ScaleBatches,
    ScaleGroupDataset,
    ScaleKey,
    group_scales,
)
from lift_core.data.scaled_pictures import scaled_size
from lift_core.errors import ConfigError, DatasetError, ShapeError


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
    for scales in IMPOSSIBLE:
        with pytest.raises(ConfigError):
            ScaleBatches(4, (3, 8, 8), scales, max_bytes=10**6)
    with pytest.raises(DatasetError, match="one sample at scale 1 takes 768 bytes"):
        ScaleBatches(4, (3, 8, 8), (0.5, 1.0), max_bytes=700)


IMPOSSIBLE = (
    (),
    (0.5, 0.0),
    (-0.5,),
    (2.0,),
    (math.inf,),
    (math.nan,),
    (0.5, math.nan),
    0.5,
    ("a", "b"),
    (math.nan, 0.5),
    (0.5, 1.0, 0.5),
    np.array([0.5, 0.5]),
)
SCALES = (1.0, 0.75, 0.5, 0.25)


def test_batches_laid_out_at_once_are_those_that_a_loader_stacks() -> None:
    dataset, batches = pictures(12, 3, 16, 24), ScaleBatches(12, (3, 16, 24), SCALES, max_bytes=3 * 3 * 16 * 24 * 4)
    stacked = list(DataLoader(dataset, batch_sampler=batches))
    laid_out = list(DataLoader(dataset, sampler=batches, batch_size=None))
    assert len(stacked) == len(laid_out) > 4
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(laid_out, stacked, strict=True))
    numbers = BatchSampler(range(12), 5, drop_last=False)
    groups = [
        list(DataLoader(ScaleGroupDataset(dataset, SCALES), **how))
        for how in ({"batch_size": 5}, {"sampler": numbers, "batch_size": None})
    ]
    assert [len(batch[0.5]) for batch in groups[1]] == [5, 5, 2]
    for theirs, ours in zip(*groups, strict=True):
        assert tuple(ours) == tuple(theirs) == SCALES
        assert all(torch.equal(ours[scale], theirs[scale]) for scale in SCALES)


def test_a_batch_of_different_shapes_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"different shapes .*\[3, 16, 24\] and \[3, 8, 12\]"):
        pictures(2, 3, 16, 24)[[ScaleKey(0, 1.0), ScaleKey(1, 0.5)]]


def test_all_scales_at_once_are_those_on_demand() -> None:
    dataset = pictures(5, 3, 16, 24)
    batch = next(iter(DataLoader(ScaleGroupDataset(dataset, SCALES), batch_size=5)))
    assert tuple(batch) == SCALES
    for scale in SCALES:
        assert torch.equal(batch[scale], torch.stack([dataset[ScaleKey(number, scale)] for number in range(5)]))


def test_a_sample_is_read_once_for_all_scales_of_a_group() -> None:
    reads: list[int] = []

    class Counting(Pictures):
        def __getitem__(self, index: int) -> torch.Tensor:
            reads.append(index)
            return super().__getitem__(index)

    ScaleGroupDataset(MultiScaleDataset(Counting(torch.rand(3, 2, 8, 8))), SCALES)[2]
    assert reads == [2]


@given(
    scales=st.lists(st.integers(1, 20).map(lambda n: n / 20), min_size=1, max_size=10, unique=True),
    spare=st.integers(0, 20_000),
)
def test_groups_hold_every_scale_once_and_their_budget(scales: list[float], spare: int) -> None:
    def size(scale: float) -> int:
        height, width = scaled_size(40, 60, scale)
        return 2 * 3 * height * width * 4

    budget = size(max(scales)) + spare
    groups = group_scales((2, 3, 40, 60), scales, max_bytes=budget)
    assert sorted(scale for group in groups for scale in group) == sorted(scales)
    assert all(sum(map(size, group)) <= budget for group in groups)
    # No two groups would have fitted one.
    totals = sorted(sum(map(size, group)) for group in groups)
    assert len(groups) == 1 or totals[0] + totals[1] > budget


def test_groups_are_filled_from_the_largest_scale_down() -> None:
    shape, whole = (3, 100, 100), 3 * 100 * 100 * 4
    assert group_scales(shape, (0.5, 1.0, 0.8, 0.6), max_bytes=whole) == [(1.0,), (0.8, 0.6), (0.5,)]
    assert group_scales(shape, (0.5, 1.0, 0.8, 0.6), max_bytes=3 * whole) == [(1.0, 0.8, 0.6, 0.5)]
    with pytest.raises(DatasetError, match="one sample at scale 1 takes 120000 bytes"):
        group_scales(shape, (0.5, 1.0), max_bytes=whole - 1)


@pytest.mark.parametrize("size", [(8, 12), (24, 40), (16, 8)])
def test_pictures_of_any_size_may_be_held_at_one(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = torch.rand(3, 16, 24)
    clips = [whole, torch.rand(3, 30, 20), torch.rand(4, 3, 5, 9)]
    monkeypatch.setenv("LIFT_FIXED_SIZE", f"{size[0]}x{size[1]}")
    by_variable = MultiScaleDataset(clips)  # type: ignore[arg-type]
    monkeypatch.setenv("LIFT_FIXED_SIZE", "3x3")
    by_argument = MultiScaleDataset(clips, fixed_size=size)  # type: ignore[arg-type]
    grows = size[0] > 16 or size[1] > 24
    expected = cv2.resize(
        whole.permute(1, 2, 0).numpy(), size[::-1], interpolation=cv2.INTER_LINEAR if grows else cv2.INTER_AREA
    )
    for dataset in (by_variable, by_argument):
        assert np.allclose(dataset[0].permute(1, 2, 0).numpy(), expected, atol=1e-5)
        assert [tuple(dataset[number].shape[-2:]) for number in range(3)] == [size] * 3
        assert tuple(dataset[ScaleKey(2, 0.5)].shape) == (4, 3, *scaled_size(*size, 0.5))


@pytest.mark.parametrize("size", [(8, 12), (7, 5), (24, 40), (16, 8)])
def test_uint8_pictures_are_scaled_as_floats_and_rounded(size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(4)
    whole = torch.randint(0, 256, (2, 3, 16, 24), dtype=torch.uint8, generator=generator)
    scaled = MultiScaleDataset([whole, whole[0]], fixed_size=size)  # type: ignore[arg-type]
    grows = size[0] > 16 or size[1] > 24
    how = {"mode": "bilinear", "align_corners": False} if grows else {"mode": "area"}
    expected = interpolate(whole.double(), size=size, **how)
    for ours, theirs in ((scaled[0], expected), (scaled[1], expected[0])):
        assert ours.dtype == torch.uint8
        # The nearest whole number; float32 may tell on which side of a half a mean lies only so far.
        assert (ours.double() - theirs).abs().max() <= 0.5 + 1e-4
    assert scaled[ScaleKey(0, 1.0)].unique().numel() > 20


def test_a_batch_of_uint8_pictures_stays_uint8() -> None:
    whole = torch.full((2, 3, 8, 8), 255, dtype=torch.uint8)
    batch = MultiScaleDataset(Pictures(whole))[[ScaleKey(0, 0.5), ScaleKey(1, 0.5)]]
    assert torch.equal(batch, torch.full((2, 3, 4, 4), 255, dtype=torch.uint8))


@pytest.mark.parametrize(
    ("sample", "told"),
    [
        (torch.zeros(3, 8, 8, dtype=torch.int64), "torch.int64"),
        (torch.zeros(8, 8), r"of shape \[8, 8\]"),
        ({"frames": torch.zeros(3, 8, 8)}, "is dict"),
    ],
)
def test_what_is_no_picture_is_refused(sample: object, told: str) -> None:
    with pytest.raises(ShapeError, match=told):
        MultiScaleDataset([sample])[ScaleKey(0, 0.5)]  # type: ignore[arg-type]


def test_without_a_fixed_size_pictures_keep_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFT_FIXED_SIZE", " ")
    assert fixed_size() is None
    monkeypatch.delenv("LIFT_FIXED_SIZE")
    assert fixed_size() is None
    assert tuple(pictures(1, 3, 16, 24)[0].shape) == (3, 16, 24)


@pytest.mark.parametrize("text", ["256", "256x", "x448", "256*448", "-256x448", "0x448", "2.5x3", "256x448x3", "٢x٣"])
def test_a_variable_that_is_no_size_is_named(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFT_FIXED_SIZE", text)
    with pytest.raises(ConfigError, match="LIFT_FIXED_SIZE"):
        pictures(1, 3, 16, 24)


def test_a_fixed_size_without_area_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="fixed_size"):
        fixed_size((0, 5))
    for size in (5, ("a", "b"), (1.5, 2), (3,), (3, 4, 5), "ab", (True, None), (10**9, 3)):
        with pytest.raises(ConfigError, match=r"fixed_size.*\((height, width)|fixed_size.*Choose 1 to 99999"):
            MultiScaleDataset([], fixed_size=size)  # type: ignore[arg-type]
    monkeypatch.setenv("LIFT_FIXED_SIZE", "256X448")
    assert fixed_size([np.int64(3), 4]) == (3, 4)  # type: ignore[arg-type, list-item]
    assert fixed_size() == (256, 448)
    assert fixed_size((3, 4)) == (3, 4)


@pytest.mark.parametrize("shape", [(), (40,), (40, 60), 40, (3, 0, 8), (3, 8.0, 8), (3, "8", 8), (3, -8, -8)])
def test_shapes_that_no_sample_has_are_refused(shape: object) -> None:
    for make in (group_scales, partial(ScaleBatches, 4)):
        with pytest.raises(ConfigError, match="samples of the shape"):
            make(shape, (0.5, 1.0), max_bytes=10**6)  # type: ignore[operator]
    with pytest.raises(ConfigError, match="0 bytes a value"):
        group_scales((3, 8, 8), (0.5, 1.0), max_bytes=10**6, itemsize=0)


def test_groups_and_batches_refuse_the_same_scales() -> None:
    for scales in IMPOSSIBLE:
        with pytest.raises(ConfigError, match="cannot be"):
            group_scales((3, 8, 8), scales, max_bytes=10**6)
        with pytest.raises(ConfigError, match="cannot be"):
            ScaleGroupDataset(pictures(1, 3, 8, 8), scales)
        with pytest.raises(ConfigError, match="cannot be"):
            pictures(1, 3, 8, 8).at_scales(0, scales)
    for scale in (0.0, -1.0, 1.5, math.nan, math.inf):
        with pytest.raises(ConfigError, match="cannot be"):
            pictures(1, 3, 8, 8)[ScaleKey(0, scale)]
