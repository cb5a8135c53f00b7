"""Lab 00, start here: its exercises with their references and known mistakes, and its question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lift_core.checks.choice import Choice
from lift_core.checks.exercise import Call, Exercise, Probe
from lift_core.checks.probe_pictures import probe_picture
from lift_core.checks.wording import with_article

Image = NDArray[np.uint8]


def _pictures(*shape: int, seed: int) -> Image:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


# 00.1: a stored frame becomes a tensor


def _to_tensor(frame: Image) -> Tensor:
    return torch.from_numpy(frame).permute(2, 0, 1).float() / 255


_FLOAT32 = "the tensor's dtype is torch.float32"

to_tensor = Exercise(
    "00.1",
    "to_tensor",
    _to_tensor,
    lambda: [
        Probe("a frame of 13 rows and 29 columns", (probe_picture(13, 29, 0),)),
        Probe("a frame of 8 rows and 3 columns", (probe_picture(8, 3, 1),)),
    ],
    contract=(
        "takes a frame as stored, uint8 [height, width, 3], and returns a tensor [3, height, width], red first as in"
        " the frame",
        "every number is divided by 255, so 0 becomes 0.0 and 255 becomes 1.0",
        _FLOAT32,
    ),
)


@to_tensor.prop(_FLOAT32)
def _is_float32(call: Call) -> str | None:
    if not isinstance(call.output, Tensor):
        return f"what is returned is no tensor, but {with_article(type(call.output).__name__)}"
    dtype = str(call.output.dtype).removeprefix("torch.")
    return None if dtype == "float32" else f"the dtype is {dtype}"


@to_tensor.mistake(
    "reshape instead of permute",
    "reshape and view keep the order of the numbers and only cut them up anew, which mixes the colours. permute moves"
    " the axes.",
)
def _reshaped(frame: Image) -> Tensor:
    height, width, _ = frame.shape
    return torch.from_numpy(frame).reshape(3, height, width).float() / 255


@to_tensor.mistake("height and width are exchanged", "permute(2, 1, 0) turns the picture on its side. Use (2, 0, 1).")
def _turned(frame: Image) -> Tensor:
    return _to_tensor(frame).permute(0, 2, 1)


@to_tensor.mistake("the colours are still the last axis", "A model wants the channels first: permute the axes.")
def _channels_last(frame: Image) -> Tensor:
    return torch.from_numpy(frame).float() / 255


@to_tensor.mistake("not divided by 255", "The numbers go from 0 to 255 still.")
def _undivided(frame: Image) -> Tensor:
    return torch.from_numpy(frame).permute(2, 0, 1).float()


@to_tensor.mistake("divided by 256", "The largest stored number is 255, and it becomes 1.")
def _by_256(frame: Image) -> Tensor:
    return torch.from_numpy(frame).permute(2, 0, 1).float() / 256


@to_tensor.mistake("double precision", "Divide a float32 tensor. numpy's division makes float64, twice the memory.")
def _double(frame: Image) -> Tensor:
    return torch.from_numpy(frame / 255).permute(2, 0, 1)


# 00.2: a module with one parameter


class _Fade(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.zeros(()))

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        w = torch.sigmoid(self.logit)
        return (1 - w) * before + w * after


def _use_module(
    candidate: Callable[[], nn.Module], logit: float, before: Tensor, after: Tensor
) -> dict[str, Any] | None:
    """Run a fresh module, then one with its number set, forward and backward."""
    module = candidate()
    fresh = module(before, after)
    if fresh is None:
        return None
    parameters = list(module.parameters())
    with torch.no_grad():
        for parameter in parameters:
            parameter.fill_(logit)
    made = module(before, after)
    if made.requires_grad:
        made.square().mean().backward()
    gradients = [0.0 if parameter.grad is None else float(parameter.grad.sum()) for parameter in parameters]
    return {
        "numbers that learn": sum(parameter.numel() for parameter in parameters),
        "a new module's frame": fresh.detach(),
        f"the frame with the number set to {logit:g}": made.detach(),
        "the number's gradient": sum(gradients),
    }


_ONE_NUMBER = (
    "the module has exactly one parameter, the number, with exactly one entry (shape [] or [1]), which starts at 0"
)

fade = Exercise(
    "00.2",
    "Fade",
    _Fade,
    lambda: [
        Probe(f"the number {logit:g}", (logit, *torch.rand(2, 3, 5, 7, generator=torch.Generator().manual_seed(seed))))
        for seed, logit in enumerate((0.7, -1.5))
    ],
    contract=(
        "module(before, after) returns a mixture of the two frames: the share w of the frame after, the rest of the"
        " frame before; w = torch.sigmoid(number)",
        _ONE_NUMBER,
        "after module(before, after).mean().backward() the parameter's .grad is not None",
    ),
    atol=1e-5,
    drive=_use_module,
)


@fade.prop(_ONE_NUMBER)
def _has_one_number(call: Call) -> str | None:
    count = call.output["numbers that learn"]
    return None if count == 1 else f"the module has {count} numbers that learn"


@fade.mistake(
    "the number is a plain tensor",
    "A module finds what it shall learn among its nn.Parameter attributes. Wrap the tensor: nn.Parameter(...).",
)
class _PlainTensor(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.logit = torch.zeros((), requires_grad=True)

    forward = _Fade.forward


@fade.mistake("before and after are exchanged", "w = 0 shall give the frame before.")
class _Exchanged(_Fade):
    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        return super().forward(after, before)


@fade.mistake("the sigmoid is missing", "The number may be anything; the sigmoid brings it between 0 and 1.")
class _NoSigmoid(_Fade):
    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        return (1 - self.logit) * before + self.logit * after


@fade.mistake("the number was taken out of the graph", "item(), float() and detach() cut the gradient off.")
class _Detached(_Fade):
    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        w = torch.sigmoid(self.logit.detach())
        return (1 - w) * before + w * after


@fade.mistake(
    "the sigmoid is taken once, in the constructor",
    "The number changes while it learns. Take the sigmoid in forward, each time.",
)
class _SigmoidAtFirst(_Fade):
    def __init__(self) -> None:
        super().__init__()
        self.w = torch.sigmoid(self.logit.detach())

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        return (1 - self.w) * before + self.w * after + 0 * self.logit


@fade.mistake("the number starts at 0.5", "It starts at 0; the sigmoid of 0 is one half.")
class _StartsAtHalf(_Fade):
    def __init__(self) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.tensor(0.5))


@fade.mistake("one number for each colour", "The fade is the same for all colours: a single number.")
class _PerColour(_Fade):
    def __init__(self) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.zeros(3, 1, 1))


# 00.3: a training loop

Loop = Callable[[nn.Module, Tensor, Tensor, Tensor, int, float], list[float]]


def _train(
    model: nn.Module, before: Tensor, after: Tensor, truth: Tensor, steps: int, learning_rate: float
) -> list[float]:
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    losses = []
    for _ in range(steps):
        loss = (model(before, after) - truth).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


class _FadeAndBrighten(_Fade):
    """A model with a second parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.brightness = nn.Parameter(torch.zeros(3, 1, 1))

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        return super().forward(before, after) + self.brightness


