"""Equal weights in equal modules have one fingerprint, and whatever changes an output changes it."""

from __future__ import annotations

import copy

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
