"""Answers of students to the exercises of lab 00: right ones, and wrong ones with the reason in their docstring."""

import copy
import math

import cv2
import numpy as np
import torch
from torch import nn


def to_tensor_permute(frame):
    """Tensor first, colours to the front, then decimal numbers."""
    return torch.from_numpy(frame).permute(2, 0, 1).float() / 255


def to_tensor_moveaxis(frame):
    """Everything in numpy, a tensor at the very end."""
    scaled = np.moveaxis(frame, -1, 0).astype(np.float32) / np.float32(255)
    return torch.from_numpy(np.ascontiguousarray(scaled))


def to_tensor_three_planes(frame):
    """One plane per colour, stacked."""
    red = torch.tensor(frame[:, :, 0])
    green = torch.tensor(frame[:, :, 1])
    blue = torch.tensor(frame[:, :, 2])
    return torch.stack([red, green, blue]).to(torch.float32).div(255.0)


def to_tensor_lookup_table(frame):
    """Each stored value picks its decimal number from a table of 256."""
    table = torch.linspace(0, 1, 256, dtype=torch.float64).float()
    return table[torch.as_tensor(frame.transpose(2, 0, 1).astype(np.int64))]


def to_tensor_loops(frame):
    """Number by number."""
    height, width, _ = frame.shape
    result = torch.zeros(3, height, width)
    for y in range(height):
        for x in range(width):
            for c in range(3):
                result[c, y, x] = int(frame[y, x, c]) / 255
    return result


def to_tensor_reshape(frame):
    """Wrong: reshape cuts the numbers up anew, the colours are mixed up."""
    height, width, colours = frame.shape
    return torch.from_numpy(frame).reshape(colours, height, width).float() / 255


def to_tensor_transpose_0_2(frame):
    """Wrong: exchanges the first and the last axis, so the picture lies on its side."""
    return torch.from_numpy(np.swapaxes(frame, 0, 2).astype(np.float32) / 255)


def to_tensor_divided_by_256(frame):
    """Wrong: 255 becomes 0.996."""
    return torch.from_numpy(frame).permute(2, 0, 1).float() / 256


def to_tensor_half(frame):
    """Wrong: float16 instead of float32."""
    return (torch.from_numpy(frame).permute(2, 0, 1) / 255).half()


def to_tensor_divided_by_own_maximum(frame):
    """Wrong: divides by the frame's brightest value; right only if some value is 255."""
    return torch.from_numpy(frame).permute(2, 0, 1).float() / frame.max()


def to_tensor_blue_first(frame):
    """Wrong: turns the colours round as after cv2.imread, although the frame is RGB already."""
    return torch.from_numpy(frame[:, :, ::-1].copy()).permute(2, 0, 1).float() / 255


def to_tensor_with_batch_axis(frame):
    """Wrong: [1, 3, height, width], an axis too many."""
    return torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255


def to_tensor_channels_last(frame):
    """Wrong: only converts, the colours stay behind."""
    return torch.from_numpy(frame).float() / 255


class FadeScalar(nn.Module):
    """A parameter without axes, and the formula as it stands."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, before, after):
        w = torch.sigmoid(self.weight)
        return (1 - w) * before + w * after


class FadeVectorOfOne(nn.Module):
    """A parameter with one entry, and one product less."""

    def __init__(self):
        super().__init__()
        self.moment = nn.Parameter(torch.zeros(1))

    def forward(self, before, after):
        return before + self.moment.sigmoid() * (after - before)


class FadeLerp(nn.Module):
    """torch.lerp is a cross-fade."""

    def __init__(self):
        super().__init__()
        self.register_parameter("logit", nn.Parameter(torch.tensor(0.0)))

    def forward(self, before, after):
        return torch.lerp(before, after, torch.sigmoid(self.logit))


class FadeOwnSigmoid(nn.Module):
    """The sigmoid written with exp."""

    def __init__(self):
        super().__init__()
        self.x = nn.Parameter(torch.tensor([0.0], requires_grad=True))

    def forward(self, before, after):
        w = 1.0 / (1.0 + torch.exp(-self.x[0]))
        v = 1.0 - w
        return v * before + w * after


class FadeNestedModule(nn.Module):
    """The number lives in a module inside, the sigmoid is a layer."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.inner.weight)
        self.squash = nn.Sigmoid()

    def forward(self, before, after):
        w = self.squash(self.inner.weight).reshape(())
        return torch.mul(after, w) + torch.mul(before, 1 - w)


