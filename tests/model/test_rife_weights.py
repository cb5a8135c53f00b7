"""Loading RIFE's contextnet: whole files are told, everything else is refused, and no code of a file runs."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from lift_core.errors import WeightsError
from lift_core.model.config import LiftConfig, preset
from lift_core.model.contextnet import ContextNetEncoder
from lift_core.model.lift import LIFT
from lift_core.model.rife_weights import load_contextnet
from tests.model.rife_files import contextnet_state, flownet_state, newer_flownet_state


@pytest.fixture
def encoder(small_config: LiftConfig) -> ContextNetEncoder:
    torch.manual_seed(0)
    return ContextNetEncoder(small_config)


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("suffix", ["pkl", "pth", "safetensors"])
def test_the_trunk_within_a_flow_network_is_loaded_and_told(
    encoder: ContextNetEncoder, tmp_path: Path, prefix: str, suffix: str
) -> None:
    path, state = tmp_path / f"flownet.{suffix}", flownet_state(prefix)
    if suffix == "safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=suffix == "pth")
    adapter = encoder.adapt8.weight.clone()
    load = load_contextnet(encoder, path)
    assert (load.matched, load.total, load.left_out, load.prefix) == (24, 24, 4, f"{prefix}contextnet.")
    assert "24 of 24" in str(load)
    for name, tensor in contextnet_state().items():
        assert torch.equal(encoder.trunk.state_dict()[name], tensor)
    assert torch.equal(encoder.adapt8.weight, adapter)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_file_of_the_contextnet_alone_is_loaded(encoder: ContextNetEncoder, tmp_path: Path, prefix: str) -> None:
    torch.save({f"{prefix}{name}": tensor for name, tensor in contextnet_state().items()}, tmp_path / "contextnet.pkl")
    load = load_contextnet(encoder, tmp_path / "contextnet.pkl")
    assert (load.matched, load.left_out, load.prefix) == (24, 0, prefix)


def test_weights_in_half_precision_fill_a_float32_trunk(encoder: ContextNetEncoder, tmp_path: Path) -> None:
    torch.save({name: tensor.half() for name, tensor in flownet_state().items()}, tmp_path / "half.pkl")
    load_contextnet(encoder, tmp_path / "half.pkl")
    assert encoder.trunk.conv1.conv1[0].weight.dtype == torch.float32


def test_loaded_weights_change_what_lift_sees(tmp_path: Path) -> None:
    torch.save(flownet_state("module."), tmp_path / "flownet.pkl")
    config = preset("lift_tiny")
    model = LIFT(config, encoder=ContextNetEncoder(config)).eval()
    frames = torch.rand(1, 3, 32, 32)
    before = model.encode_frames(frames)
    load_contextnet(model.encoder, tmp_path / "flownet.pkl")  # type: ignore[arg-type]
    assert not torch.equal(model.encode_frames(frames), before)


def refused(encoder: ContextNetEncoder, path: Path, state: object, match: str) -> None:
    """The state is refused in these words, and the encoder is as it was."""
    torch.save(state, path)
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    with pytest.raises(WeightsError, match=match):
        load_contextnet(encoder, path)
    assert all(torch.equal(tensor, before[name]) for name, tensor in encoder.state_dict().items())


@pytest.mark.parametrize("name", ["conv1.conv1.0.weight", "conv3.conv2.1.weight", "conv4.conv2.0.bias"])
def test_a_file_that_lacks_one_tensor_is_refused(encoder: ContextNetEncoder, tmp_path: Path, name: str) -> None:
    state = flownet_state("module.")
    state.pop(f"module.contextnet.{name}")
    refused(encoder, tmp_path / "f.pkl", state, rf"matched 23 of 24 .* 1 missing, {name} first")


def test_a_file_that_lacks_a_whole_scale_is_refused(encoder: ContextNetEncoder, tmp_path: Path) -> None:
    state = {name: tensor for name, tensor in flownet_state().items() if "contextnet.conv1." not in name}
    refused(encoder, tmp_path / "f.pkl", state, "matched 18 of 24 .* 6 missing")


def test_a_tensor_of_another_shape_is_refused(encoder: ContextNetEncoder, tmp_path: Path) -> None:
    state = flownet_state() | {"contextnet.conv2.conv1.0.weight": torch.zeros(64, 16, 3, 3)}
    match = r"matched 23 of 24 .* 1 of another shape, .* \[64, 16, 3, 3\], not \[32, 16, 3, 3\]"
    refused(encoder, tmp_path / "f.pkl", state, match)


@pytest.mark.parametrize("prefix", ["", "module.", "contextnet."])
def test_an_older_contextnet_with_another_scale_in_front_is_refused(
    encoder: ContextNetEncoder, tmp_path: Path, prefix: str
) -> None:
    state = {f"{prefix}{name}": tensor for name, tensor in contextnet_state().items()}
    state[f"{prefix}conv0.conv1.0.weight"] = torch.zeros(32, 3, 3, 3)
    refused(encoder, tmp_path / "f.pkl", state, r"1 unknown, conv0\.conv1\.0\.weight first")


def test_a_newer_rife_without_contextnet_is_refused_in_words(encoder: ContextNetEncoder, tmp_path: Path) -> None:
    match = r"no contextnet among the 4 tensors .* RIFE 4\.5 and later have none.*Use the flownet\.pkl of RIFE 4\.0"
    refused(encoder, tmp_path / "f.pkl", newer_flownet_state(), match)


def test_a_file_of_another_model_is_refused(encoder: ContextNetEncoder, tmp_path: Path) -> None:
    refused(encoder, tmp_path / "f.pkl", {"layer1.0.weight": torch.zeros(2)}, r"\(0 matched\)")
    refused(encoder, tmp_path / "f.pkl", {"conv1.weight": torch.zeros(64, 3, 7, 7)}, "matched 0 of 24")


@pytest.mark.parametrize("state", [[1, 2], {"model": {"weight": torch.zeros(2)}}, torch.zeros(3), {3: torch.zeros(2)}])
def test_a_file_that_is_no_state_dict_is_refused(encoder: ContextNetEncoder, tmp_path: Path, state: object) -> None:
    refused(encoder, tmp_path / "f.pkl", state, "no tensors by name")


@pytest.mark.parametrize("suffix", ["pkl", "safetensors"])
@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", b"\x80\x02"])
def test_a_damaged_file_is_refused(encoder: ContextNetEncoder, tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"f.{suffix}"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="damaged"):
        load_contextnet(encoder, path)


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_truncated_file_is_refused(encoder: ContextNetEncoder, tmp_path: Path, kept: float, zipped: bool) -> None:
    path = tmp_path / "f.pkl"
    torch.save(flownet_state(), path, _use_new_zipfile_serialization=zipped)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(WeightsError, match="damaged"):
        load_contextnet(encoder, path)


def test_a_missing_file_is_named(encoder: ContextNetEncoder, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no such file \[.*nowhere\.pkl\]"):
        load_contextnet(encoder, tmp_path / "nowhere.pkl")


class Hostile:
    """Unpickled without care, it makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("way", ["plain", "zipped", "legacy"])
def test_no_code_of_a_hostile_file_runs(encoder: ContextNetEncoder, tmp_path: Path, way: str) -> None:
    path, mark = tmp_path / "flownet.pkl", tmp_path / "mark"
    state = flownet_state() | {"contextnet.extra": Hostile(mark)}
    if way == "plain":
        path.write_bytes(pickle.dumps(state, protocol=2))
    else:
        torch.save(state, path, _use_new_zipfile_serialization=way == "zipped")
    with pytest.raises(WeightsError, match="holds more than tensors"):
        load_contextnet(encoder, path)
    assert not mark.exists()
    if way == "plain":
        # The file does what it threatens when it is opened without care.
        pickle.loads(path.read_bytes())
        assert mark.exists()
