"""Tests of streaming: equal to the whole clip at once, in bounded memory, with every frame encoded once."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from lift_core.data.window import FrameWindow
from lift_core.errors import ShapeError, SourceError
from lift_core.inference.lift_method import LiftMethod
from lift_core.inference.methods import BaselineMethod
from lift_core.inference.moments import steps
from lift_core.inference.streaming import StreamFrame, detect_shots, interpolate_stream, pairs
from lift_core.model.lift import LIFT

HEIGHT, WIDTH = 32, 40


def noise(count: int, seed: int = 0) -> Tensor:
    coarse = torch.rand(count, 3, HEIGHT // 4, WIDTH // 4, generator=torch.Generator().manual_seed(seed))
    return functional.interpolate(coarse, size=(HEIGHT, WIDTH), mode="bilinear")


def stream(frames: Tensor, times: list[float] | None = None, cuts: tuple[int, ...] = ()) -> list[StreamFrame]:
    return [
        StreamFrame(frame, None if times is None else times[number], number in cuts)
        for number, frame in enumerate(frames)
    ]


@torch.inference_mode()
def whole_clip(
    model: LIFT, frames: Tensor, context: int, t: float, times: list[float] | None, cuts: tuple[int, ...]
) -> dict[int, Tensor]:
    """The new frame behind each anchor, by one forward pass over its window of the whole clip."""
    window = FrameWindow.uniform(context, stride=1, edge="clamp")
    made = {}
    for anchor in window.anchors(len(frames), cuts):
        shown = window.at(int(anchor), len(frames), timestamps=times, cuts=cuts)
        output = model(frames[list(shown.indices)][None], torch.tensor([shown.times]), torch.tensor([shown.valid]), t)
        made[int(anchor)] = output.frame[0]
    return made


def starting(lift: LIFT, start: str) -> LIFT:
    """The same model with another start of stage 3."""
    model = copy.deepcopy(lift)
    model.config = replace(model.config, start=start)
    return model


@pytest.mark.parametrize("start", ["zero", "dis", "quadratic"])
@pytest.mark.parametrize("count", [2, 3, 9])
@pytest.mark.parametrize("context", [2, 6, 8])
def test_streaming_equals_the_whole_clip(lift, count, context, start):
    frames, model = noise(count), starting(lift, start)
    expected = whole_clip(model, frames, context, 0.5, None, ())
    found = list(pairs(LiftMethod(model, context=context), stream(frames)))
    assert len(found) == count - 1 == len(expected)
    for anchor, pair in enumerate(found):
        assert (pair.at(0.5) - expected[anchor]).abs().max() < 1e-5


@pytest.mark.parametrize("start", ["zero", "quadratic"])
def test_streaming_equals_the_whole_clip_with_cuts_and_uneven_times(lift, start):
    frames, cuts, model = noise(10, seed=1), (4, 7), starting(lift, start)
    times = [1.0, 1.1, 1.4, 1.5, 1.9, 2.0, 2.05, 2.3, 2.4, 2.9]
    expected = whole_clip(model, frames, 6, 0.25, times, cuts)
    found = list(pairs(LiftMethod(model), stream(frames, times, cuts)))
    assert [pair.kind for pair in found] == ["cut" if a + 1 in cuts else "moving" for a in range(9)]
    for anchor, frame in expected.items():
        assert (found[anchor].at(0.25) - frame).abs().max() < 1e-5


def test_context_and_times_matter_to_the_model_under_test(lift):
    frames = noise(6)
    even = whole_clip(lift, frames, 6, 0.5, None, ())[2]
    assert (whole_clip(lift, frames, 2, 0.5, None, ())[2] - even).abs().max() > 1e-3
    late = [0.0, 1.0, 2.0, 3.0, 9.0, 20.0]
    assert (whole_clip(lift, frames, 6, 0.5, late, ())[2] - even).abs().max() > 1e-4


def test_pixels_beyond_a_cut_change_no_bit(lift):
    frames, cuts = noise(8, seed=2), (4,)
    other = frames.clone()
    other[4:] = noise(4, seed=3)
    before, after = (list(pairs(LiftMethod(lift), stream(f, cuts=cuts))) for f in (frames, other))
    for anchor in range(3):
        assert torch.equal(before[anchor].at(0.5), after[anchor].at(0.5))


@pytest.mark.parametrize("context", [2, 6, 16])
@pytest.mark.parametrize("factor", [2, 5])
def test_two_frames_are_encoded_per_pair_and_one_window_aggregated(lift, context, factor):
    encoded, aggregated, decoded = [], [], []
    hooks = [
        lift.encoder.register_forward_hook(lambda _, inputs, __: encoded.append(len(inputs[0]))),
        lift.temporal.register_forward_hook(lambda *_: aggregated.append(1)),
        lift.refiner.register_forward_hook(lambda *_: decoded.append(1)),
    ]
    try:
        made = list(interpolate_stream(LiftMethod(lift, context=context), stream(noise(12)), steps(factor)))
    finally:
        for hook in hooks:
            hook.remove()
    assert len(made) == 11 * factor + 1
    # Each of 12 frames for the window and as a reference: no more than two for each of 11 pairs, and two for the first.
    assert sum(encoded) == 2 * 12
    assert len(aggregated) == 11
    assert len(decoded) == 11 * (factor - 1)


@pytest.mark.parametrize("context", [2, 6])
def test_no_more_than_the_window_is_read_ahead_or_held(lift, context):
    alive: list[weakref.ref[StreamFrame]] = []

    def source() -> Iterator[StreamFrame]:
        for frame in noise(20):
            made = StreamFrame(frame)
            alive.append(weakref.ref(made))
            yield made
            del made

    most_held = 0
    for anchor, pair in enumerate(pairs(LiftMethod(lift, context=context), source())):
        assert len(alive) <= anchor + context // 2 + 1
        most_held = max(most_held, sum(ref() is not None for ref in alive))
        del pair
    assert most_held <= context


def test_new_frames_at_a_cut_repeat_the_nearer_one():
    frames = noise(2)
    (pair,) = pairs(BaselineMethod("blend"), stream(frames, cuts=(1,)))
    assert pair.at(0.25) is pair.at(0.5) is pair.first.frame
    assert pair.at(0.75) is pair.second.frame


def test_equal_frames_are_repeated_and_never_encoded(lift):
    class Refusing(LiftMethod):
        def encode(self, frame):
            raise AssertionError("a repeated frame was encoded")

    frame = noise(1)[0]
    made = list(interpolate_stream(Refusing(lift), [StreamFrame(frame), StreamFrame(frame.clone())], steps(3)))
    assert len(made) == 4
    assert all(torch.equal(f, frame) for f in made)


def test_new_frames_lie_between_their_neighbours_in_order():
    frames = torch.stack([torch.full((3, HEIGHT, WIDTH), v) for v in (0.0, 0.4, 0.8)])
    made = list(interpolate_stream(BaselineMethod("blend"), stream(frames), steps(4)))
    levels = [float(frame.mean()) for frame in made]
    assert levels == pytest.approx([k / 10 for k in range(9)], abs=0.6 / 255)


def test_shots_are_found():
    dark, bright = np.full((40, 60, 3), 10, np.uint8), np.full((40, 60, 3), 240, np.uint8)
    bright[::2, ::3] = 0
    found = detect_shots(StreamFrame(f) for f in (dark, dark, bright, bright))
    assert [frame.begins_shot for frame in found] == [False, False, True, False]


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_frames_are_refused(count):
    with pytest.raises(SourceError, match="fewer than two"):
        list(interpolate_stream(BaselineMethod("blend"), stream(noise(count)), steps(2)))


@pytest.mark.parametrize(
    "second",
    [
        torch.zeros(3, HEIGHT, WIDTH + 1),
        np.zeros((HEIGHT, WIDTH, 3), np.uint8),
        torch.zeros(3, HEIGHT, WIDTH, dtype=torch.uint8),
        torch.zeros(HEIGHT, WIDTH),
    ],
)
def test_a_frame_unlike_the_first_is_refused(second):
    with pytest.raises(ShapeError):
        list(pairs(BaselineMethod("blend"), [StreamFrame(noise(1)[0]), StreamFrame(second)]))