class FadePlainTensor(nn.Module):
    """Wrong: a tensor that needs a gradient is no parameter; parameters() is empty."""

    def __init__(self):
        super().__init__()
        self.weight = torch.zeros((), requires_grad=True)

    def forward(self, before, after):
        w = torch.sigmoid(self.weight)
        return (1 - w) * before + w * after


class FadeBackwards(nn.Module):
    """Wrong: w weighs the frame before; the same at the start only."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, before, after):
        w = torch.sigmoid(self.weight)
        return w * before + (1 - w) * after


class FadeWithoutSigmoid(nn.Module):
    """Wrong: mixes by the number itself, so it starts with the frame before."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, before, after):
        return (1 - self.weight) * before + self.weight * after


class FadeRandomStart(nn.Module):
    """Wrong: starts at a random number."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1))

    def forward(self, before, after):
        w = torch.sigmoid(self.weight)
        return (1 - w) * before + w * after


class FadeNewParameterInForward(nn.Module):
    """Wrong: each call starts with a new parameter, nothing that was learned stays."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, before, after):
        self.weight = nn.Parameter(torch.zeros(()))
        w = torch.sigmoid(self.weight)
        return (1 - w) * before + w * after


class FadeNumberPerColour(nn.Module):
    """Wrong: three numbers, one per colour."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3, 1, 1))

    def forward(self, before, after):
        w = torch.sigmoid(self.weight)
        return (1 - w) * before + w * after


class FadeFrozen(nn.Module):
    """Wrong: the parameter asks for no gradient."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()), requires_grad=False)

    def forward(self, before, after):
        w = torch.sigmoid(self.weight)
        return (1 - w) * before + w * after


