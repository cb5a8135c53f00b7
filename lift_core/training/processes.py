"""What the processes of a run tell each other: the worst that happened to any, and the mean of their gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn


def largest(fabric: Fabric, *values: float) -> list[float]:
    """Of each value the largest that any process named; every process must ask, with as many values."""
    if fabric.world_size == 1:
        return [float(value) for value in values]
    return _reduced(fabric, torch.tensor(values, dtype=torch.float64, device=fabric.device), "max").tolist()


def mean_terms(fabric: Fabric, terms: Mapping[str, float]) -> dict[str, float]:
    """Values by name, averaged over the processes."""
    if fabric.world_size == 1:
        return dict(terms)
    values = torch.tensor(list(terms.values()), dtype=torch.float64, device=fabric.device)
    return dict(zip(terms, _reduced(fabric, values, "mean").tolist(), strict=True))


def mean_of_shares(fabric: Fabric, count: int, values: Sequence[float]) -> list[float]:
    """Means of values over what all processes counted together.

    Args:
        fabric: of the run; every process must ask, with as many values.
        count: of things of which ``values`` are this process's means; may be 0, and the values are then not looked at.
        values: this process's means.
    """
    if fabric.world_size == 1:
        return list(values)
    sums = [count * value if count else 0.0 for value in values]
    total = torch.tensor([count, *sums], dtype=torch.float64, device=fabric.device)
    count_of_all, *means = _reduced(fabric, total, "sum").tolist()
    return [value / count_of_all for value in means]


def average_gradients(fabric: Fabric, parameters: Iterable[nn.Parameter]) -> None:
    """Give every process the mean of all processes' gradients, in one exchange after the last backward pass.

    Gradients are not exchanged while the backward pass runs, as DistributedDataParallel does it: a process that runs
    out of memory there would leave the others waiting for it without end. A parameter without a gradient on any
    process stays so.
    """
    if fabric.world_size == 1:
        return
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    used = torch.tensor([float(parameter.grad is not None) for parameter in trained], device=fabric.device)
    flat = [torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten() for p in trained]
    mean = _reduced(fabric, torch.cat([*flat, used]), "mean")
    sizes = [parameter.numel() for parameter in trained]
    *gradients, used = mean.split([*sizes, len(trained)])
    for parameter, gradient, share in zip(trained, gradients, used.tolist(), strict=True):
        if share > 0:
            parameter.grad = gradient.view_as(parameter)


def _reduced(fabric: Fabric, values: Tensor, how: str) -> Tensor:
    result = fabric.all_reduce(values, reduce_op=how)
    assert isinstance(result, Tensor)
    return result
