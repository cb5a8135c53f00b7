"""Lab 01: the exercises on preparing a picture: where to crop it, and with whose mean and deviation to scale it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import index
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lift_core.checks.exercise import Exercise, Probe

# --- 01.7 crop_corner ---

Size = tuple[int, int]
_CALLS = 300


def _drawn(room: int) -> int:
    return int(torch.randint(room + 1, ()))


def _crop_corner(size: Size, crop: Size, training: bool) -> tuple[int, int]:
    room = size[0] - crop[0], size[1] - crop[1]
    return (_drawn(room[0]), _drawn(room[1])) if training else (room[0] // 2, room[1] // 2)


def _corners(candidate: Callable[..., Any], size: Size, crop: Size, training: bool) -> Any:
    """The corners that many calls give, as text, in order: the same whatever was drawn when."""
    found = set()
    for _ in range(_CALLS):
        answer = candidate(size, crop, training)
        if not isinstance(answer, tuple | list | Tensor | np.ndarray) or len(answer) != 2:
            return answer
        try:
            found.add((index(answer[0]), index(answer[1])))
        except TypeError:  # No whole numbers.
            return answer
    return {"the corners that many calls give": " ".join(map(str, sorted(found)))}


crop_corner = Exercise(
    "01.7",
    "crop_corner",
    _crop_corner,
    lambda: [
        Probe("4 x 5 from 5 x 7, in training", ((5, 7), (4, 5), True)),
        Probe("4 x 5 from 5 x 7, in validation", ((5, 7), (4, 5), False)),
        Probe("3 x 3 from 6 x 4, in training", ((6, 4), (3, 3), True)),
        Probe("3 x 4 from 8 x 15, in validation", ((8, 15), (3, 4), False)),
        Probe("the whole picture, in training", ((6, 8), (6, 8), True)),
        Probe("the whole picture, in validation", ((6, 8), (6, 8), False)),
    ],
    contract=(
        "returns two whole numbers, top and left, such that the crop lies inside the picture, its borders allowed",
        "in training they are drawn anew at each call, each by itself, and every place that fits can come up",
        "otherwise half of the room is above the crop and half to its left, rounded down",
    ),
    kind="faded",
    drive=_corners,
)


@crop_corner.mistake(
    "the last place never comes up", "A room of 1 has two places, 0 and 1: randint leaves out its end."
)
def _end_left_out(size: Size, crop: Size, training: bool) -> tuple[int, int]:
    room = size[0] - crop[0], size[1] - crop[1]
    if not training:
        return _crop_corner(size, crop, training)
    return _drawn(max(room[0] - 1, 0)), _drawn(max(room[1] - 1, 0))


@crop_corner.mistake("a room of 0 makes an error", "A crop of the whole picture fits once: randint(room + 1).")
def _no_room(size: Size, crop: Size, training: bool) -> tuple[int, int]:
    if not training:
        return _crop_corner(size, crop, training)
    return int(torch.randint(size[0] - crop[0], ())), int(torch.randint(size[1] - crop[1], ()))


@crop_corner.mistake("validation is random too", "Then a score changes from run to run though the model does not.")
def _random_validation(size: Size, crop: Size, training: bool) -> tuple[int, int]:
    return _crop_corner(size, crop, True)


@crop_corner.mistake("training takes the centre", "Then the model never sees the borders. Draw the place.")
def _central_training(size: Size, crop: Size, training: bool) -> tuple[int, int]:
    return _crop_corner(size, crop, False)


@crop_corner.mistake("training and validation are exchanged", "training is True for the random crop.")
def _exchanged(size: Size, crop: Size, training: bool) -> tuple[int, int]:
    return _crop_corner(size, crop, not training)


@crop_corner.mistake("validation takes the upper left corner", "The middle shows what the picture is of.")
def _upper_left(size: Size, crop: Size, training: bool) -> tuple[int, int]:
    return _crop_corner(size, crop, training) if training else (0, 0)


@crop_corner.mistake("the middle of the picture is returned", "A corner is asked for: half the room that is left over.")
def _middle_point(size: Size, crop: Size, training: bool) -> tuple[int, int]:
    return _crop_corner(size, crop, training) if training else (size[0] // 2, size[1] // 2)


@crop_corner.mistake("rounded up", "Half of a room of 5 is 2 here: divide with //.")
def _rounded_up(size: Size, crop: Size, training: bool) -> tuple[int, int]:
    room = size[0] - crop[0], size[1] - crop[1]
    return _crop_corner(size, crop, True) if training else (-(-room[0] // 2), -(-room[1] // 2))


@crop_corner.mistake("half of each is taken by itself", "Subtract first: half of 8 - 3 is 2, but 4 - 1 is 3.")
def _halves(size: Size, crop: Size, training: bool) -> tuple[int, int]:
    middle = size[0] // 2 - crop[0] // 2, size[1] // 2 - crop[1] // 2
    return _crop_corner(size, crop, training) if training else middle


@crop_corner.mistake("divided with /", "2.5 is no row. // divides and rounds down.")
def _fractions(size: Size, crop: Size, training: bool) -> tuple[float, float]:
    return _crop_corner(size, crop, True) if training else ((size[0] - crop[0]) / 2, (size[1] - crop[1]) / 2)


@crop_corner.mistake("height and width are exchanged", "top goes with the heights, left with the widths.")
def _swapped(size: Size, crop: Size, training: bool) -> tuple[int, int]:
    left, top = _crop_corner(size, crop, training)
    return top, left


@crop_corner.mistake("one number is drawn for both", "top and left are drawn each by itself.")
def _drawn_once(size: Size, crop: Size, training: bool) -> tuple[int, int]:
    room = size[0] - crop[0], size[1] - crop[1]
    share = float(torch.rand(()))
    return (int(share * (room[0] + 1)), int(share * (room[1] + 1))) if training else (room[0] // 2, room[1] // 2)


# --- 01.8 normalised ---

_AXES = (0, 2, 3)


def _scaled(pictures: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    return (pictures - mean) / deviation


def _normalised(pictures: Tensor, train: Sequence[int]) -> Tensor:
    known = pictures[list(train)]
    return _scaled(pictures, known.mean(_AXES, keepdim=True), known.std(_AXES, keepdim=True))


def _exposed(*brightness: float, size: Size = (14, 17)) -> Tensor:
    """Pictures of the given brightness, each with contrasts and colours of its own."""
    generator = torch.Generator().manual_seed(len(brightness))
    pictures = torch.rand(len(brightness), 3, *size, generator=generator)
    channels = torch.tensor([1.0, 0.8, 0.6])[:, None, None]
    contrast = torch.linspace(0.4, 0.8, len(brightness))[:, None, None, None]
    return pictures * contrast * channels + torch.tensor(brightness)[:, None, None, None] * channels


normalised = Exercise(
    "01.8",
    "normalised",
    _normalised,
    lambda: [
        Probe("3 of 5 pictures for training, the others darker", (_exposed(0.5, 0.4, 0.1, 0.45, 0.05), [0, 1, 3])),
        Probe("the same training pictures, the others brighter", (_exposed(0.5, 0.4, 0.9, 0.45, 0.8), [0, 1, 3])),
        Probe("2 of 3 pictures, the last two", (_exposed(0.6, 0.3, 0.2, size=(19, 13)), [1, 2])),
        Probe("1 of 2 pictures", (_exposed(0.2, 0.7), [1])),
    ],
    contract=(
        "returns all the pictures; from each number the mean of its channel is subtracted, and the result is divided by"
        " the channel's standard deviation",
        "mean and standard deviation of a channel are those of its numbers in all training pictures together, and"
        " nothing of another picture enters them",
    ),
    kind="faded",
    # With n or n - 1 below the line.
    atol=2e-2,
)


@normalised.mistake(
    "the statistics of all pictures",
    "The validation pictures leak into the training ones. Choose pictures[train] first.",
)
def _leaky(pictures: Tensor, train: Sequence[int]) -> Tensor:
    return _normalised(pictures, range(len(pictures)))


@normalised.mistake(
    "validation is scaled by its own statistics",
    "In use there is one picture and no validation set. Scale it as the training pictures were scaled.",
)
def _own_statistics(pictures: Tensor, train: Sequence[int]) -> Tensor:
    scaled = _normalised(pictures, train)
    others = [index for index in range(len(pictures)) if index not in train]
    scaled[others] = _normalised(pictures, others)[others]
    return scaled


@normalised.mistake(
    "each picture by its own statistics", "That takes away how bright a picture is. Pool the training set."
)
def _each_its_own(pictures: Tensor, train: Sequence[int]) -> Tensor:
    return _scaled(pictures, pictures.mean((2, 3), keepdim=True), pictures.std((2, 3), keepdim=True))


@normalised.mistake("one mean for all colours", "Keep the channel axis: mean over axes 0, 2 and 3.")
def _one_for_all(pictures: Tensor, train: Sequence[int]) -> Tensor:
    known = pictures[list(train)]
    return _scaled(pictures, known.mean(), known.std())


@normalised.mistake("one mean for each pixel", "A channel has one mean: over pictures, rows and columns.")
def _per_pixel(pictures: Tensor, train: Sequence[int]) -> Tensor:
    known = pictures[list(train)]
    deviation = known.std(0, correction=0, keepdim=True).clamp(min=1e-3)
    return _scaled(pictures, known.mean(0, keepdim=True), deviation)


@normalised.mistake("divided by the variance", "Take its square root: the standard deviation.")
def _by_variance(pictures: Tensor, train: Sequence[int]) -> Tensor:
    known = pictures[list(train)]
    return _scaled(pictures, known.mean(_AXES, keepdim=True), known.var(_AXES, keepdim=True))


@normalised.mistake(
    "the mean of each picture's deviation", "Pictures differ among each other too. Pool the numbers, then take one std."
)
def _mean_of_deviations(pictures: Tensor, train: Sequence[int]) -> Tensor:
    known = pictures[list(train)]
    deviation = known.std((2, 3), keepdim=True).mean(0, keepdim=True)
    return _scaled(pictures, known.mean(_AXES, keepdim=True), deviation)


@normalised.mistake("only the mean is subtracted", "Divide by the standard deviation as well.")
def _only_centred(pictures: Tensor, train: Sequence[int]) -> Tensor:
    return pictures - pictures[list(train)].mean(_AXES, keepdim=True)


@normalised.mistake(
    "only the training pictures are returned", "All pictures are scaled; only the statistics are theirs."
)
def _only_training(pictures: Tensor, train: Sequence[int]) -> Tensor:
    return _normalised(pictures, train)[list(train)]