class FadeAlwaysHalf(nn.Module):
    """Wrong: returns the average whatever the number is."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, before, after):
        return (before + after) / 2 + 0 * self.weight


def train_optimizer(model, before, after, truth, steps, learning_rate):
    """torch.optim.SGD and F.mse_loss."""
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    losses = []
    for _ in range(steps):
        loss = nn.functional.mse_loss(model(before, after), truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def train_moves_by_hand(model, before, after, truth, steps, learning_rate):
    """No optimizer: each parameter is moved by hand."""
    losses = []
    for _ in range(steps):
        for parameter in model.parameters():
            parameter.grad = None
        difference = model(before, after) - truth
        loss = (difference * difference).mean()
        loss.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.grad is not None:
                    parameter -= learning_rate * parameter.grad
        losses.append(float(loss))
    return losses


def train_autograd_grad(model, before, after, truth, steps, learning_rate):
    """torch.autograd.grad leaves .grad alone."""
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    notes = []
    for _ in range(steps):
        loss = torch.mean(torch.square(truth - model(before, after)))
        gradients = torch.autograd.grad(loss, learning, allow_unused=True)
        for parameter, gradient in zip(learning, gradients, strict=True):
            if gradient is not None:
                parameter.data.add_(gradient, alpha=-learning_rate)
        notes.append(loss.detach().cpu().numpy().item())
    return notes


def train_functional(model, before, after, truth, steps, learning_rate):
    """Parameters in a dictionary, copied back into the model at the end of each step."""

    def error(numbers):
        return ((torch.func.functional_call(model, numbers, (before, after)) - truth) ** 2).mean()

    losses = []
    for _ in range(steps):
        numbers = {name: parameter.detach() for name, parameter in model.named_parameters()}
        gradients, loss = torch.func.grad_and_value(error)(numbers)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(numbers[name] - learning_rate * gradients[name])
        losses.append(loss.tolist())
    return losses


def train_while_loop(model, before, after, truth, steps, learning_rate):
    """A while loop, nn.MSELoss, model.zero_grad."""
    criterion = nn.MSELoss()
    optimizer = torch.optim.SGD(params=list(model.parameters()), lr=learning_rate, momentum=0, weight_decay=0)
    model.train()
    step = 0
    losses = [0.0] * steps
    while step < steps:
        model.zero_grad()
        made = model(before, after)
        loss = criterion(made, truth)
        losses[step] = loss.detach().item()
        loss.backward()
        optimizer.step()
        step = step + 1
    return losses


def train_never_clears(model, before, after, truth, steps, learning_rate):
    """Wrong: gradients add up over the steps."""
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    losses = []
    for _ in range(steps):
        loss = ((model(before, after) - truth) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def train_loss_after_the_move(model, before, after, truth, steps, learning_rate):
    """Wrong: notes the loss after the parameters moved."""
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = ((model(before, after) - truth) ** 2).mean()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            losses.append(((model(before, after) - truth) ** 2).mean().item())
    return losses


def train_sum_moves_mean_noted(model, before, after, truth, steps, learning_rate):
    """Wrong: notes the mean, but moves by the gradient of the sum."""
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        squares = (model(before, after) - truth) ** 2
        squares.sum().backward()
        optimizer.step()
        losses.append(squares.mean().item())
    return losses


def train_half_the_error(model, before, after, truth, steps, learning_rate):
    """Wrong: half the mean squared error, as in the textbook of statistics."""
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = 0.5 * ((model(before, after) - truth) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def train_first_parameter_only(model, before, after, truth, steps, learning_rate):
    """Wrong: moves the first parameter only; enough for Fade, not for a model with two."""
    losses = []
    for _ in range(steps):
        model.zero_grad()
        loss = ((model(before, after) - truth) ** 2).mean()
        loss.backward()
        parameter = next(model.parameters())
        with torch.no_grad():
            parameter -= learning_rate * parameter.grad
        losses.append(loss.item())
    return losses


def train_uphill(model, before, after, truth, steps, learning_rate):
    """Wrong: adds the gradient instead of subtracting it."""
    losses = []
    for _ in range(steps):
        model.zero_grad()
        loss = ((model(before, after) - truth) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += learning_rate * parameter.grad
        losses.append(loss.item())
    return losses


def train_new_variable(model, before, after, truth, steps, learning_rate):
    """Wrong: makes a new tensor, the model's own parameter never moves."""
    losses = []
    for _ in range(steps):
        model.zero_grad()
        loss = ((model(before, after) - truth) ** 2).mean()
        loss.backward()
        for parameter in model.parameters():
            parameter = parameter - learning_rate * parameter.grad
        losses.append(loss.item())
    return losses


