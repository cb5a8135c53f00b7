"""Training configs: round trips and refusals."""

from __future__ import annotations

import json
from math import inf, nan

import pytest

from lift_core.errors import ConfigError
from lift_core.training.config import LossConfig, TrainConfig


def test_a_config_survives_json() -> None:
    config = TrainConfig(data=("a", "b"), steps=3, strides=(2, 4), loss=LossConfig(census=0.5))
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": ()}, "needs data"),
        ({"steps": None}, "steps or so many minutes"),
        ({"minutes": 3.0}, "steps or so many minutes"),
        ({"steps": None, "minutes": nan}, "minutes must be above 0 and finite"),
        ({"steps": None, "minutes": inf}, "minutes must be above 0 and finite"),
        ({"steps": 0}, "steps must be above 0"),
        ({"batch": 0}, "batch must be at least 1"),
        ({"strides": (1,)}, "strides must be at least 2"),
        ({"pregenerated": "p", "phase1_crop": 64, "phase2_crop": 128}, "variants have one size"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TrainConfig(**{"data": ("d",), "steps": 5, **options})  # type: ignore[arg-type]


def test_a_config_of_another_version_is_refused() -> None:
    with pytest.raises(ConfigError, match="momentum"):
        TrainConfig.from_dict({"data": ["d"], "steps": 5, "momentum": 0.9})


def test_a_config_of_a_newer_version_says_so() -> None:
    values = TrainConfig(data=("clips",), steps=1).to_dict()
    with pytest.raises(ConfigError, match="version 2, this package reads version 1"):
        TrainConfig.from_dict({**values, "version": 2, "names_of_the_future": 3})


@pytest.mark.parametrize(
    ("name", "value"),
    [("scales", ()), ("scales", (0.0,)), ("scales", (1.5,)), ("scales", (1.0, nan)), ("checkpointing", ("decoder",))],
)
def test_scales_and_stages_that_cannot_be_are_refused(name: str, value: tuple[object, ...]) -> None:
    with pytest.raises(ConfigError):
        TrainConfig(data=("clips",), steps=1, **{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{}, {"encoder": "contextnet", "init": "lift_tiny"}])
def test_a_rife_file_for_another_encoder_or_beside_other_weights_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="contextnet"):
        TrainConfig(data=("clips",), steps=1, contextnet="flownet.pkl", **options)  # type: ignore[arg-type]
