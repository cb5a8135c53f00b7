"""The start from classical flow: right where the motion is known, used by a model that asks for it, and detailed."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.errors import ConfigError
from lift_core.metrics import psnr
from lift_core.model.config import LiftConfig, preset
from lift_core.model.ifnet import Motion
from lift_core.model.lift import LIFT
from lift_core.model.start import LARGEST, ClassicalStart, reduction_of, to_images


def moving_clip() -> torch.Tensor:
    """Frames 0, 1 and 2 of a generated clip, ``[3, 3, 96, 128]`` in [0, 1]."""
    clip = ProceduralClip(ClipConfig(frames=3, height=96, width=128, seed=5, max_speed=6.0))
    return torch.stack([torch.from_numpy(clip.frame(i)).permute(2, 0, 1).float() / 255 for i in range(3)])


def test_images_are_the_frames_rounded_to_8_bits() -> None:
    frames = torch.tensor([0.0, 0.499 / 255, 0.5001 / 255, 1.2]).view(4, 1, 1, 1).expand(4, 3, 2, 2)
    assert [int(image[0, 0, 0]) for image in to_images(frames)] == [0, 0, 1, 255]
    assert to_images(frames)[0].shape == (2, 2, 3)


def test_a_known_shift_starts_at_that_shift_in_quarter_cells() -> None:
    torch.manual_seed(0)
    wide = torch.nn.functional.interpolate(torch.rand(1, 3, 24, 40), size=(96, 160), mode="bicubic").clamp(0, 1)
    first, second = wide[..., 16:-16], wide[..., 8:-24]
    start = ClassicalStart.find(first, second).at(torch.full((1, 1, 1, 1), 0.25))
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
    start = ClassicalStart.find(first, second)
    assert start.reduction == reduction
    assert start.flows[0].a.shape == (384 // reduction, 608 // reduction, 3)
    motion = start.at(torch.full((1, 1, 1, 1), 0.75))
    assert motion.flow_t0.shape == (1, 2, 96, 152)
    assert motion.occlusion.shape == (1, 1, 96, 152)
    inner = motion.flow_t1[0, :, 12:-12, 12:-12]
    assert inner[0].median().item() == pytest.approx(0.25 * 8 / 4, abs=0.05)
    assert inner[1].median().item() == pytest.approx(0, abs=0.05)


def test_frames_are_made_smaller_only_beyond_full_hd() -> None:
    assert LARGEST == 1088 * 1920
    sizes = ((1088, 1920), (1088, 1952), (2176, 3840), (2176, 3872), (4320, 7680))
    assert [reduction_of(*size) for size in sizes] == [1, 2, 2, 4, 4]


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
    start = ClassicalStart.find(frames[:1], frames[2:]).at(torch.full((1, 1, 1, 1), 0.5))
    torch.testing.assert_close(model.decode(features, aggregate, 0.5).flow_t0, start.flow_t0)


def test_a_given_motion_is_preferred_to_the_models_own_start(small_config: LiftConfig) -> None:
    model = LIFT(replace(small_config, start="dis")).eval()
    frames = moving_clip()
    none = torch.zeros(1, 2, 24, 32)
    times, valid = torch.tensor([[-0.5, 0.5]]), torch.ones(1, 2, dtype=torch.bool)
    output = model(frames[[0, 2]][None], times, valid, 0.5, Motion(none, none, none[:, :1]))
    assert not output.flow_t0.any()


def test_an_unknown_start_is_refused() -> None:
    with pytest.raises(ConfigError, match="zero or dis"):
        replace(preset("lift_tiny"), start="raft")  # type: ignore[arg-type]
