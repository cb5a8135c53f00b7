"""Two processes on gloo: the losses of one process with the doubled batch, and one answer to memory that runs out."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lift_core.data.clip_writer import write_sequence
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.errors import TrainingError
from lift_core.model.weights import load_lift
from lift_core.training import trainer
from lift_core.training.checkpoint import list_checkpoints, load_checkpoint
from lift_core.training.config import TrainConfig
from lift_core.training.trainer import TrainingRun, train

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    root = tmp_path_factory.mktemp("clips")
    for seed in range(3):
        clip = ProceduralClip(ClipConfig(frames=12, height=40, width=48, seed=seed))
        write_sequence(root / "sequences" / f"{seed:02d}" / "0000", map(clip.frame, range(12)), 12)
    return TrainConfig(
        data=(str(root),),
        out=str(root / "alone"),
        steps=3,
        batch=4,
        phase2_crop=32,
        val_crop=32,
        val_fraction=0.34,
        val_windows_per_clip=3,
        val_every=3,
        workers=0,
        accelerator="cpu",
    )


@pytest.fixture(scope="module")
def alone(config: TrainConfig) -> TrainConfig:
    """The run of one process, done."""
    train(config)
    return config


def losses(config: TrainConfig) -> dict[tuple[str, str], float]:
    with (Path(config.out) / "log.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["name"].startswith("train/")]
    told = ("total", "charbonnier", "laplacian", "coarse", "warped", "smoothness", "distillation")
    return {
        (row["step"], row["name"]): float(row["value"]) for row in rows if row["name"].removeprefix("train/") in told
    }


def validations(config: TrainConfig) -> dict[str, float]:
    with (Path(config.out) / "log.csv").open() as file:
        return {row["name"]: float(row["value"]) for row in csv.DictReader(file) if row["name"].startswith("val/")}


def assert_same_training(one: TrainConfig, other: TrainConfig) -> None:
    first, second = losses(one), losses(other)
    assert first.keys() == second.keys()
    assert {step for step, _ in first} == {"1", "2", "3"}
    assert [second[place] for place in first] == pytest.approx(list(first.values()), rel=1e-3)
    weights = load_lift(other.out).state_dict()
    for name, tensor in load_lift(one.out).state_dict().items():
        torch.testing.assert_close(weights[name], tensor, atol=2e-4, rtol=1e-2)


def torchrun(*arguments: object) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [*TORCHRUN, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, env=environment)
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


def test_two_processes_under_torchrun_have_the_losses_of_one_with_the_doubled_batch(
    alone: TrainConfig, tmp_path: Path
) -> None:
    both = replace(alone, batch=2, out=str(tmp_path / "both"))
    (tmp_path / "config.json").write_text(json.dumps(both.to_dict()))
    said = torchrun("-m", "lift_core.cli", "train", "--config", tmp_path / "config.json")
    assert said.count("finished after 3 steps") == 1
    assert_same_training(alone, both)
    # Three windows, two of them the first process's.
    assert validations(both) == pytest.approx(validations(alone), abs=0.01)


def test_both_processes_take_smaller_parts_when_memory_runs_out_on_one_and_train_as_before(
    alone: TrainConfig, tmp_path: Path
) -> None:
    # One window: the second process has none to validate on.
    both = replace(alone, batch=2, out=str(tmp_path / "short"), val_windows_per_clip=1)
    (tmp_path / "config.json").write_text(json.dumps(both.to_dict()))
    said = torchrun(Path(__file__).with_name("several_processes.py"), tmp_path / "config.json")
    assert said.count("step 1: out of memory; each batch of 2 is now taken in 2 parts") == 1
    assert load_checkpoint(list_checkpoints(tmp_path / "short")[-1])["parts"] == 2
    assert_same_training(alone, both)


def test_a_single_sample_that_does_not_fit_ends_the_run_with_what_would(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: TrainingRun, batch: object) -> object:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(TrainingRun, "_loss", full)
    with pytest.raises(TrainingError, match="a single sample of lift_tiny does not fit") as caught:
        train(replace(config, out=str(tmp_path / "full"), phase2_crop=40))
    assert caught.value.fix is not None
    assert "--checkpointing" in caught.value.fix
    assert "a crop of 32" in caught.value.fix


def test_only_errors_about_memory_are_taken_for_such(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: TrainingRun, batch: object) -> object:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(TrainingRun, "_loss", broken)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        train(replace(config, out=str(tmp_path / "broken")))


def test_torchrun_decides_how_many_processes_there_are(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    assert trainer.processes_and_machines(replace(config, devices=2, num_nodes=3)) == (2, 3)
    for name, value in (("TORCHELASTIC_RUN_ID", "run"), ("LOCAL_WORLD_SIZE", "4"), ("WORLD_SIZE", "12")):
        monkeypatch.setenv(name, value)
    assert trainer.processes_and_machines(config) == (4, 3)
