"""Progress of a run and the learning rate at each point of it."""

from __future__ import annotations

import math

import pytest

from lift_core.training.config import TrainConfig
from lift_core.training.schedule import FLOOR, progress, rate_factor


def test_progress_follows_steps_or_the_clock() -> None:
    assert progress(TrainConfig(data=("d",), steps=200), 50, 9e9) == 0.25
    assert progress(TrainConfig(data=("d",), minutes=2.0), 9, 30.0) == 0.25
    assert progress(TrainConfig(data=("d",), steps=10), 25, 0.0) == 1.0


def test_the_rate_rises_linearly_then_falls_as_a_cosine() -> None:
    assert rate_factor(0.05, 0.1) == pytest.approx(0.5)
    assert rate_factor(0.1, 0.1) == pytest.approx(1.0)
    middle = FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * 0.5))
    assert rate_factor(0.55, 0.1) == pytest.approx(middle)
    assert rate_factor(1.0, 0.1) == pytest.approx(FLOOR)
    rates = [rate_factor(0.1 + 0.01 * k, 0.1) for k in range(91)]
    assert rates == sorted(rates, reverse=True)


def test_the_first_step_trains_too() -> None:
    assert rate_factor(0.0, 0.1) > 0
