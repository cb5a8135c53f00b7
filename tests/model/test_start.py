"""The start from classical flow: right where the motion is known, used by a model that asks for it, and detailed."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch

from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.errors import ConfigError
from lift_core.metrics import psnr
from lift_core.model.config import LiftConfig, preset
from lift_core.model.ifnet import Motion
from lift_core.model.lift import LIFT
from lift_core.model.start import ClassicalStart, reduction_of, to_images


def moving_clip() -> torch.Tensor:
    """Frames 0, 1 and 2 of a generated clip, ``[3, 3, 96, 128]`` in [0, 1]."""
    clip = ProceduralClip(ClipConfig(frames=3, height=96, width=128, seed=5, max_speed=6.0))
    return torch.stack([torch.from_numpy(clip.frame(i)).permute(2, 0, 1).float() / 255 for i in range(3)])


def between(first: torch.Tensor, second: torch.Tensor) -> ClassicalStart:
    """The straight start of one pair of frames ``[1, 3, H, W]``."""
    pair = torch.stack((first, second), dim=1)
    return ClassicalStart.find(pair, torch.tensor([[-0.5, 0.5]]), torch.ones(1, 2, dtype=torch.bool), bent=False)


def accelerating() -> tuple[torch.Tensor, torch.Tensor]:
    """Frames ``[1, 4, 3, 96, 160]`` of a texture at 0, 0, 4 and 12 pixels, and the one half way ``[3, 96, 160]``."""
    torch.manual_seed(0)
    wide = torch.nn.functional.interpolate(torch.rand(1, 3, 24, 50), size=(96, 200), mode="bicubic").clamp(0, 1)
    at = {place: wide[..., 20 - place : 180 - place] for place in (0, 4, 12)}
    # Half way: at 1.5, behind the straight way by an eighth of the acceleration of 4.
    doubled = torch.nn.functional.interpolate(wide, scale_factor=(1, 2), mode="bilinear", align_corners=False)
    middle = doubled[..., 40 - 3 : 360 - 3].unfold(-1, 2, 2).mean(-1)
    return torch.stack([at[place] for place in (0, 0, 4, 12)], dim=1), middle[0]


TIMES = torch.tensor([[-1.5, -0.5, 0.5, 1.5]])


def test_images_are_the_frames_rounded_to_8_bits() -> None:
    frames = torch.tensor([0.0, 0.499 / 255, 0.5001 / 255, 1.2]).view(4, 1, 1, 1).expand(4, 3, 2, 2)
    assert [int(image[0, 0, 0]) for image in to_images(frames)] == [0, 0, 1, 255]
    assert to_images(frames)[0].shape == (2, 2, 3)


def test_a_known_shift_starts_at_that_shift_in_quarter_cells() -> None:
    torch.manual_seed(0)
    wide = torch.nn.functional.interpolate(torch.rand(1, 3, 24, 40), size=(96, 160), mode="bicubic").clamp(0, 1)
    first, second = wide[..., 16:-16], wide[..., 8:-24]
    start = between(first, second).at(torch.full((1, 1, 1, 1), 0.25))
    inner = start.flow_t0[0, :, 6:-6, 8:-8]
    assert inner[0].median().item() == pytest.approx(-0.25 * 8 / 4, abs=0.1)
    assert inner[1].median().item() == pytest.approx(0, abs=0.1)
    assert start.flow_t1[0, 0, 6:-6, 8:-8].median().item() == pytest.approx(0.75 * 8 / 4, abs=0.1)


@pytest.mark.parametrize("reduction", [2, 4])
def test_motion_of_large_frames_is_found_on_smaller_ones(reduction: int, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    wide = torch.nn.functional.interpolate(torch.rand(1, 3, 24, 40), size=(384, 640), mode="bicubic").clamp(0, 1)
    first, second = wide[..., 16:-16], wide[..., 8:-24]
    monkeypatch.setattr("lift_core.model.start.LARGEST", first[0, 0].numel() // reduction**2)
    start = between(first, second)
    assert start.reduction == reduction
    assert start.paths[0].flow.a.shape == (384 // reduction, 608 // reduction, 3)
    motion = start.at(torch.full((1, 1, 1, 1), 0.75))
    assert motion.flow_t0.shape == (1, 2, 96, 152)
    assert motion.occlusion.shape == (1, 1, 96, 152)
    inner = motion.flow_t1[0, :, 12:-12, 12:-12]
    assert inner[0].median().item() == pytest.approx(0.25 * 8 / 4, abs=0.05)
    assert inner[1].median().item() == pytest.approx(0, abs=0.05)


def test_frames_are_made_smaller_only_beyond_720p() -> None:
    sizes = ((736, 1280), (736, 1312), (1088, 1920), (1472, 2560), (1472, 2592), (2176, 3840), (4320, 7680))
    assert [reduction_of(*size) for size in sizes] == [1, 2, 2, 2, 4, 4, 4]


def test_a_fresh_model_that_starts_from_flow_beats_the_blend() -> None:
    frames = moving_clip()
    window = frames[[0, 2]][None]
    times, valid = torch.tensor([[-0.5, 0.5]]), torch.ones(1, 2, dtype=torch.bool)
    made = {
        start: LIFT(replace(preset("lift_tiny"), start=start)).eval()(window, times, valid, 0.5).frame[0]
        for start in ("zero", "dis")
    }
    assert psnr(made["dis"], frames[1]) > psnr(made["zero"], frames[1]) + 1


def test_a_given_motion_keeps_its_detail_through_the_coarse_level(small_config: LiftConfig) -> None:
    model = LIFT(replace(small_config, start="dis")).eval()
    frames = moving_clip()
    features = model.encode(frames[[0, 2]][None])
    aggregate = model.aggregate(features, torch.tensor([[-0.5, 0.5]]), torch.ones(1, 2, dtype=torch.bool))
    start = between(frames[:1], frames[2:]).at(torch.full((1, 1, 1, 1), 0.5))
    torch.testing.assert_close(model.decode(features, aggregate, 0.5, start).flow_t0, start.flow_t0)


def test_a_given_motion_is_preferred_to_the_models_own_start(small_config: LiftConfig) -> None:
    model = LIFT(replace(small_config, start="dis")).eval()
    frames = moving_clip()
    none = torch.zeros(1, 2, 24, 32)
    times, valid = torch.tensor([[-0.5, 0.5]]), torch.ones(1, 2, dtype=torch.bool)
    output = model(frames[[0, 2]][None], times, valid, 0.5, Motion(none, none, none[:, :1]))
    assert not output.flow_t0.any()


def test_the_frames_around_the_references_bend_a_quadratic_start() -> None:
    frames, _ = accelerating()
    valid = torch.ones(1, 4, dtype=torch.bool)
    straight, bent = (ClassicalStart.find(frames, TIMES, valid, bent=bent).at(0.5) for bent in (False, True))
    inner = (0, 0, slice(6, -6), slice(8, -8))
    assert straight.flow_t0[inner].median().item() == pytest.approx(-2 / 4, abs=0.03)
    assert bent.flow_t0[inner].median().item() == pytest.approx(-1.5 / 4, abs=0.03)
    assert bent.flow_t1[inner].median().item() == pytest.approx(2.5 / 4, abs=0.03)


def test_a_fresh_model_with_a_quadratic_start_is_right_where_motion_speeds_up() -> None:
    frames, middle = accelerating()
    valid = torch.ones(1, 4, dtype=torch.bool)
    scores = {
        start: psnr(LIFT(replace(preset("lift_tiny"), start=start)).eval()(frames, TIMES, valid, 0.5).frame[0], middle)
        for start in ("zero", "dis", "quadratic")
    }
    assert scores["zero"] + 2 < scores["dis"] < scores["quadratic"] - 2


@pytest.mark.parametrize("start", ["dis", "quadratic"])
def test_the_steps_with_what_was_found_for_them_are_the_whole(start: str, stirred_model: LIFT) -> None:
    model = copy.deepcopy(stirred_model)
    model.config = replace(model.config, start=start)
    frames = torch.nn.functional.pad(accelerating()[0], (0, -5, 0, -3))
    valid = torch.tensor([[True, True, True, False]])
    t = torch.tensor([0.25])
    features = model.encode(frames)
    found = model.find_start(frames, TIMES, valid)
    assert found is not None
    stepped = model.decode(features, model.aggregate(features, TIMES, valid), t, found.at(t))
    torch.testing.assert_close(stepped.frame, model(frames, TIMES, valid, t).frame, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("gap", "bent"), [(0.05, False), (0.2, False), (0.5, True), (3.0, True), (6.0, False)])
def test_frames_much_closer_or_further_than_the_pair_do_not_bend_the_way(gap: float, bent: bool) -> None:
    frames, _ = accelerating()
    times = torch.tensor([[-0.5 - gap, -0.5, 0.5, 0.5 + gap]])
    start = ClassicalStart.find(frames, times, torch.ones(1, 4, dtype=torch.bool), bent=True)
    assert [bend is not None for bend in (start.paths[0].bend_of_a, start.paths[0].bend_of_b)] == [bent, bent]


@pytest.mark.parametrize("start", ["dis", "quadratic"])
def test_an_invalid_frame_changes_no_bit_of_the_start(start: str, small_config: LiftConfig) -> None:
    model = LIFT(replace(small_config, start=start)).eval()
    frames, _ = accelerating()
    valid = torch.tensor([[False, True, True, False]])
    noisy = frames.clone()
    noisy[:, [0, 3]] = torch.rand(1, 2, 3, 96, 160)
    made = [model(window, TIMES, valid, 0.5).frame for window in (frames, noisy)]
    assert torch.equal(*made)


def test_decoding_without_a_start_is_refused_where_the_model_has_one(small_config: LiftConfig) -> None:
    model = LIFT(replace(small_config, start="quadratic")).eval()
    frames, _ = accelerating()
    features = model.encode(frames)
    aggregate = model.aggregate(features, TIMES, torch.ones(1, 4, dtype=torch.bool))
    with pytest.raises(ConfigError, match="find_start"):
        model.decode(features, aggregate, 0.5)


def test_an_unknown_start_is_refused() -> None:
    with pytest.raises(ConfigError, match="zero, dis, quadratic"):
        replace(preset("lift_tiny"), start="raft")  # type: ignore[arg-type]
