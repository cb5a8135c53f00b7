"""LIFT whole: sizes, times, validity, streaming in steps, swapped stages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lift_core.data.window import FrameWindow, WindowFrames
from lift_core.errors import ShapeError
from lift_core.model.config import LiftConfig, preset
from lift_core.model.ifnet import Motion
from lift_core.model.lift import LIFT, LiftOutput, WindowFeatures
from lift_core.model.weights import load_lift
from tests.model.conftest import SMALL, stir

MakeWindow = Callable[..., tuple[torch.Tensor, torch.Tensor, torch.Tensor]]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 40), (33, 31), (32, 64), (50, 7)])
@pytest.mark.parametrize("length", [2, 6, 14, 64])
def test_every_output_has_its_shape_for_any_size_and_any_even_number_of_frames(
    stirred_model: LIFT, make_window: MakeWindow, height: int, width: int, length: int
) -> None:
    output = stirred_model(*make_window(2, length, height, width), 0.25)
    quarter = (-(-height // 32) * 8, -(-width // 32) * 8)
    expected = {
        "frame": (2, 3, height, width),
        "coarse": (2, 3, height, width),
        "flow_t0": (2, 2, *quarter),
        "flow_t1": (2, 2, *quarter),
        "occlusion": (2, 1, *quarter),
        "visibility": (2, 1, height, width),
        "warped_0": (2, 3, height, width),
        "warped_1": (2, 3, height, width),
        "frame_weights": (2, length),
    }
    assert {field.name: tuple(getattr(output, field.name).shape) for field in fields(output)} == expected
    assert all(getattr(output, field.name).isfinite().all() for field in fields(output))
    assert all(getattr(output, field.name).dtype == torch.float32 for field in fields(output))
    torch.testing.assert_close(output.frame_weights.sum(dim=1), torch.ones(2))


@pytest.mark.parametrize("name", ["lift_tiny", "lift_15"])
def test_a_one_pixel_clip_keeps_its_colour(make_window: MakeWindow, name: str) -> None:
    torch.manual_seed(0)
    colour = torch.tensor([0.25, 0.5, 0.75]).view(1, 1, 3, 1, 1)
    _, times, valid = make_window(1, 2)
    output = LIFT(preset(name)).eval()(colour.expand(1, 2, 3, 1, 1), times, valid, 0.5)
    torch.testing.assert_close(output.frame, colour[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("length", [1, 3, 15])
def test_an_odd_number_of_frames_is_refused(stirred_model: LIFT, make_window: MakeWindow, length: int) -> None:
    with pytest.raises(ShapeError, match="even number of frames"):
        stirred_model(*make_window(1, length), 0.5)


def test_uint8_frames_are_refused_with_advice(stirred_model: LIFT, make_window: MakeWindow) -> None:
    frames, times, valid = make_window()
    with pytest.raises(ShapeError, match="to_device"):
        stirred_model((frames * 255).to(torch.uint8), times, valid, 0.5)


def test_times_of_another_shape_are_refused(stirred_model: LIFT, make_window: MakeWindow) -> None:
    frames, times, valid = make_window()
    with pytest.raises(ShapeError, match=r"\[B, T\]"):
        stirred_model(frames, times[:, 1:], valid, 0.5)


@pytest.mark.parametrize("t", [0.0, 1.0, -0.5, float("nan")])
def test_a_time_outside_the_gap_is_refused(stirred_model: LIFT, make_window: MakeWindow, t: float) -> None:
    with pytest.raises(ShapeError, match="between 0 and 1"):
        stirred_model(*make_window(), t)


@pytest.mark.parametrize("name", ["lift_tiny", "lift_15"])
@pytest.mark.parametrize("t", [0.125, 0.5, 0.9])
def test_a_fresh_model_gives_the_blend_by_time(make_window: MakeWindow, name: str, t: float) -> None:
    torch.manual_seed(1)
    frames, times, valid = make_window(1, 4)
    output = LIFT(preset(name)).eval()(frames, times, valid, t)
    blend = (1 - t) * frames[:, 1] + t * frames[:, 2]
    torch.testing.assert_close(output.frame, blend, atol=1e-4, rtol=0)


@settings(max_examples=20, deadline=None)
@given(t=st.floats(0.0, 1.0, exclude_min=True, exclude_max=True))
def test_any_time_gives_a_frame_between_its_references(t: float) -> None:
    torch.manual_seed(0)
    frames = torch.rand(1, 2, 3, 32, 32)
    times, valid = torch.tensor([[-0.5, 0.5]]), torch.ones(1, 2, dtype=torch.bool)
    output = LIFT(SMALL).eval()(frames, times, valid, t)
    torch.testing.assert_close(output.frame, torch.lerp(frames[:, 0], frames[:, 1], t), atol=1e-4, rtol=0)
    torch.testing.assert_close(output.visibility.mean().item(), 1 - t, atol=1e-5, rtol=0)


def test_each_sample_of_a_batch_has_its_own_time(stirred_model: LIFT, make_window: MakeWindow) -> None:
    frames, times, valid = make_window(2)
    both = stirred_model(frames, times, valid, torch.tensor([0.2, 0.7]))
    one = stirred_model(frames[1:], times[1:], valid[1:], 0.7)
    torch.testing.assert_close(both.frame[1:], one.frame, atol=1e-5, rtol=1e-5)


def test_a_valid_far_frame_changes_the_result(stirred_model: LIFT, make_window: MakeWindow) -> None:
    frames, times, valid = make_window(1, 20)
    changed = frames.clone()
    changed[0, 0] = 1.0 - changed[0, 0]
    before = stirred_model(frames, times, valid, 0.5)
    after = stirred_model(changed, times, valid, 0.5)
    assert not torch.equal(before.frame, after.frame)


def test_the_steps_of_a_stream_give_what_forward_gives(stirred_model: LIFT, make_window: MakeWindow) -> None:
    frames, times, valid = make_window(1, 6, 40, 50)
    whole = stirred_model(frames, times, valid, 0.25)
    s16 = stirred_model.encode_frames(frames[0]).unsqueeze(0)
    reference_0 = stirred_model.encode_reference(frames[:, 2])
    reference_1 = stirred_model.encode_reference(frames[:, 3])
    features = WindowFeatures(s16, reference_0, reference_1)
    stepped = stirred_model.decode(features, stirred_model.aggregate(features, times, valid), 0.25)
    torch.testing.assert_close(stepped.frame, whole.frame, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(stepped.frame_weights, whole.frame_weights, atol=1e-6, rtol=1e-5)


def self_ensemble(model: LIFT, frames: torch.Tensor, shown: WindowFrames, t: float) -> torch.Tensor:
    """The mean of what the model makes of a window and of the same window played backwards."""
    times, valid = torch.tensor([shown.times]), torch.tensor([shown.valid])
    window = frames[list(shown.indices)][None]
    forwards = model(window, times, valid, t).frame
    backwards = model(window.flip(1), -times.flip(1), valid.flip(1), 1 - t).frame
    return (forwards + backwards) / 2


@pytest.mark.parametrize("anchor", [2, 10, 15])
def test_the_time_reversal_ensemble_gives_the_same_frame_for_a_clip_and_for_its_reverse(
    stirred_model: LIFT, anchor: int
) -> None:
    clip = torch.rand(20, 3, 32, 32, generator=torch.Generator().manual_seed(anchor))
    window = FrameWindow.uniform(6, 4)
    # Frame j of the reversed clip is frame 19 - j; the references trade places. Near its ends positions are clamped.
    mirrored = 19 - (anchor + window.gap)
    one = window.at(anchor, 20, target_offset=1)
    other = window.at(mirrored, 20, target_offset=3)
    assert other.timestep == 1 - one.timestep
    found = self_ensemble(stirred_model, clip, one, one.timestep)
    again = self_ensemble(stirred_model, clip.flip(0), other, other.timestep)
    torch.testing.assert_close(again, found, atol=1e-6, rtol=0)
    # The model alone is not symmetric: the ensemble is what makes it so.
    alone = stirred_model(clip[list(one.indices)][None], torch.tensor([one.times]), torch.tensor([one.valid]), 0.25)
    assert not torch.allclose(alone.frame, found, atol=1e-6)


@pytest.mark.parametrize("name", ["lift_tiny"])
def test_the_bundled_model_takes_a_reversed_clip_as_nearly_the_same_task(make_window: MakeWindow, name: str) -> None:
    frames, times, valid = make_window(1, 6, 64, 64)
    smooth = (
        torch.nn.functional.interpolate(frames[0], scale_factor=0.125).repeat_interleave(8, 2).repeat_interleave(8, 3)
    )
    model = load_lift(name)
    with torch.no_grad():
        forwards = model(smooth[None], times, valid, 0.25).frame
        backwards = model(smooth[None].flip(1), -times.flip(1), valid.flip(1), 0.75).frame
        wrong = model(smooth[None].flip(1), -times.flip(1), valid.flip(1), 0.25).frame
    assert (forwards - backwards).abs().mean() < 0.5 * (forwards - wrong).abs().mean()


def test_a_starting_motion_is_used(make_window: MakeWindow) -> None:
    frames, times, valid = make_window(1, 2)
    flow = torch.full((1, 2, 8, 16), 0.5)
    start = Motion(flow, -flow, torch.zeros(1, 1, 8, 16))
    output = LIFT(preset("lift_tiny")).eval()(frames, times, valid, 0.5, start)
    torch.testing.assert_close(output.flow_t0, flow)
    torch.testing.assert_close(output.flow_t1, -flow)


STAGES = ["encoder", "temporal", "flow", "synthesis", "refiner"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_is_swapped_in_does_its_part_of_the_work(
    stirred_model: LIFT, make_window: MakeWindow, stage: str
) -> None:
    """A model with one stage of another computes what it computes with that stage's weights loaded."""
    torch.manual_seed(7)
    donor = LIFT(SMALL)
    stir(donor)
    swapped = LIFT(SMALL, **{stage: getattr(donor, stage)}).eval()
    own = {name: value for name, value in stirred_model.state_dict().items() if not name.startswith(f"{stage}.")}
    swapped.load_state_dict(own, strict=False)
    mixed = LIFT(SMALL).eval()
    mixed.load_state_dict(own | {f"{stage}.{name}": v for name, v in getattr(donor, stage).state_dict().items()})
    window = make_window(1, 10)
    found = swapped(*window, 0.3).frame
    assert torch.equal(found, mixed(*window, 0.3).frame)
    assert not torch.equal(found, stirred_model(*window, 0.3).frame)


