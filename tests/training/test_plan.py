"""The plan of a run: counted as the parts themselves count, with nothing written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lift_core.cli import main
from lift_core.model.config import preset
from lift_core.model.lift import LIFT
from lift_core.training.config import TrainConfig
from lift_core.training.plan import plan
from tests.data.clip_trees import write_vimeo


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_vimeo(tmp_path_factory.mktemp("vimeo"), categories=4, clips=1, frames=8)


def test_a_plan_counts_the_model_the_epoch_and_a_step(tree: Path) -> None:
    config = TrainConfig(
        data=(str(tree),), steps=10, batch=4, accumulate=2, phase2_crop=32, val_crop=32, val_fraction=0.3
    )
    told = plan(config)
    model = LIFT(preset("lift_tiny"))
    assert sum(told.parameters.values()) == sum(p.numel() for p in model.parameters())
    assert told.batches == told.samples // 4
    assert told.steps == -(-told.batches // 2)
    assert told.val_samples > 0
    double = plan(replace(config, phase2_crop=64))
    assert 3 < double.flop / told.flop < 4.5
    assert f"{told.samples} training samples" in told.text(config)
    assert "10 steps" in told.text(config)


def test_a_dry_run_prints_the_plan_and_writes_nothing(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    arguments = ["--data", str(tree), "--out", str(out), "--minutes", "3", "--crop", "32", "--batch", "2"]
    assert main(["train", *arguments, "--dry-run"]) == 0
    printed = capsys.readouterr().out
    for word in ("parameters", "GFLOP", "MB", "batches", "3 minutes"):
        assert word in printed
    assert not out.exists()
