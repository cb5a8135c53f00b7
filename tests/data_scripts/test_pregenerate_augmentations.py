"""pregenerate_augmentations: what is stored is what training on the clips would see."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
import torch

from lift_core.data.open_dataset import open_dataset
from lift_core.data.pregenerated_dataset import PregeneratedDataset
from lift_core.data.sample import SampleKey
from lift_core.data.splits import SplitConfig
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