def test_a_stage_of_another_class_is_run(small_config: LiftConfig, make_window: MakeWindow) -> None:
    class NoMotion(nn.Module):
        def forward(self, first: object, second: object, context: torch.Tensor, t: object, initial: object) -> Motion:
            size = (context.shape[-2] * 4, context.shape[-1] * 4)
            return Motion(
                context.new_full((1, 2, *size), 9.0), context.new_zeros(1, 2, *size), context.new_zeros(1, 1, *size)
            )

    output = LIFT(small_config, flow=NoMotion())(*make_window(), 0.5)
    assert (output.flow_t0 == 9.0).all()


@pytest.mark.parametrize("stage", STAGES)
def test_state_dicts_are_strict(small_config: LiftConfig, stage: str) -> None:
    state = LIFT(small_config).state_dict()
    name = next(key for key in state if key.startswith(f"{stage}."))
    for wrong in (
        {key: value for key, value in state.items() if key != name},
        state | {f"{name}_more": torch.zeros(1)},
        state | {name: torch.zeros(1, 2, 3)},
    ):
        with pytest.raises(RuntimeError, match=name.replace(".", r"\.")):
            LIFT(small_config).load_state_dict(wrong)


def test_every_tensor_of_a_state_dict_is_a_parameter_that_training_moves(
    small_config: LiftConfig, make_window: MakeWindow
) -> None:
    model = LIFT(small_config).train()
    stir(model)
    model(*make_window(1, 20), 0.3).frame.square().sum().backward()
    parameters = dict(model.named_parameters())
    assert list(parameters) == list(model.state_dict())
    still = [name for name, parameter in parameters.items() if parameter.grad is None or not parameter.grad.any()]
    assert still == []


def test_output_is_clamped_in_eval_only(stirred_model: LIFT, make_window: MakeWindow) -> None:
    with torch.no_grad():
        stirred_model.refiner.head.bias.fill_(2.0)
    evaluated: LiftOutput = stirred_model(*make_window(), 0.5)
    trained: LiftOutput = stirred_model.train()(*make_window(), 0.5)
    assert evaluated.frame.max() == 1.0
    assert trained.frame.max() > 1.5
