"""What one new frame of a stream costs, counted on the meta device, where attention is counted too."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from lift_core.model.config import preset
from lift_core.model.lift import LIFT, WindowFeatures


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


def test_lift_tiny_has_about_a_million_parameters() -> None:
    with torch.device("meta"):
        count = sum(parameter.numel() for parameter in LIFT(preset("lift_tiny")).parameters())
    assert 0.7e6 < count < 1.5e6
