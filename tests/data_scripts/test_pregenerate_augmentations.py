"""pregenerate_augmentations: what is stored is what training on the clips would see."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch

from lift_core.data.open_dataset import open_dataset
from lift_core.data.pregenerated_dataset import PregeneratedDataset
from lift_core.data.sample import SampleKey
from lift_core.data.splits import SplitConfig
from lift_core.errors import ConfigError, LiftError
from lift_core.training.config import TrainConfig
from lift_core.training.data import make_loaders
from tests.data.clip_trees import write_vimeo
from tests.data.damage import flip_bit
from tests.data_scripts.scripts import load_script

OPTIONS = ["--variants", "2", "--context", "4", "--crop", "16x16", "--seed", "5"]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_script("pregenerate_augmentations")


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    return write_vimeo(tmp_path / "clips", 1, 2, 9)


def test_variant_k_is_what_epoch_k_sees(
    script: ModuleType, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "store"
    assert script.main([str(clips), str(out), *OPTIONS, "--samples-per-clip", "2"]) == 0
    assert "8 variants: 8 written, 0 were there, 0 left out" in capsys.readouterr().out
    config = script.data_config(script.parse([str(clips), str(out), *OPTIONS, "--samples-per-clip", "2"]))
    everything = SplitConfig((1.0, 0.0, 0.0))
    stored = PregeneratedDataset(out, split_config=everything, dtype=torch.uint8)
    options = config.options("train")
    live = open_dataset(clips, config.window, type(options)(**{**vars(options), "split_config": everything}))
    assert len(stored) == len(live) == 4
    for index in range(4):
        for epoch in range(2):
            ours, theirs = stored[SampleKey(epoch, index)], live[SampleKey(epoch, index)]
            assert torch.equal(ours["frames"], theirs["frames"])
            assert torch.equal(ours["gt"], theirs["gt"])


def test_a_second_run_keeps_what_is_there_and_adds(
    script: ModuleType, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(clips), str(tmp_path / "store"), *OPTIONS, "--samples-per-clip", "1"]
    assert script.main(arguments) == 0
    capsys.readouterr()
    assert script.main([*arguments, "--variants", "3"]) == 0
    printed = capsys.readouterr()
    assert "6 variants: 2 written, 4 were there" in printed.out
    assert "6/6" in printed.err


def test_a_check_tells_and_mends_what_is_damaged(
    script: ModuleType, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(clips), str(tmp_path / "store"), *OPTIONS, "--samples-per-clip", "1"]
    assert script.main(arguments) == 0
    damaged = next((tmp_path / "store" / "samples").rglob("*.safetensors"))
    before = damaged.read_bytes()
    flip_bit(damaged, -1)
    assert script.main(arguments) == 0
    assert damaged.read_bytes() != before
    capsys.readouterr()
    assert script.main([*arguments, "--check"]) == 0
    printed = capsys.readouterr()
    assert "mended: 1 samples were damaged and are made anew" in printed.out
    assert "4 variants: 1 written, 3 were there, 0 left out" in printed.out
    assert "4/4" in printed.err
    assert damaged.read_bytes() == before


def test_what_cannot_be_read_stops_or_is_told(
    script: ModuleType, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (clips / "sequences" / "00001" / "0002" / "im05.png").write_bytes(b"")
    arguments = [str(clips), str(tmp_path / "store"), *OPTIONS, "--samples-per-clip", "1"]
    assert script.main(arguments) == 2
    assert "pregenerate_augmentations: frame 4: empty file" in capsys.readouterr().err
    assert script.main([*arguments, "--on-error", "skip", "--fresh"]) == 1
    printed = capsys.readouterr()
    assert "2 written, 0 were there, 2 left out" in printed.out
    assert printed.err.count("left out: ") == 2


@pytest.mark.parametrize(
    "options",
    [["--crop", "16"], ["--variants", "0"], ["--variants", "50000000"], ["--context", "3"], ["--consecutive", "4"]],
)
def test_impossible_options_are_one_line(
    options: list[str], script: ModuleType, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main([str(clips), str(tmp_path / "store"), *options]) == 2
    assert "pregenerate_augmentations: " in capsys.readouterr().err


@pytest.fixture
def run_config(clips: Path, tmp_path: Path) -> TrainConfig:
    return TrainConfig(data=(str(clips),), steps=1, batch=1, phase1_crop=16, phase2_crop=16, samples_per_clip=1, seed=3)


def write_config(config: TrainConfig, path: Path) -> str:
    path.write_text(json.dumps(config.to_dict()))
    return str(path)


def test_variants_made_for_a_run_are_what_it_reads_without_them(
    script: ModuleType, clips: Path, tmp_path: Path, run_config: TrainConfig
) -> None:
    named = write_config(run_config, tmp_path / "config.json")
    out = str(tmp_path / "store")
    assert script.main([str(clips), out, "--variants", "2", "--train-config", named]) == 0
    live, stored = (
        make_loaders(replace(run_config, workers=0, pregenerated=folder), 16).train for folder in (None, out)
    )
    for epoch in range(2):
        batches = []
        for loader in (live, stored):
            loader.sampler.set_epoch(epoch)
            batches.append(
                [{name: value.clone() for name, value in batch.items() if name != "key"} for batch in loader]
            )
        assert len(batches[0]) == len(batches[1]) > 0
        for ours, theirs in zip(*batches, strict=True):
            assert ours.keys() == theirs.keys()
            assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize(
    "other", [{"seed": 4}, {"colour_probability": 0.0}, {"phase1_crop": 24, "phase2_crop": 24}, {"strides": (3,)}]
)
def test_a_run_refuses_variants_made_for_another(
    script: ModuleType, clips: Path, tmp_path: Path, run_config: TrainConfig, other: dict[str, object]
) -> None:
    named = write_config(replace(run_config, **other), tmp_path / "config.json")
    out = str(tmp_path / "store")
    assert script.main([str(clips), out, "--variants", "1", "--train-config", named]) == 0
    with pytest.raises(ConfigError, match="made with other settings"):
        make_loaders(replace(run_config, pregenerated=out), 16)


def test_a_run_says_where_no_variants_are(tmp_path: Path, run_config: TrainConfig) -> None:
    with pytest.raises(LiftError, match="nowhere"):
        make_loaders(replace(run_config, pregenerated=str(tmp_path / "nowhere")), 16)


@pytest.mark.parametrize("crop", ["32x32", "256x256"])
def test_what_a_config_says_cannot_be_said_again(
    script: ModuleType,
    clips: Path,
    tmp_path: Path,
    run_config: TrainConfig,
    crop: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    named = write_config(run_config, tmp_path / "config.json")
    with pytest.raises(SystemExit) as ended:
        script.main([str(clips), str(tmp_path / "store"), "--train-config", named, "--crop", crop])
    assert ended.value.code == 2
    assert "leave out --crop" in capsys.readouterr().err
    assert not (tmp_path / "store").exists()