def _run_loop(
    candidate: Loop,
    make: Callable[[], _Fade],
    start: float,
    before: Tensor,
    after: Tensor,
    t: float,
    steps: int,
    learning_rate: float,
) -> dict[str, Any]:
    model = make()
    with torch.no_grad():
        model.logit.fill_(start)
    losses = candidate(model, before, after, (1 - t) * before + t * after, steps, learning_rate)
    learned = [number for parameter in model.parameters() for number in parameter.detach().flatten().tolist()]
    return {"losses": losses, "the model's parameters after the last step": learned}


def _frames_and_rates() -> list[Probe]:
    frames = torch.rand(2, 2, 3, 5, 7, generator=torch.Generator().manual_seed(0))
    return [
        Probe("5 steps towards t = 0.3", (_Fade, 0.0, *frames[0], 0.3, 5, 8.0)),
        Probe("4 steps towards t = 0.9", (_Fade, -1.0, *frames[1], 0.9, 4, 3.0)),
        Probe("a single step", (_Fade, 0.5, *frames[0], 0.2, 1, 2.0)),
        Probe("a model with two parameters", (_FadeAndBrighten, 0.0, *frames[1], 0.3, 3, 1.0)),
    ]


_FLOATS = "the losses are Python floats, not tensors: a tensor keeps all intermediate results of its step in memory"

