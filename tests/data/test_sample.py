"""Tests of samples: their shapes and values, how they are stacked, and how they reach the device."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lift_core.data.augmentation import ClipParameters, whole_frames
from lift_core.data.sample import build_sample, collate, to_device
from lift_core.data.source import Crop
from lift_core.data.window import FrameWindow
from lift_core.errors import ConfigError, WindowError
from tests.data.clip_trees import ArraySource, coordinate_clip

CLIP = coordinate_clip(13, 24, 32)
WINDOW = FrameWindow.uniform(6, 2)


def sample(dtype: torch.dtype = torch.uint8, anchor: int = 4, parameters: ClipParameters | None = None):  # type: ignore[no-untyped-def]
    window = WINDOW.at(anchor, 13)
    return build_sample(ArraySource(CLIP), window, parameters or whole_frames((24, 32)), key=f"c@{anchor}", dtype=dtype)


def test_a_sample_holds_the_windows_frames_in_planes() -> None:
    s = sample()
    assert s["frames"].shape == (6, 3, 24, 32)
    assert s["frames"].dtype == torch.uint8
    assert s["frames"][:, 2, 0, 0].tolist() == [0, 2, 4, 6, 8, 10]
    assert s["ref_frames"][:, 2, 0, 0].tolist() == [4, 6]
    assert s["gt"][2, 0, 0] == 5
    assert s["timestep"] == 0.5
    assert s["times"].tolist() == [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]
    assert s["times"].dtype == torch.float32
    assert s["valid"].dtype == torch.bool
    assert s["key"] == "c@4"


def test_float_samples_are_the_bytes_divided_by_255() -> None:
    exact = sample()["frames"].double() / 255
    assert (sample(torch.float32)["frames"].double() - exact).abs().max() < 1e-7


def test_reversed_samples_have_reversed_frames_times_and_validity() -> None:
    forward = sample(anchor=0)
    back = sample(anchor=0, parameters=ClipParameters(Crop(0, 0, 24, 32), reversal=True))
    assert torch.equal(back["frames"], forward["frames"].flip(0))
    assert torch.equal(back["gt"], forward["gt"])
    assert torch.equal(back["valid"], forward["valid"].flip(0))
    assert torch.equal(back["times"], -forward["times"].flip(0))


def test_a_batch_stacks_samples_and_shares_its_references() -> None:
    batch = collate([sample(anchor=4), sample(anchor=5)])
    assert batch["frames"].shape == (2, 6, 3, 24, 32)
    assert batch["gt"].shape == (2, 3, 24, 32)
    assert batch["timestep"].dtype == torch.float32
    assert batch["key"] == ["c@4", "c@5"]
    assert batch["ref_frames"].data_ptr() == batch["frames"][:, 2:4].data_ptr()
    assert torch.equal(batch["ref_frames"], batch["frames"][:, 2:4])


def test_to_device_converts_bytes_and_leaves_floats_alone() -> None:
    from_bytes = to_device(collate([sample(), sample(anchor=6)]), "cpu")
    from_floats = to_device(collate([sample(torch.float32), sample(torch.float32, 6)]), "cpu")
    assert from_bytes["frames"].dtype == torch.float32
    for name in ("frames", "ref_frames", "gt"):
        torch.testing.assert_close(from_bytes[name], from_floats[name], atol=1e-7, rtol=0)  # type: ignore[literal-required]
    assert from_bytes["key"] == ["c@4", "c@6"]


def test_to_device_writes_into_its_buffers_again() -> None:
    buffers: dict[str, torch.Tensor] = {}
    first = to_device(collate([sample()]), "cpu", buffers=buffers)
    place = first["frames"].data_ptr()
    second = to_device(collate([sample(anchor=6)]), "cpu", buffers=buffers)
    assert second["frames"].data_ptr() == place
    torch.testing.assert_close(second["frames"], to_device(collate([sample(anchor=6)]), "cpu")["frames"])
    larger = to_device(collate([sample(), sample()]), "cpu", buffers=buffers)
    assert larger["frames"].shape[0] == 2


def test_to_device_does_not_change_the_batch_it_was_given() -> None:
    batch = collate([sample()])
    to_device(batch, "cpu")
    assert batch["frames"].dtype == torch.uint8
    np.testing.assert_array_equal(batch["gt"][0].numpy(), CLIP[5].transpose(2, 0, 1))


def test_samples_of_different_sizes_are_not_stacked() -> None:
    small = sample(parameters=ClipParameters(Crop(0, 0, 8, 8)))
    with pytest.raises(ConfigError, match="different shapes"):
        collate([sample(), small])


def test_a_window_without_a_target_makes_no_sample() -> None:
    window = FrameWindow.uniform(6, 1).at(4, 13)
    with pytest.raises(WindowError, match="hidden frame"):
        build_sample(ArraySource(CLIP), window, whole_frames((24, 32)), key="k")


def test_other_dtypes_are_refused() -> None:
    with pytest.raises(ConfigError, match="dtype"):
        sample(torch.float16)
