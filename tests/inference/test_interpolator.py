"""Tests of Interpolator on frames: any method, any size, any kind of frame, and clear refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lift_core import classical
from lift_core.classical import PairPath
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.errors import ConfigError, ShapeError, WeightsError
from lift_core.inference.interpolator import Interpolator
from lift_core.inference.lift_method import LiftMethod


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (37, 45, 3), dtype=np.uint8) for _ in range(4)]


@pytest.fixture
def with_lift(lift):
    interpolator = Interpolator("blend")
    interpolator.method = LiftMethod(lift)
    return interpolator


def as_tensor(image):
    return torch.from_numpy(image).permute(2, 0, 1).float() / 255


@pytest.mark.parametrize(("name", "reference"), [("blend", classical.blend), ("dis", classical.interpolate_dis)])
def test_baselines_are_the_classical_methods(images, name, reference):
    a, b = images[:2]
    assert np.array_equal(Interpolator(name)(a, b, 0.3), reference(a, b, 0.3))
    as_tensors = Interpolator(name)(as_tensor(a), as_tensor(b), 0.3)
    assert torch.allclose(as_tensors, as_tensor(reference(a, b, 0.3)))


def test_quadratic_uses_the_frames_around_a_pair_and_is_straight_at_the_ends_of_a_clip():
    speeding = ProceduralClip(ClipConfig(frames=9, height=96, width=128, seed=4, max_speed=10.0))
    known = list(speeding.frames([0, 2, 4, 6]))
    made = list(Interpolator("quadratic").frames(known, detect_cuts=False))
    first, second = known[1:3]
    path = PairPath.find(classical.PairFlow.find(first, second), (known[0], 1.0), (known[3], 1.0))
    assert np.array_equal(made[3], path.frame(0.5))
    straight = PairPath(classical.PairFlow.find(first, second))
    assert np.array_equal(Interpolator("quadratic")(first, second), straight.frame(0.5))
    assert not np.array_equal(made[3], straight.frame(0.5))


@pytest.mark.parametrize("shape", [(37, 45, 3), (1, 1, 3), (64, 32, 3)])
def test_lift_serves_any_size_and_returns_the_kind_it_got(with_lift, shape):
    rng = np.random.default_rng(1)
    a, b = (rng.integers(0, 256, shape, dtype=np.uint8) for _ in range(2))
    image = with_lift(a, b)
    assert image.dtype == np.uint8
    assert image.shape == shape
    tensor = with_lift(as_tensor(a).double(), as_tensor(b).double())
    assert tensor.dtype == torch.float64
    assert (tensor - as_tensor(image).double()).abs().max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize("name", ["blend", "dis", "quadratic"])
def test_the_ends_are_the_images_themselves(images, name):
    a, b = images[:2]
    assert np.array_equal(Interpolator(name)(a, b, 0.0), a)
    assert np.array_equal(Interpolator(name)(a, b, 1.0), b)


def test_frames_doubles_and_keeps_the_old_frames(with_lift, images):
    made = list(with_lift.frames(iter(images), factor=3, detect_cuts=False))
    assert len(made) == 10
    assert all(np.array_equal(made[3 * k], image) for k, image in enumerate(images))


def test_frames_holds_at_cuts_unless_told_otherwise(images):
    dark = np.full((32, 48, 3), 5, np.uint8)
    bright = np.full((32, 48, 3), 250, np.uint8)
    bright[::2, ::3] = 0
    held = list(Interpolator("blend").frames([dark, bright]))
    assert np.array_equal(held[1], dark)
    faded = list(Interpolator("blend").frames([dark, bright], detect_cuts=False))
    assert np.array_equal(faded[1], classical.blend(dark, bright, 0.5))


def test_a_path_gives_that_model(lift, images, tmp_path):
    from lift_core.model.weights import save_weights

    save_weights(lift, tmp_path / "mine.safetensors")
    loaded = Interpolator(tmp_path / "mine.safetensors", device="cpu")
    assert loaded.method.context == 6
    assert np.array_equal(loaded(*images[:2]), Interpolator(tmp_path / "mine.safetensors")(*images[:2]))
    short = Interpolator(str(tmp_path / "mine.safetensors"), context=2)
    assert short.method.context == 2


@pytest.mark.parametrize("t", [-0.01, 1.01, float("nan")])
def test_a_time_outside_the_pair_is_refused(images, t):
    with pytest.raises(ConfigError, match="from 0 to 1"):
        Interpolator("blend")(*images[:2], t)


def test_images_of_two_sizes_are_refused(images):
    with pytest.raises(ShapeError, match="scale or crop"):
        Interpolator("blend")(images[0], images[1][:-1])


def test_an_impossible_factor_is_refused_at_once(images):
    with pytest.raises(ConfigError, match="factor 1 "):
        Interpolator("blend").frames(images, factor=1)


def test_a_preset_without_bundled_weights_says_how_to_get_some():
    with pytest.raises(WeightsError, match="lift train"):
        Interpolator("lift_64")


def test_a_path_without_weights_is_refused(tmp_path):
    with pytest.raises(WeightsError):
        Interpolator(tmp_path / "nothing.safetensors")


def test_a_baseline_takes_no_context():
    with pytest.raises(ConfigError, match="2 frames"):
        Interpolator("dis", context=6)
    with pytest.raises(ConfigError, match="4 frames"):
        Interpolator("quadratic", context=6)


@pytest.mark.parametrize("context", [1, 3, 0])
def test_an_odd_context_is_refused(lift, context):
    with pytest.raises(ConfigError, match="even number"):
        LiftMethod(lift, context=context)


@pytest.mark.parametrize("device", ["warp9", "cuda:99"])
def test_an_unknown_device_is_refused(lift, tmp_path, device):
    from lift_core.model.weights import save_weights

    save_weights(lift, tmp_path / "mine.safetensors")
    with pytest.raises(ConfigError, match="--device cpu"):
        Interpolator(tmp_path / "mine.safetensors", device=device)


@pytest.mark.parametrize("thing", [None, "a.png", [[1, 2, 3]]])
def test_what_is_no_array_is_refused_by_its_kind(thing):
    interpolator = Interpolator("blend")
    with pytest.raises(ShapeError, match=type(thing).__name__):
        interpolator(thing, thing)
    with pytest.raises(ShapeError, match=type(thing).__name__):
        list(interpolator.frames([thing, thing]))
