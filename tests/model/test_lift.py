"""LIFT whole: sizes, times, validity, streaming in steps, swapped stages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from lift_core.errors import ShapeError
from lift_core.model.config import LiftConfig, preset
from lift_core.model.ifnet import Motion
from lift_core.model.lift import LIFT, LiftOutput, WindowFeatures

MakeWindow = Callable[..., tuple[torch.Tensor, torch.Tensor, torch.Tensor]]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 40), (33, 31), (32, 64), (50, 7)])
def test_any_size_comes_back_in_its_own_size(
    stirred_model: LIFT, make_window: MakeWindow, height: int, width: int
) -> None:
    output = stirred_model(*make_window(2, 2, height, width), 0.5)
    assert output.frame.shape == output.coarse.shape == output.warped_0.shape == (2, 3, height, width)
    assert output.flow_t0.shape == (2, 2, -(-height // 32) * 8, -(-width // 32) * 8)
    assert torch.isfinite(output.frame).all()


@pytest.mark.parametrize("length", [2, 6, 14, 64])
def test_any_even_number_of_frames_is_taken(stirred_model: LIFT, make_window: MakeWindow, length: int) -> None:
    output = stirred_model(*make_window(1, length), 0.25)
    assert output.frame_weights.shape == (1, length)
    torch.testing.assert_close(output.frame_weights.sum(), torch.tensor(1.0))


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


def test_each_sample_of_a_batch_has_its_own_time(stirred_model: LIFT, make_window: MakeWindow) -> None:
    frames, times, valid = make_window(2)
    both = stirred_model(frames, times, valid, torch.tensor([0.2, 0.7]))
    one = stirred_model(frames[1:], times[1:], valid[1:], 0.7)
    torch.testing.assert_close(both.frame[1:], one.frame, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("garbage", [0.0, 1.0, float("nan"), float("inf")])
def test_an_invalid_frame_changes_no_bit_of_the_result(
    stirred_model: LIFT, make_window: MakeWindow, garbage: float
) -> None:
    frames, times, valid = make_window(1, 20)
    valid = valid.clone()
    valid[0, [0, 3, 19]] = False
    spoiled = frames.clone()
    spoiled[0, [0, 3, 19]] = garbage
    before = stirred_model(frames, times, valid, 0.5)
    after = stirred_model(spoiled, times, valid, 0.5)
    assert torch.equal(before.frame, after.frame)
    assert torch.equal(before.frame_weights, after.frame_weights)


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


def test_time_reversed_self_ensemble_is_the_same_for_the_reversed_clip(
    stirred_model: LIFT, make_window: MakeWindow
) -> None:
    frames, times, valid = make_window(1, 6)
    valid = valid.clone()
    valid[0, 0] = False

    def ensemble(frames: torch.Tensor, times: torch.Tensor, valid: torch.Tensor, t: float) -> torch.Tensor:
        forwards = stirred_model(frames, times, valid, t).frame
        backwards = stirred_model(frames.flip(1), -times.flip(1), valid.flip(1), 1 - t).frame
        return (forwards + backwards) / 2

    one = ensemble(frames, times, valid, 0.25)
    other = ensemble(frames.flip(1), -times.flip(1), valid.flip(1), 0.75)
    torch.testing.assert_close(one, other, atol=1e-6, rtol=0)


def test_a_starting_motion_is_used(make_window: MakeWindow) -> None:
    frames, times, valid = make_window(1, 2)
    flow = torch.full((1, 2, 8, 16), 0.5)
    start = Motion(flow, -flow, torch.zeros(1, 1, 8, 16))
    output = LIFT(preset("lift_tiny")).eval()(frames, times, valid, 0.5, start)
    torch.testing.assert_close(output.flow_t0, flow)
    torch.testing.assert_close(output.flow_t1, -flow)


def test_a_stage_that_is_swapped_in_is_run(small_config: LiftConfig, make_window: MakeWindow) -> None:
    class NoMotion(nn.Module):
        def forward(self, first: object, second: object, context: torch.Tensor, t: object, initial: object) -> Motion:
            size = (context.shape[-2] * 4, context.shape[-1] * 4)
            return Motion(
                context.new_full((1, 2, *size), 9.0), context.new_zeros(1, 2, *size), context.new_zeros(1, 1, *size)
            )

    output = LIFT(small_config, flow=NoMotion())(*make_window(), 0.5)
    assert (output.flow_t0 == 9.0).all()


def test_state_dicts_are_strict(small_config: LiftConfig) -> None:
    state = LIFT(small_config).state_dict()
    state.pop("refiner.head.bias")
    with pytest.raises(RuntimeError, match=r"refiner\.head\.bias"):
        LIFT(small_config).load_state_dict(state)


def test_output_is_clamped_in_eval_only(stirred_model: LIFT, make_window: MakeWindow) -> None:
    with torch.no_grad():
        stirred_model.refiner.head.bias.fill_(2.0)
    evaluated: LiftOutput = stirred_model(*make_window(), 0.5)
    trained: LiftOutput = stirred_model.train()(*make_window(), 0.5)
    assert evaluated.frame.max() == 1.0
    assert trained.frame.max() > 1.5