def train_a_copy(model, before, after, truth, steps, learning_rate):
    """Wrong: trains a copy; the losses are right, the model has learned nothing."""
    model = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = ((model(before, after) - truth) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def my_psnr_float64(made, truth):
    """The formula as it stands, in double precision."""
    mse = np.mean((made.astype(np.float64) - truth.astype(np.float64)) ** 2)
    return 10 * np.log10(255**2 / mse)


def my_psnr_opencv(made, truth):
    """OpenCV knows it."""
    return cv2.PSNR(made, truth)


def my_psnr_loops(made, truth):
    """Number by number, with Python's own whole numbers."""
    total = 0
    count = 0
    for row_made, row_truth in zip(made.tolist(), truth.tolist(), strict=True):
        for pixel_made, pixel_truth in zip(row_made, row_truth, strict=True):
            for a, b in zip(pixel_made, pixel_truth, strict=True):
                total += (a - b) ** 2
                count += 1
    return 10 * math.log(255 * 255 / (total / count), 10)


def my_psnr_torch(made, truth):
    """torch's mse_loss."""
    a = torch.tensor(made).double()
    b = torch.tensor(truth).double()
    return (10 * torch.log10(65025 / nn.functional.mse_loss(a, b))).item()


def my_psnr_norm(made, truth):
    """The root of the mean squared error by a norm, with 20 instead of 10."""
    root = cv2.norm(made, truth, cv2.NORM_L2) / math.sqrt(made.size)
    return 20 * math.log10(255 / root)


def my_psnr_bytes_wrap(made, truth):
    """Wrong: subtracts bytes, which wrap round."""
    mse = np.mean((made - truth) ** 2)
    return 10 * np.log10(255**2 / mse)


def my_psnr_int16(made, truth):
    """Wrong: squares of differences over 181 do not fit into int16; right for similar pictures."""
    difference = made.astype(np.int16) - truth.astype(np.int16)
    return 10 * np.log10(255**2 / np.mean(difference**2))


def my_psnr_255_not_squared(made, truth):
    """Wrong: 255 is not squared."""
    mse = np.mean((made.astype(float) - truth.astype(float)) ** 2)
    return 10 * np.log10(255 / mse)


def my_psnr_own_maximum(made, truth):
    """Wrong: the brightest value of the truth in place of 255."""
    mse = np.mean((made.astype(float) - truth.astype(float)) ** 2)
    return 10 * np.log10(float(truth.max()) ** 2 / mse)


def my_psnr_mean_of_colours(made, truth):
    """Wrong: averages the PSNRs of the three colours; not the PSNR of the average error."""
    values = []
    for c in range(3):
        mse = np.mean((made[:, :, c].astype(float) - truth[:, :, c].astype(float)) ** 2)
        values.append(10 * np.log10(255**2 / mse))
    return np.mean(values)


def my_psnr_two_decimals(made, truth):
    """Wrong: rounded to two decimals, not right to 0.001."""
    mse = np.mean((made.astype(float) - truth.astype(float)) ** 2)
    return round(float(10 * np.log10(255**2 / mse)), 2)


def my_psnr_whole_mse(made, truth):
    """Wrong: the mean squared error loses what is behind the point."""
    mse = int(np.mean((made.astype(float) - truth.astype(float)) ** 2))
    return 10 * np.log10(255**2 / mse) if mse else 100.0


def my_psnr_capped(made, truth):
    """Wrong: adds one to the error so that nothing is divided by zero; near enough only for poor pictures."""
    mse = np.mean((made.astype(float) - truth.astype(float)) ** 2)
    return 10 * np.log10(255**2 / (mse + 1))


RIGHT = {
    "00.1": [to_tensor_permute, to_tensor_moveaxis, to_tensor_three_planes, to_tensor_lookup_table, to_tensor_loops],
    "00.2": [FadeScalar, FadeVectorOfOne, FadeLerp, FadeOwnSigmoid, FadeNestedModule],
    "00.3": [train_optimizer, train_moves_by_hand, train_autograd_grad, train_functional, train_while_loop],
    "00.4": [my_psnr_float64, my_psnr_opencv, my_psnr_loops, my_psnr_torch, my_psnr_norm],
}


WRONG = {
    "00.1": [
        to_tensor_reshape,
        to_tensor_transpose_0_2,
        to_tensor_divided_by_256,
        to_tensor_half,
        to_tensor_divided_by_own_maximum,
        to_tensor_blue_first,
        to_tensor_with_batch_axis,
        to_tensor_channels_last,
    ],
    "00.2": [
        FadePlainTensor,
        FadeBackwards,
        FadeWithoutSigmoid,
        FadeRandomStart,
        FadeNewParameterInForward,
        FadeNumberPerColour,
        FadeFrozen,
        FadeAlwaysHalf,
    ],
    "00.3": [
        train_never_clears,
        train_loss_after_the_move,
        train_sum_moves_mean_noted,
        train_half_the_error,
        train_first_parameter_only,
        train_uphill,
        train_new_variable,
        train_a_copy,
    ],
    "00.4": [
        my_psnr_bytes_wrap,
        my_psnr_int16,
        my_psnr_255_not_squared,
        my_psnr_own_maximum,
        my_psnr_mean_of_colours,
        my_psnr_two_decimals,
        my_psnr_whole_mse,
        my_psnr_capped,
    ],
}
