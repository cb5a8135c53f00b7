"""Weights files: round trips, and what is refused."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from lift_core.errors import WeightsError
from lift_core.model.config import LiftConfig
from lift_core.model.lift import LIFT
from lift_core.model.weights import HEADER, bundled_presets, load_lift, load_matching, save_weights


def test_saved_weights_come_back_in_eval_with_their_config(stirred_model: LIFT, tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    save_weights(stirred_model.train(), path)
    loaded = load_lift(path)
    assert loaded.config == stirred_model.config
    assert not loaded.training
    for name, tensor in stirred_model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_a_weights_file_can_be_read_by_those_who_may_read_new_files(stirred_model: LIFT, tmp_path: Path) -> None:
    save_weights(stirred_model, tmp_path / "own.safetensors")
    (tmp_path / "plain").write_text("")
    assert (tmp_path / "own.safetensors").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_equal_weights_make_equal_files(stirred_model: LIFT, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.safetensors" for number in range(8)]
    for path in paths:
        save_weights(stirred_model, path)
    assert len({path.read_bytes() for path in paths}) == 1


def test_a_run_folder_gives_its_final_weights(stirred_model: LIFT, tmp_path: Path) -> None:
    save_weights(stirred_model, tmp_path / "weights.safetensors")
    assert load_lift(tmp_path).config == stirred_model.config


def test_bundled_weights_load_by_name() -> None:
    assert "lift_tiny" in bundled_presets()
    assert load_lift("lift_tiny").config.name == "lift_tiny"


def test_a_preset_without_bundled_weights_says_how_to_get_some() -> None:
    with pytest.raises(WeightsError, match="lift train --preset lift_64"):
        load_lift("lift_64")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"nowhere\.safetensors"):
        load_lift(tmp_path / "nowhere.safetensors")


def test_a_truncated_file_is_refused(stirred_model: LIFT, tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    save_weights(stirred_model, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsError, match="damaged"):
        load_lift(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "step-00000001.pt"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="not a whole checkpoint"):
        load_lift(path)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(WeightsError, match="not a file of LIFT weights"):
        load_lift(path)


def test_a_header_of_lists_within_lists_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.safetensors"
    save_file({"weight": torch.zeros(3)}, path, metadata={HEADER: "[" * 100_000})
    with pytest.raises(WeightsError, match="damaged"):
        load_lift(path)


def test_a_pickle_is_refused_without_being_opened(tmp_path: Path) -> None:
    path = tmp_path / "evil.safetensors"
    torch.save({"weight": torch.zeros(3)}, path)
    with pytest.raises(WeightsError):
        load_lift(path)


def test_matching_weights_start_a_model_of_another_context_and_are_counted(
    stirred_model: LIFT, small_config: LiftConfig, tmp_path: Path
) -> None:
    path = tmp_path / "donor.safetensors"
    save_weights(stirred_model, path)
    model = LIFT(replace(small_config, name="other", synthesis_width=16))
    count = load_matching(model, str(path))
    assert 0 < count < len(model.state_dict())
    assert torch.equal(model.encoder.stem.weight, stirred_model.encoder.stem.weight)


def test_weights_whose_encoder_does_not_fit_are_refused(
    stirred_model: LIFT, small_config: LiftConfig, tmp_path: Path
) -> None:
    path = tmp_path / "donor.safetensors"
    save_weights(stirred_model, path)
    with pytest.raises(WeightsError, match="encoder tensors do not fit"):
        load_matching(LIFT(replace(small_config, stem_width=12)), str(path))
