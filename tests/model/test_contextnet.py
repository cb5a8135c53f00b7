"""The encoder on RIFE's trunk: its numbers, its widths, and its place in LIFT."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from lift_core.errors import ConfigError
from lift_core.model.config import LiftConfig, preset
from lift_core.model.contextnet import ContextNetEncoder, ContextTrunk
from lift_core.model.lift import LIFT
from lift_core.model.weights import load_lift, save_weights
from tests.model.rife_files import CONTEXTNET_SHAPES, contextnet_state


def scales_by_formula(state: dict[str, torch.Tensor], frames: torch.Tensor) -> list[torch.Tensor]:
    """What RIFE's contextnet computes before it warps: the names of its file read as convolutions, in float64."""
    found, x = [], frames.double()
    for scale in range(1, 5):
        for conv, stride in (("conv1", 2), ("conv2", 1)):
            weight, bias, slope = (
                state[f"conv{scale}.{conv}.{part}"].double() for part in ("0.weight", "0.bias", "1.weight")
            )
            x = F.conv2d(x, weight, bias, stride=stride, padding=1)
            x = torch.where(x > 0, x, x * slope.view(1, -1, 1, 1))
        found.append(x)
    return found[1:]


def test_the_trunk_has_the_names_and_shapes_of_the_published_files() -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in ContextTrunk().state_dict().items()}
    assert shapes == CONTEXTNET_SHAPES


def test_the_trunk_computes_what_contextnet_computes() -> None:
    trunk, state = ContextTrunk(), contextnet_state()
    trunk.load_state_dict(state)
    frames = torch.rand(2, 3, 32, 64)
    for found, expected in zip(trunk(frames), scales_by_formula(state, frames), strict=True):
        torch.testing.assert_close(found.double(), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["lift_64", "lift_15", "lift_tiny"])
def test_adapters_lead_to_the_widths_of_the_config(name: str) -> None:
    config = preset(name)
    with torch.device("meta"):
        pyramid = ContextNetEncoder(config)(torch.empty(2, 3, 64, 96))
    assert [scale.shape[1] for scale in pyramid] == list(config.widths)
    assert [tuple(scale.shape[2:]) for scale in pyramid] == [(16, 24), (8, 12), (4, 6)]


def test_its_deepest_scale_does_not_depend_on_chunks(small_config: LiftConfig) -> None:
    encoder = ContextNetEncoder(replace(small_config, encode_chunk=3))
    frames = torch.rand(7, 3, 32, 32)
    torch.testing.assert_close(encoder.deepest(frames), encoder(frames).s16, atol=1e-6, rtol=1e-5)


def test_a_model_on_the_trunk_is_made_by_its_config_and_saved_with_it(small_config: LiftConfig, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = LIFT(replace(small_config, encoder="contextnet")).eval()
    assert isinstance(model.encoder, ContextNetEncoder)
    save_weights(model, tmp_path / "trunk.safetensors")
    loaded = load_lift(tmp_path / "trunk.safetensors")
    window = torch.rand(1, 4, 3, 40, 50), torch.tensor([[-1.5, -0.5, 0.5, 1.5]]), torch.ones(1, 4, dtype=torch.bool)
    assert torch.equal(loaded(*window, 0.5).frame, model(*window, 0.5).frame)


def test_an_unknown_encoder_is_refused(small_config: LiftConfig) -> None:
    with pytest.raises(ConfigError, match="pyramid or contextnet"):
        replace(small_config, encoder="resnet")  # type: ignore[arg-type]
