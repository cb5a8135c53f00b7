"""Tests of LiftMethod: precision, memory and tiles, and what tells methods apart."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from lift_core.classical import dis_flow
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.errors import ConfigError, WeightsError
from lift_core.inference.interpolator import Interpolator
from lift_core.inference.lift_method import LiftMethod
from lift_core.inference.method_choice import MethodOptions, make_method
from lift_core.inference.tiles import cut
from lift_core.metrics import psnr
from lift_core.model.weights import load_lift


@pytest.fixture(scope="module")
def clip():
    return list(ProceduralClip(ClipConfig(frames=4, height=96, width=160, seed=2, max_speed=4.0)).frames(range(4)))


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_changes_little_and_halves_the_features(clip, precision):
    model = load_lift("lift_tiny")
    exact, half = LiftMethod(model), LiftMethod(model, precision=precision)
    a, b = (Interpolator.with_method(method)(*clip[:2]) for method in (exact, half))
    assert not np.array_equal(a, b)
    assert psnr(a, b) > 45
    assert half.encode(clip[0]).s16.element_size() * 2 == exact.encode(clip[0]).s16.element_size()


def test_frames_that_do_not_fit_are_cut_into_tiles_and_stay_the_same(clip):
    # Whole frames of 96x160 need little and smaller tiles hardly less, so a larger frame shows it: 124 MB.
    large = [np.ascontiguousarray(np.tile(image, (4, 4, 1))) for image in clip[:2]]
    model = load_lift("lift_tiny")
    roomy, tight = LiftMethod(model, memory=10**9), LiftMethod(model, memory=100 * 10**6)
    size = large[0].shape[:2]
    assert len(roomy.tiles(size)) == 1
    assert len(tight.tiles(size)) > 1
    a, b = (Interpolator.with_method(method)(*large).astype(int) for method in (roomy, tight))
    assert np.abs(a - b).max() <= 4
    assert np.abs(a - b).mean() < 0.05


@pytest.mark.parametrize("start", ["dis", "quadratic"])
@pytest.mark.parametrize("baseline", [True, False])
def test_classical_flow_is_found_twice_a_pair_whatever_the_number_of_frames_and_tiles(
    baseline, start, lift, monkeypatch
):
    """By baselines, and by models that start from it; the frames around a pair cost no more."""
    calls = []

    def counting(a, b, **options):
        calls.append(a.shape)
        return dis_flow(a, b, **options)

    for module in ("lift_core.inference.methods", "lift_core.model.start"):
        monkeypatch.setattr(f"{module}.dis_flow", counting)
    if baseline:
        method = make_method(start)
    else:
        model = copy.deepcopy(lift)
        model.config = replace(model.config, start=start)
        method = LiftMethod(model)
        monkeypatch.setattr(method, "tiles", lambda size: cut(192, 256, 128))
    clip = ProceduralClip(ClipConfig(frames=5, height=190, width=250, seed=2, max_speed=4.0))
    made = list(Interpolator.with_method(method).frames(clip.frames(range(5)), factor=4, detect_cuts=False))
    assert len(made) == 17
    # Of whole frames, which a model has padded.
    assert calls == [(190, 250, 3) if baseline else (192, 256, 3)] * 8


def test_too_little_memory_is_told_with_what_is_needed(clip):
    method = LiftMethod(load_lift("lift_tiny"), memory=10**6)
    with pytest.raises(ConfigError, match=r"1\.0 MB do not hold .* 96x160: .*--memory"):
        Interpolator.with_method(method)(*clip[:2])


def test_an_unknown_precision_is_refused(lift):
    with pytest.raises(ConfigError, match="fp32, bf16, fp16"):
        LiftMethod(lift, precision="int8")


def test_fp16_on_a_cpu_is_warned_of(lift, caplog):
    LiftMethod(lift, precision="bf16")
    assert not caplog.records
    LiftMethod(lift, precision="fp16")
    assert "bf16 is its half precision" in caplog.text


def test_fingerprints_tell_weights_contexts_and_precisions_apart(lift):
    other = copy.deepcopy(lift)
    with torch.no_grad():
        next(other.parameters())[0, 0, 0, 0] += 1e-3
    prints = [
        LiftMethod(lift).fingerprint,
        LiftMethod(lift, context=4).fingerprint,
        LiftMethod(lift, precision="bf16").fingerprint,
        LiftMethod(other).fingerprint,
    ]
    assert len(set(prints)) == 4
    assert LiftMethod(copy.deepcopy(lift)).fingerprint == prints[0]


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_frames_that_are_not_numbers_are_an_error_and_not_black(lift, clip, precision):
    diverged = copy.deepcopy(lift)
    with torch.no_grad():
        diverged.refiner.head.bias.fill_(torch.nan)
    method = LiftMethod(diverged, precision=precision)
    with pytest.raises(WeightsError, match=f"not made of numbers, in {precision}"):
        Interpolator.with_method(method)(*clip[:2])


def test_new_frames_can_be_changed_and_trained_through(lift, clip):
    a, b = (torch.from_numpy(image).permute(2, 0, 1).float() / 255 for image in clip[:2])
    made = Interpolator.with_method(LiftMethod(lift))(a, b)
    weight = torch.ones((), requires_grad=True)
    (weight * made).sum().backward()
    assert weight.grad is not None
    made.mul_(2)


def test_an_array_that_cannot_be_written_to_is_taken(lift, clip, recwarn):
    locked = [image.copy() for image in clip[:2]]
    for image in locked:
        image.flags.writeable = False
    interpolator = Interpolator.with_method(LiftMethod(lift))
    assert np.array_equal(interpolator(*locked), interpolator(*clip[:2]))
    assert not recwarn


def test_memory_is_shared_by_the_members_on_a_device_and_by_mirror_images(monkeypatch):
    budgets = []
    monkeypatch.setattr(
        "lift_core.inference.lift_method.fitting_tiles",
        lambda config, context, size, budget, dtype: budgets.append(budget) or cut(32, 32, 64),
    )
    monkeypatch.setattr("lift_core.inference.lift_method.free_memory", lambda device: 8000)
    for names, options in [
        (["lift_tiny"], MethodOptions(memory=4000)),
        (["lift_tiny", "dis"], MethodOptions(memory=4000)),
        (["lift_tiny", "lift_tiny"], MethodOptions(memory=4000)),
        (["lift_tiny", "lift_tiny"], MethodOptions()),
        (["lift_tiny"], MethodOptions(self_ensemble="full")),
        (["lift_tiny"], MethodOptions(self_ensemble="reversal")),
    ]:
        frame = np.zeros((32, 32, 3), np.uint8)
        make_method(names, options).encode(frame)
    assert budgets == [4000, 4000, 2000, 2000, 4000, 4000, 2000, 8000]


@pytest.mark.parametrize("wrong", [{"precision": "fp8"}, {"self_ensemble": "bogus"}, {"memory": 0}])
def test_options_that_do_not_exist_are_refused_also_for_baselines(wrong):
    with pytest.raises(ConfigError):
        Interpolator("dis", **wrong)