train = Exercise(
    "00.3",
    "train",
    _train,
    _frames_and_rates,
    contract=(
        "in each step the loss is the mean squared error between model(before, after) and truth",
        "then every parameter p of the model, which may have several, becomes p − learning_rate · (the gradient of the"
        " loss with respect to p): plain SGD",
        "returns a list with the loss of each step, as it was before the parameters moved",
        _FLOATS,
    ),
    atol=1e-5,
    drive=_run_loop,
)


@train.prop(_FLOATS)
def _losses_are_floats(call: Call) -> str | None:
    losses = call.output["losses"]
    kept = [loss for loss in losses if isinstance(loss, Tensor)]
    return f"{len(kept)} of {len(losses)} losses are tensors; .item() makes floats of them" if kept else None


def _loop(
    model: nn.Module,
    frames: tuple[Tensor, Tensor, Tensor],
    steps: int,
    learning_rate: float,
    *,
    reduce: Callable[[Tensor], Tensor] = torch.mean,
    zero: bool = True,
    step: bool = True,
    step_first: bool = False,
    loss_after: bool = False,
) -> list[float]:
    """A training loop with one thing wrong, for the mistakes below."""
    before, after, truth = frames
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    losses = []
    for _ in range(steps):
        if zero and not step_first:
            optimizer.zero_grad()
        loss = reduce((model(before, after) - truth).square())
        if step_first:
            optimizer.step()
            optimizer.zero_grad()
        loss.backward()
        if step and not step_first:
            optimizer.step()
        shown = reduce((model(before, after) - truth).square()) if loss_after else loss
        losses.append(shown.item())
    return losses


@train.mistake("the gradients are never cleared", "backward() adds to the old gradients: call zero_grad() each step.")
def _never_cleared(model: nn.Module, a: Tensor, b: Tensor, truth: Tensor, steps: int, rate: float) -> list[float]:
    return _loop(model, (a, b, truth), steps, rate, zero=False)


@train.mistake(
    "the parameters never move",
    "Call the optimizer's step() after backward(), and do not clear the gradients between the two. By hand: `p = p - …`"
    " only makes a new name; change p itself, inside `torch.no_grad()`.",
)
def _never_moves(model: nn.Module, a: Tensor, b: Tensor, truth: Tensor, steps: int, rate: float) -> list[float]:
    return _loop(model, (a, b, truth), steps, rate, step=False)


@train.mistake("step() comes before backward()", "The gradient must be known before a parameter can follow it.")
def _step_first(model: nn.Module, a: Tensor, b: Tensor, truth: Tensor, steps: int, rate: float) -> list[float]:
    return _loop(model, (a, b, truth), steps, rate, step_first=True)


@train.mistake("the errors are summed, not averaged", "Take the mean of the squares.")
def _summed(model: nn.Module, a: Tensor, b: Tensor, truth: Tensor, steps: int, rate: float) -> list[float]:
    return _loop(model, (a, b, truth), steps, rate, reduce=torch.sum)


@train.mistake("the loss is taken after the step", "Note the loss that the gradient came from.")
def _loss_after(model: nn.Module, a: Tensor, b: Tensor, truth: Tensor, steps: int, rate: float) -> list[float]:
    return _loop(model, (a, b, truth), steps, rate, loss_after=True)


@train.mistake("the learning rate is not used", "Give lr=learning_rate to the optimizer.")
def _default_rate(model: nn.Module, a: Tensor, b: Tensor, truth: Tensor, steps: int, rate: float) -> list[float]:
    return _loop(model, (a, b, truth), steps, 1e-3)


@train.mistake("the optimizer is Adam", "The contract asks for plain SGD, which moves by the gradient itself.")
def _adam(model: nn.Module, a: Tensor, b: Tensor, truth: Tensor, steps: int, rate: float) -> list[float]:
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (model(a, b) - truth).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


# 00.4: PSNR by hand


def _psnr(made: Image, truth: Image) -> float:
    error = made.astype(np.float64) - truth.astype(np.float64)
    return float(10 * np.log10(255**2 / np.mean(error**2)))


