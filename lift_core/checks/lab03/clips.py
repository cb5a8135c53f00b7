"""Lab 03: the exercise on augmenting a clip as one thing."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lift_core.checks.exercise import Call, Exercise, Probe

Parts = dict[str, Any]


def _cropped(pictures: Tensor, plan: Parts) -> Tensor:
    top, left, height, width = plan["crop"]
    return pictures[..., top : top + height, left : left + width]


def _flipped(pictures: Tensor, plan: Parts) -> Tensor:
    return pictures.flip(-1) if plan["flip"] else pictures


def _turned(pictures: Tensor, plan: Parts) -> Tensor:
    return torch.rot90(pictures, plan["turns"], (-2, -1))


def _coloured(pictures: Tensor, plan: Parts) -> Tensor:
    return (pictures * plan["gain"]).clamp(0, 1)


def _changed(pictures: Tensor, plan: Parts) -> Tensor:
    return _coloured(_turned(_flipped(_cropped(pictures, plan), plan), plan), plan)


def _augment_clip(sample: Parts, plan: Parts) -> Parts:
    made = {**sample, "frames": _changed(sample["frames"], plan), "gt": _changed(sample["gt"], plan)}
    return _reversed(made) if plan["reverse"] else made


def _reversed(sample: Parts) -> Parts:
    return {
        **sample,
        "frames": sample["frames"].flip(0),
        "valid": sample["valid"].flip(0),
        "times": -sample["times"].flip(0),
        "timestep": 1 - sample["timestep"],
    }


def _sample(seed: int, height: int = 11, width: int = 14) -> Parts:
    draw = torch.Generator().manual_seed(seed)
    return {
        "frames": torch.rand(4, 3, height, width, generator=draw),
        "gt": torch.rand(3, height, width, generator=draw),
        "times": torch.tensor([-0.5, -0.5, 0.5, 1.75]),
        "valid": torch.tensor([False, True, True, True]),
        "timestep": 0.25,
    }


def _plan(
    *,
    crop: tuple[int, ...] = (0, 0, 11, 14),
    flip: bool = False,
    turns: int = 0,
    gain: float = 1.0,
    reverse: bool = False,
) -> Parts:
    return {"crop": crop, "flip": flip, "turns": turns, "gain": gain, "reverse": reverse}


def _samples_and_plans() -> list[Probe]:
    plans = {
        "a crop": _plan(crop=(2, 5, 7, 6)),
        "a mirrored clip": _plan(flip=True),
        "a crop that is turned": _plan(crop=(1, 3, 8, 5), turns=1),
        "a crop that is mirrored, then turned three times": _plan(crop=(3, 0, 6, 9), flip=True, turns=3),
        "a brighter clip": _plan(gain=1.6),
        "a clip played backwards": _plan(reverse=True),
        "everything at once": _plan(crop=(0, 4, 9, 7), flip=True, turns=1, gain=0.6, reverse=True),
    }
    return [Probe(label, (_sample(number), plan)) for number, (label, plan) in enumerate(plans.items())]


_RETURNS = "returns a sample with the entries frames, gt, times and valid, which are tensors, and timestep"
_KEPT = "the sample that was given is not changed"

augment_clip = Exercise(
    "03.5",
    "augment_clip",
    _augment_clip,
    _samples_and_plans,
    contract=(
        _RETURNS,
        "every frame and gt are changed alike, in this order: cropped to crop = (top, left, height, width); mirrored"
        " left to right if flip is set; turned counter-clockwise by turns quarter turns; multiplied by gain and limited"
        " to 0 to 1",
        "if reverse is set, frames and valid run the other way round; times too, each with the other sign; and timestep"
        " becomes 1 - timestep",
        _KEPT,
    ),
    atol=1e-5,
)


@augment_clip.prop(_RETURNS)
def _are_tensors(call: Call) -> str | None:
    entries = [name for name in ("frames", "gt", "times", "valid") if name in call.output]
    other = next((name for name in entries if not isinstance(call.output[name], Tensor)), None)
    return None if other is None else f"{other} is no tensor"


@augment_clip.prop(_KEPT)
def _given_is_kept(call: Call) -> str | None:
    before, after = call.probe.args[0], call.args[0]
    for name, value in before.items():
        same = torch.equal(value, after[name]) if isinstance(value, Tensor) else value == after[name]
        if not same:
            return f"{name} of the sample that was given has other values than before"
    return None


@augment_clip.mistake(
    "the timestep is kept when the clip is reversed",
    "A frame a quarter of the way from A to B lies three quarters of the way from B to A.",
)
def _timestep_kept(sample: Parts, plan: Parts) -> Parts:
    return {**_augment_clip(sample, plan), "timestep": sample["timestep"]}


@augment_clip.mistake(
    "the times keep their sign when the clip is reversed",
    "What came after the middle now comes before it: a time of +1.75 becomes -1.75.",
)
def _sign_kept(sample: Parts, plan: Parts) -> Parts:
    made = _augment_clip(sample, plan)
    return {**made, "times": -made["times"]} if plan["reverse"] else made


@augment_clip.mistake("the times are negated but not turned round", "times[k] belongs to frames[k]: turn both round.")
def _times_not_turned(sample: Parts, plan: Parts) -> Parts:
    made = _augment_clip(sample, plan)
    return {**made, "times": -sample["times"]} if plan["reverse"] else made


@augment_clip.mistake(
    "the times are left as they are when the clip is reversed", "They run the other way too, with the other sign."
)
def _times_kept(sample: Parts, plan: Parts) -> Parts:
    return {**_augment_clip(sample, plan), "times": sample["times"]}


@augment_clip.mistake("valid is not turned round", "The flags belong to the frames: turn them round together.")
def _valid_kept(sample: Parts, plan: Parts) -> Parts:
    return {**_augment_clip(sample, plan), "valid": sample["valid"]}


@augment_clip.mistake(
    "the truth is not augmented", "The hidden frame belongs between the others: whatever moves them moves it."
)
def _truth_kept(sample: Parts, plan: Parts) -> Parts:
    return {**_augment_clip(sample, plan), "gt": sample["gt"]}


@augment_clip.mistake("mirrored top to bottom", "Left to right is the last axis, the columns.")
def _upside_down(sample: Parts, plan: Parts) -> Parts:
    def changed(pictures: Tensor) -> Tensor:
        part = _cropped(pictures, plan)
        return _coloured(_turned(part.flip(-2) if plan["flip"] else part, plan), plan)

    return _with(sample, plan, changed)


@augment_clip.mistake("turned clockwise", "torch.rot90 turns from the first axis given to the second: use (-2, -1).")
def _clockwise(sample: Parts, plan: Parts) -> Parts:
    def changed(pictures: Tensor) -> Tensor:
        return _coloured(torch.rot90(_flipped(_cropped(pictures, plan), plan), plan["turns"], (-1, -2)), plan)

    return _with(sample, plan, changed)


@augment_clip.mistake("turned before it is mirrored", "The order matters: crop, mirror, turn, gain.")
def _turned_first(sample: Parts, plan: Parts) -> Parts:
    return _with(sample, plan, lambda p: _coloured(_flipped(_turned(_cropped(p, plan), plan), plan), plan))


@augment_clip.mistake("not limited to 1", "A bright pixel times 1.6 is more than white: limit the result to 0 to 1.")
def _unlimited(sample: Parts, plan: Parts) -> Parts:
    return _with(sample, plan, lambda p: _turned(_flipped(_cropped(p, plan), plan), plan) * plan["gain"])


@augment_clip.mistake("rows and columns of the crop are exchanged", "Rows are the last axis but one: top and height.")
def _crop_exchanged(sample: Parts, plan: Parts) -> Parts:
    top, left, height, width = plan["crop"]
    return _augment_clip(sample, {**plan, "crop": (left, top, width, height)})


@augment_clip.mistake(
    "the crop ends at its height and width", "A slice takes its end, not its length: top to top + height."
)
def _crop_as_ends(sample: Parts, plan: Parts) -> Parts:
    top, left, height, width = plan["crop"]
    return _augment_clip(sample, {**plan, "crop": (top, left, height - top, width - left)})


@augment_clip.mistake("the frames are not played backwards", "With reverse the frames run the other way round as well.")
def _frames_in_order(sample: Parts, plan: Parts) -> Parts:
    return {**_augment_clip(sample, plan), "frames": _changed(sample["frames"], plan)}


def _with(sample: Parts, plan: Parts, changed: Any) -> Parts:
    made = {**sample, "frames": changed(sample["frames"]), "gt": changed(sample["gt"])}
    return _reversed(made) if plan["reverse"] else made
