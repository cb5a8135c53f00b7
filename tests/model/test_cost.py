"""What one new frame of a stream costs, counted on the meta device, where attention is counted too."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from lift_core.model.config import preset
from lift_core.model.lift import LIFT, WindowFeatures
from lift_core.model.transformer import TemporalWindowAttention


def gigaflop_per_new_frame(name: str, side: int = 256) -> float:
    """Two frames encoded, one aggregation, one decoding, at ``side`` x ``side``."""
    config = preset(name)
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        model = LIFT(config).eval()
        reference = model.encode_reference(torch.empty(1, 3, side, side))
        model.encode_frames(torch.empty(1, 3, side, side))
        s16 = torch.empty(1, config.context, config.widths[2], side // 16, side // 16)
        times, valid = torch.empty(1, config.context), torch.ones(1, config.context, dtype=torch.bool)
        features = WindowFeatures(s16, reference, reference)
        model.decode(features, model.aggregate(features, times, valid), torch.empty(1))
    return counter.get_total_flops() / 1e9


@pytest.mark.parametrize(("name", "most"), [("lift_tiny", 6), ("lift_15", 40), ("lift_64", 65)])
def test_a_new_frame_costs_no_more_than_planned(name: str, most: float) -> None:
    assert 0 < gigaflop_per_new_frame(name) <= most


@pytest.mark.parametrize(("length", "window"), [(16, 8), (64, 8), (64, 64), (20, 8)])
@pytest.mark.parametrize("shifted", [False, True])
def test_the_counter_sees_attention_as_the_formula_does(length: int, window: int, shifted: bool) -> None:
    batch, places, width = 2, 5, 32
    covered = length if length <= window else -(-(length + (window // 2 if shifted else 0)) // window) * window
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        layer = TemporalWindowAttention(width, 4, window, shifted=shifted)
        layer(torch.empty(batch, places, length, width), torch.ones(batch, length, dtype=torch.bool))
    # Query, key, value and output: four products of a token with a width x width matrix. Scores and their mixing: two
    # products of a token, those that fill up windows included, with each of its window. A multiplication and an
    # addition are two operations.
    linear, mixing = 4 * length * width**2, 2 * covered * min(window, length) * width
    assert counter.get_total_flops() == 2 * batch * places * (linear + mixing)


def test_the_flow_estimator_narrows_its_features_before_3x3_convolutions() -> None:
    config = preset("lift_64")
    with torch.device("meta"):
        flow = LIFT(config).flow
    wide = [layer.in_channels for layer in flow.modules() if isinstance(layer, nn.Conv2d) and layer.kernel_size[0] > 1]
    assert max(wide) <= max(config.flow_widths) == 128


def test_lift_tiny_has_about_a_million_parameters() -> None:
    with torch.device("meta"):
        count = sum(parameter.numel() for parameter in LIFT(preset("lift_tiny")).parameters())
    assert 0.7e6 < count < 1.5e6
