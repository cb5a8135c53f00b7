"""Lab 03: the exercise on mixup with soft labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from lift_core.checks.exercise import Call, Exercise, Probe

Mixed = tuple[Tensor, Tensor]


def _mixup(pictures: Tensor, labels: Tensor, classes: int, share: float, partner: Tensor) -> Mixed:
    soft = one_hot(labels, classes).float()
    return share * pictures + (1 - share) * pictures[partner], share * soft + (1 - share) * soft[partner]


def _mix_by_name(candidate: Callable[..., Any], *args: Any) -> Any:
    answer = candidate(*args)
    if answer is None:
        return None
    is_pair = isinstance(answer, tuple | list) and len(answer) == 2
    return dict(zip(("the pictures", "the labels"), answer if is_pair else (answer, None), strict=True))


def _batches() -> list[Probe]:
    draw = torch.Generator().manual_seed(3)

    def probe(label: str, labels: list[int], size: tuple[int, int], share: float, partner: list[int]) -> Probe:
        # As in recordings, noise goes beyond 0 and 1.
        pictures = torch.rand((len(labels), 3, *size), generator=draw) * 1.6 - 0.3
        return Probe(label, (pictures, torch.tensor(labels), 4, share, torch.tensor(partner)))

    return [
        probe("five pictures, share 0.7", [3, 0, 1, 1, 2], (7, 9), 0.7, [2, 0, 3, 4, 1]),
        probe("four pictures, share 0.2", [3, 0, 2, 0], (5, 4), 0.2, [1, 2, 3, 0]),
        probe("a sample that is its own partner", [3, 0, 1], (6, 5), 0.4, [1, 0, 2]),
        probe("share 1: nothing is mixed", [1, 3, 0], (4, 6), 1.0, [1, 2, 0]),
        probe("no sample of the last class", [1, 0, 2], (5, 7), 0.6, [2, 0, 1]),
    ]


_RETURNS = (
    "returns two tensors: pictures of the same shape and dtype, and labels [B, classes], decimal numbers whose rows add"
    " up to 1"
)
_KEPT = "the tensors that were given are not changed"

mixup = Exercise(
    "03.4",
    "mixup",
    _mixup,
    _batches,
    contract=(
        _RETURNS,
        "number i of either is made of the share `share` of sample i and the rest of sample partner[i]",
        _KEPT,
    ),
    kind="faded",
    atol=1e-5,
    drive=_mix_by_name,
)


@mixup.prop(_RETURNS)
def _are_tensors(call: Call) -> str | None:
    if not all(isinstance(made, Tensor) for made in call.output.values()):
        return "what was returned is not two tensors"
    dtype = call.output["the pictures"].dtype
    given = call.probe.args[0].dtype
    return None if dtype == given else f"pictures of {given} come back as {dtype}"


@mixup.prop(_KEPT)
def _given_is_kept(call: Call) -> str | None:
    for name, before, after in zip(("pictures", "labels"), call.probe.args[:2], call.args[:2], strict=True):
        if not torch.equal(before, after):
            return f"the {name} have other values than before"
    return None


@mixup.mistake(
    "the labels are not mixed", "A picture that is 70 % one class and 30 % another needs a label that says so."
)
def _hard_labels(pictures: Tensor, labels: Tensor, classes: int, share: float, partner: Tensor) -> Mixed:
    return _mixup(pictures, labels, classes, share, partner)[0], one_hot(labels, classes).float()


@mixup.mistake(
    "the label of the larger share", "The label must say both shares, not only which one is larger: keep it soft."
)
def _majority(pictures: Tensor, labels: Tensor, classes: int, share: float, partner: Tensor) -> Mixed:
    mixed, _ = _mixup(pictures, labels, classes, share, partner)
    return mixed, one_hot(labels if share >= 0.5 else labels[partner], classes).float()


@mixup.mistake("the shares are exchanged in the labels", "Pictures and labels are mixed with the same share.")
def _labels_exchanged(pictures: Tensor, labels: Tensor, classes: int, share: float, partner: Tensor) -> Mixed:
    return (
        _mixup(pictures, labels, classes, share, partner)[0],
        _mixup(pictures, labels, classes, 1 - share, partner)[1],
    )


@mixup.mistake("the shares are exchanged", "`share` belongs to sample i itself, the rest to its partner.")
def _exchanged(pictures: Tensor, labels: Tensor, classes: int, share: float, partner: Tensor) -> Mixed:
    return _mixup(pictures, labels, classes, 1 - share, partner)


@mixup.mistake(
    "half and half, whatever the share", "The share is given: multiply by it, and the partner by what is left of 1."
)
def _halves(pictures: Tensor, labels: Tensor, classes: int, share: float, partner: Tensor) -> Mixed:
    return _mixup(pictures, labels, classes, 0.5, partner)


@mixup.mistake("the partners are ignored", "Sample i is mixed with sample partner[i], not with its neighbour.")
def _neighbour(pictures: Tensor, labels: Tensor, classes: int, share: float, partner: Tensor) -> Mixed:
    return _mixup(pictures, labels, classes, share, torch.arange(len(labels)).roll(-1))


@mixup.mistake(
    "class numbers are mixed", "Class 1 is not the middle between 0 and 2. Mix rows of zeros with a single one."
)
def _numbers_mixed(pictures: Tensor, labels: Tensor, classes: int, share: float, partner: Tensor) -> Mixed:
    mixed, _ = _mixup(pictures, labels, classes, share, partner)
    return mixed, share * labels + (1 - share) * labels[partner]


@mixup.mistake("mixed in place", "The batch is changed while its partners are still read from it. Make new tensors.")
def _in_place(pictures: Tensor, labels: Tensor, classes: int, share: float, partner: Tensor) -> Mixed:
    soft = _mixup(pictures, labels, classes, share, partner)[1]
    for i, other in enumerate(partner.tolist()):
        pictures[i] = share * pictures[i] + (1 - share) * pictures[other]
    return pictures, soft