def _pairs_of_pictures() -> Sequence[Probe]:
    noise, dark = _pictures(2, 13, 29, 3, seed=2), _pictures(16, 24, 3, seed=3) // 8
    near = _pictures(17, 12, 3, seed=4)
    few = np.random.default_rng(5).random(near.shape) < 0.2
    return [
        Probe("two pictures of random numbers, 13 x 29", (noise[0], noise[1])),
        Probe("a dark and a bright picture", (dark, 255 - dark)),
        Probe(
            "two pictures that differ by one level in a fifth of their numbers", (near, np.where(few, near ^ 1, near))
        ),
        Probe("two dark pictures", (dark, dark[::-1].copy())),
    ]


psnr_by_hand = Exercise(
    "00.4",
    "my_psnr",
    _psnr,
    _pairs_of_pictures,
    contract=(
        "takes two frames as stored, uint8 [height, width, 3], of one size and not equal, and returns one number: the"
        " PSNR in dB, not rounded",
    ),
    atol=1e-3,
)


@psnr_by_hand.mistake(
    "the difference wrapped round",
    "np.uint8(3) - np.uint8(5) is 254: bytes cannot be negative. Convert before you subtract.",
)
def _wrapped(made: Image, truth: Image) -> float:
    return float(10 * np.log10(255**2 / np.mean((made - truth).astype(np.float64) ** 2)))


@psnr_by_hand.mistake(
    "the difference and its square wrapped round",
    "A byte holds 0 to 255: neither the difference nor its square fits. Convert both pictures before you subtract.",
)
def _wrapped_twice(made: Image, truth: Image) -> float:
    with np.errstate(over="ignore", divide="ignore"):
        return float(10 * np.log10(255**2 / np.mean((made - truth) ** 2)))


@psnr_by_hand.mistake(
    "the square overflowed",
    "np.int16 ends at 32,767, and 255 squared is 65,025. Convert to decimal numbers: float64.",
)
def _short_integers(made: Image, truth: Image) -> float:
    with np.errstate(invalid="ignore"):
        return float(10 * np.log10(255**2 / np.mean((made.astype(np.int16) - truth.astype(np.int16)) ** 2)))


@psnr_by_hand.mistake("the squares are summed, not averaged", "The mean squared error is an average: np.mean.")
def _summed_squares(made: Image, truth: Image) -> float:
    return float(_psnr(made, truth) - 10 * np.log10(made.size))


@psnr_by_hand.mistake("rounded", "The contract asks for the number as it is.")
def _rounded(made: Image, truth: Image) -> float:
    return round(_psnr(made, truth), 2)


@psnr_by_hand.mistake("the natural logarithm", "Decibels use the logarithm to base 10: np.log10.")
def _natural(made: Image, truth: Image) -> float:
    return float(_psnr(made, truth) * np.log(10))


@psnr_by_hand.mistake("20 instead of 10", "20 belongs to the root of the mean squared error, 10 to the error itself.")
def _twenty(made: Image, truth: Image) -> float:
    return 2 * _psnr(made, truth)


@psnr_by_hand.mistake("the largest value is not squared", "The formula has 255 squared over the mean squared error.")
def _peak_not_squared(made: Image, truth: Image) -> float:
    return float(_psnr(made, truth) - 10 * np.log10(255))


@psnr_by_hand.mistake("a largest value of 1", "These frames go up to 255.")
def _peak_of_one(made: Image, truth: Image) -> float:
    return float(_psnr(made, truth) - 20 * np.log10(255))


@psnr_by_hand.mistake("the fraction is upside down", "255 squared stands above, the error below.")
def _upside_down(made: Image, truth: Image) -> float:
    return -_psnr(made, truth)


@psnr_by_hand.mistake("absolute differences are averaged", "Square the differences, then average.")
def _absolute(made: Image, truth: Image) -> float:
    return float(10 * np.log10(255**2 / np.mean(np.abs(made.astype(np.float64) - truth))))


CHOICES = (
    Choice(
        "00.A",
        "A cross-fade is the average of the two neighbours. A ball flies from left to right. What does the average"
        " show in the middle?",
        {
            "a": "One ball, half way.",
            "b": "One ball, half way, blurred along its path.",
            "c": "Two balls, both pale.",
            "d": "The ball where it was before.",
        },
        "c",
        {
            "a": "To put it half way, one must know that it moved. An average knows nothing of motion.",
            "b": "A blur along the path would need the frames between. There are only two, one at each end.",
            "c": "Each pixel is averaged on its own: half a ball here, half a ball there. LIFT moves pixels instead.",
            "d": "That would be repeating the frame before. The frame after counts as much.",
        },
    ),
)
