"""Model configs: presets, round trips, refusals."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lift_core.errors import ConfigError
from lift_core.model.config import PRESETS, LiftConfig, preset


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_survives_json(name: str) -> None:
    assert LiftConfig.from_dict(json.loads(json.dumps(preset(name).to_dict()))) == preset(name)


def test_full_presets_keep_the_published_widths() -> None:
    assert preset("lift_64").widths == preset("lift_15").widths == (128, 192, 256)
    assert (preset("lift_64").context, preset("lift_15").context, preset("lift_tiny").context) == (64, 14, 6)


def test_an_unknown_preset_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ConfigError, match="lift_64, lift_15, lift_tiny"):
        preset("lift-64")


def test_a_config_of_another_version_is_refused() -> None:
    values = preset("lift_tiny").to_dict()
    values["depth"] = values.pop("layers")
    with pytest.raises(ConfigError, match=r"missing \['layers'\], unknown \['depth'\]"):
        LiftConfig.from_dict(values)


def test_a_config_from_before_a_choice_existed_means_what_was_then_the_only_way() -> None:
    values = preset("lift_tiny").to_dict()
    del values["encoder"], values["start"]
    assert LiftConfig.from_dict(values) == preset("lift_tiny")


@pytest.mark.parametrize("change", [{"context": 7}, {"context": 0}, {"token_width": 90}, {"refine_width": 20}])
def test_sizes_that_cannot_work_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        replace(preset("lift_tiny"), **change)
