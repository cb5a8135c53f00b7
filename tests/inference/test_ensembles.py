"""Tests of ensembles: means of what their members make, one after the other or at once, and symmetry that they gain."""

from __future__ import annotations

import copy
import threading

import numpy as np
import pytest
import torch
from torch import Tensor

from lift_core.errors import ConfigError, WeightsError
from lift_core.inference.ensembles import Ensemble, SelfEnsemble
from lift_core.inference.interpolator import Interpolator
from lift_core.inference.lift_method import LiftMethod
from lift_core.inference.methods import BaselineMethod
from lift_core.model.lift import LIFT
from lift_core.model.weights import save_weights


@pytest.fixture
def frames() -> Tensor:
    coarse = torch.rand(8, 3, 9, 11, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.interpolate(coarse, size=(36, 44), mode="bilinear")


@pytest.fixture
def other(lift: LIFT) -> LIFT:
    shaken = copy.deepcopy(lift)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in shaken.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return shaken


def streamed(method, frames, factor=3):
    return torch.stack(list(Interpolator.with_method(method).frames(list(frames), factor, detect_cuts=False)))


@pytest.mark.parametrize("parallel", [False, True])
def test_an_ensemble_makes_the_mean_of_what_its_members_make(lift, other, frames, parallel):
    members = [LiftMethod(lift), LiftMethod(other)]
    a, b = (streamed(member, frames) for member in members)
    assert (a - b).abs().max() > 0.01
    made = streamed(Ensemble(members, parallel=parallel), frames)
    assert (made - (a + b) / 2).abs().max() < 1e-6


def test_members_look_at_as_many_frames_as_they_were_made_for(lift, other, frames):
    members = [LiftMethod(lift, context=2), LiftMethod(other, context=8), BaselineMethod("blend")]
    ensemble = Ensemble(members)
    assert ensemble.context == 8
    alone = [streamed(member, frames) for member in members]
    assert (streamed(ensemble, frames) - sum(alone) / 3).abs().max() < 1e-6


def test_the_mean_of_8_bit_frames_is_rounded_once(lift, other, frames):
    images = [np.ascontiguousarray(frame.permute(1, 2, 0).mul(255).round().byte().numpy()) for frame in frames]
    tensors = [torch.from_numpy(image).permute(2, 0, 1).float() / 255 for image in images]
    ensemble = Ensemble([LiftMethod(lift), LiftMethod(other)])
    in_8_bits = list(Interpolator.with_method(ensemble).frames(images, detect_cuts=False))
    exact = streamed(ensemble, tensors, factor=2)
    for image, tensor in zip(in_8_bits, exact, strict=True):
        assert image.dtype == np.uint8
        assert np.array_equal(image, tensor.permute(1, 2, 0).mul(255).round().byte().numpy())


def test_members_in_parallel_run_in_threads_of_their_own(lift, frames):
    seen = set()

    class Watched(LiftMethod):
        def between(self, first, second, window):
            seen.add(threading.get_ident())
            barrier.wait(timeout=60)
            return super().between(first, second, window)

    barrier = threading.Barrier(2)
    ensemble = Ensemble([Watched(lift), Watched(lift)], parallel=True)
    streamed(ensemble, frames[:2])
    assert len(seen) == 2


@pytest.mark.parametrize("kind", ["reversal", "full"])
def test_a_self_ensemble_does_not_care_which_way_time_runs(lift, frames, kind):
    alone, both = LiftMethod(lift), SelfEnsemble(LiftMethod(lift), kind)
    forwards, backwards = frames, frames.flip(0)
    assert (streamed(alone, forwards) - streamed(alone, backwards).flip(0)).abs().max() > 1e-4
    assert (streamed(both, forwards) - streamed(both, backwards).flip(0)).abs().max() < 1e-5


def test_a_full_self_ensemble_does_not_care_for_mirrors(lift):
    # A size that needs no padding: what is padded is not the same from the other side.
    frames = torch.rand(6, 3, 32, 64, generator=torch.Generator().manual_seed(1))
    full, reversal = (SelfEnsemble(LiftMethod(lift), kind) for kind in ("full", "reversal"))
    for axes in ((-1,), (-2,), (-2, -1)):
        mirrored = frames.flip(axes)
        assert (streamed(full, frames) - streamed(full, mirrored).flip(axes)).abs().max() < 1e-5
        assert (streamed(reversal, frames) - streamed(reversal, mirrored).flip(axes)).abs().max() > 1e-4


def test_a_self_ensemble_is_the_mean_over_its_views(lift, frames):
    method = LiftMethod(lift)
    views = []
    for axes in ((), (-1,), (-2,), (-2, -1)):
        seen = frames.flip(axes)
        views += [streamed(method, seen).flip(axes), streamed(method, seen.flip(0)).flip(0).flip(axes)]
    made = streamed(SelfEnsemble(method, "full"), frames)
    assert (made - torch.stack(views).mean(dim=0)).abs().max() < 1e-5


def test_reversal_encodes_no_frame_twice(lift, frames):
    class Counting(LiftMethod):
        encoded = references = 0

        def encode(self, frame):
            self.encoded += 1
            return super().encode(frame)

        def encode_reference(self, frame):
            self.references += 1
            return super().encode_reference(frame)

    method = Counting(lift)
    streamed(SelfEnsemble(method, "reversal"), frames)
    assert (method.encoded, method.references) == (8, 8)


def test_several_checkpoints_are_named_like_one(lift, other, tmp_path, frames):
    for name, model in (("a", lift), ("b", other)):
        save_weights(model, tmp_path / f"{name}.safetensors")
    paths = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    both = Interpolator(paths, device="cpu")
    alone = [Interpolator(path, device="cpu") for path in paths]
    a, b, mean = (interpolator(frames[0], frames[1]) for interpolator in (*alone, both))
    assert (mean - (a + b) / 2).abs().max() < 1e-6
    named = Interpolator(f"{paths[0]}+{paths[1]}", device="cpu")
    assert torch.equal(named(frames[0], frames[1]), mean)
    assert len({interpolator.method.fingerprint for interpolator in (*alone, both)}) == 3
    with pytest.raises(WeightsError):
        Interpolator([paths[0], tmp_path / "missing.safetensors"])


def test_impossible_ensembles_are_refused(lift):
    with pytest.raises(ConfigError, match="two methods"):
        Ensemble([LiftMethod(lift)])
    with pytest.raises(ConfigError, match="reversal"):
        SelfEnsemble(LiftMethod(lift), "sideways")
    with pytest.raises(ConfigError, match="no method"):
        Interpolator([])


def test_a_self_ensemble_of_no_views_is_refused(lift):
    with pytest.raises(ConfigError, match="reversal or full"):
        SelfEnsemble(LiftMethod(lift), "none")
