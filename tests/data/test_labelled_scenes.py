"""The labelled scenes are what their configuration says, and their kinds differ in what they are named for."""

from __future__ import annotations

import pytest
import torch

from lift_core.data.labelled_scenes import KINDS, LabelledScenes, ScenesConfig
from lift_core.errors import ConfigError


def test_there_are_as_many_clips_of_each_kind_as_asked_for():
    data = LabelledScenes(ScenesConfig(scenes=(5, 0, 2), clips=3, side=9))
    assert torch.bincount(data.labels, minlength=3).tolist() == [15, 0, 6]
    assert data.pictures.shape == (21, 3, 9, 9)
    assert data.pictures.dtype == torch.float32
    assert len(data) == len(data.groups) == 21


def test_a_sample_is_a_picture_and_its_label():
    data = LabelledScenes(ScenesConfig(scenes=(1, 1, 1)))
    picture, label = data[2]
    assert torch.equal(picture, data.pictures[2])
    assert (label, KINDS[label]) == (2, "checks")


def test_groups_name_the_scene_that_neighbours_share():
    data = LabelledScenes(ScenesConfig(scenes=(2, 1, 0), clips=2))
    assert data.groups == ["rising/000", "rising/000", "rising/001", "rising/001", "falling/000", "falling/000"]


def test_equal_configurations_give_equal_numbers_and_another_seed_gives_others():
    config = ScenesConfig(scenes=(2, 2, 2), seed=5)
    assert torch.equal(LabelledScenes(config).pictures, LabelledScenes(config).pictures)
    other = LabelledScenes(ScenesConfig(scenes=(2, 2, 2), seed=6))
    assert not torch.equal(LabelledScenes(config).pictures, other.pictures)


def test_stripes_rise_or_fall_to_the_right():
    data = LabelledScenes(ScenesConfig(scenes=(20, 20, 20), noise=0))
    grey = data.pictures.mean(dim=1)
    to_the_right, downwards = grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2], grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1]
    # Along stripes that rise to the right, brightness changes by the same sign to the right as downwards.
    together = (to_the_right * downwards).mean(dim=(1, 2))
    assert bool((together[data.labels == 0] > 0).all())
    assert bool((together[data.labels == 1] < 0).all())


def test_neighbours_look_more_alike_than_scenes_do():
    data = LabelledScenes(ScenesConfig(scenes=(20, 0, 0), clips=2, noise=0.1))
    first, second = data.pictures[::2], data.pictures[1::2]
    neighbours = (first - second).abs().mean()
    strangers = (first - second.roll(1, 0)).abs().mean()
    assert neighbours < 0.7 * strangers


@pytest.mark.parametrize(
    "wrong",
    [
        {"scenes": (0, 0, 0)},
        {"scenes": (1, -1, 1)},
        {"scenes": (1, 1)},
        {"clips": 0},
        {"side": 7},
        {"seed": -1},
        {"noise": -0.1},
        {"jitter": -1},
    ],
)
def test_what_cannot_be_drawn_is_refused(wrong: dict):
    with pytest.raises(ConfigError):
        ScenesConfig(**wrong)
