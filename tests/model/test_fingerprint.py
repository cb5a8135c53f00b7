"""Equal weights in equal modules have one fingerprint, and whatever changes an output changes it."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from lift_core.model.fingerprint import weights_fingerprint


def module(slope: float = 0.1, stride: int = 2) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3, stride=stride), nn.BatchNorm2d(4), nn.LeakyReLU(slope))


def test_a_copy_and_a_reloaded_module_have_the_same() -> None:
    first = module()
    loaded = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.BatchNorm2d(4), nn.LeakyReLU(0.1))
    loaded.load_state_dict(first.state_dict())
    assert weights_fingerprint(first) == weights_fingerprint(copy.deepcopy(first)) == weights_fingerprint(loaded)
    assert len(weights_fingerprint(first)) == 32


def one_bit(changed: nn.Module) -> nn.Module:
    with torch.no_grad():
        changed[0].bias.view(torch.int32)[1] ^= 1
    return changed


def buffer(changed: nn.Module) -> nn.Module:
    changed[1].running_mean[0] += 1
    return changed


class Extra(nn.Linear):
    """A layer that saves more than tensors."""

    def __init__(self, extra: object) -> None:
        super().__init__(2, 2)
        nn.init.ones_(self.weight)
        nn.init.zeros_(self.bias)
        self.extra = extra

    def get_extra_state(self) -> object:
        return self.extra

    def set_extra_state(self, state: object) -> None:
        self.extra = state


EXTRAS = [
    None,
    3,
    3.0,
    "3",
    b"3",
    {"scale": 3},
    {"scale": 4},
    {"size": 3},
    {"scale": torch.ones(3)},
    {"scale": torch.ones(4)},
    {"scale": [torch.ones(3), 1]},
    {"scale": (torch.ones(3), 1)},
    torch.ones(3),
    [[1], 2],
    [[1, 2]],
    np.arange(3),
    np.arange(4),
]


def test_extra_state_is_part_of_it() -> None:
    found = [weights_fingerprint(nn.Sequential(Extra(extra))) for extra in EXTRAS]
    assert len(set(found)) == len(EXTRAS)
    assert found == [weights_fingerprint(copy.deepcopy(nn.Sequential(Extra(extra)))) for extra in EXTRAS]


@pytest.mark.parametrize(
    "other",
    [
        one_bit(module()),
        buffer(module()),
        module().half(),
        module(slope=0.2),
        module(stride=1),
        nn.Sequential(*module(), nn.ReLU()),
    ],
    ids=["one bit", "buffer", "dtype", "slope", "stride", "layer"],
)
def test_whatever_changes_the_output_changes_it(other: nn.Module) -> None:
    assert weights_fingerprint(other) != weights_fingerprint(module())
