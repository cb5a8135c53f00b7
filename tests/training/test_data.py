"""Tests of a run's loaders: how the rule for workers is asked, and that a phase's workers do not outlive it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from lift_core.data import tuner
from lift_core.data.loaders import Loaders
from lift_core.data.tuner import LoaderSettings
from lift_core.training import data as module
from lift_core.training import trainer
from lift_core.training.config import TrainConfig
from lift_core.training.trainer import TrainingRun
from tests.data.clip_trees import write_vimeo


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    clips = write_vimeo(tmp_path / "clips", categories=4, clips=1, frames=9)
    return TrainConfig(
        data=(str(clips),),
        out=str(tmp_path / "run"),
        steps=2,
        batch=2,
        phase1_crop=16,
        phase2_crop=16,
        val_crop=16,
        val_fraction=0.25,
        accelerator="cpu",
    )


def workers() -> set[int]:
    """This process's living children, but for the helpers that multiprocessing keeps until its end."""
    helpers = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
    children = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    return {child.pid for child in children if not any(name in " ".join(child.cmdline()) for name in helpers)}


@pytest.mark.parametrize(("local", "processes"), [(None, 4), ("2", 2)])
def test_the_rule_knows_the_batch_and_the_processes_of_this_machine(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch, local: str | None, processes: int
) -> None:
    asked = []

    def rule(**arguments: Any) -> LoaderSettings:
        asked.append(arguments)
        return LoaderSettings()

    monkeypatch.setattr(module, "recommend_settings", rule)
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    if local is not None:
        monkeypatch.setenv("LOCAL_WORLD_SIZE", local)
    loaders = module.make_loaders(config, 16, rank=1, world_size=4)
    batch = next(iter(loaders.train))
    assert asked == [{"batch_bytes": batch["frames"].nbytes + batch["gt"].nbytes, "processes": processes}]


def test_ranks_of_a_machine_share_its_cores(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuner, "usable_cores", lambda: 16)
    monkeypatch.setattr(tuner.torch.accelerator, "is_available", lambda: True)
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    alone = module.make_loaders(config, 16).train.settings.num_workers
    beside = module.make_loaders(config, 16, world_size=4).train.settings.num_workers
    assert 1 <= beside <= 3 < alone


def test_validation_leaves_no_workers_and_a_new_phase_none_of_the_former(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = workers()
    run = TrainingRun(trainer.Fabric(accelerator="cpu", devices=1), replace(config, workers=2), resume=False)
    former = run._loaders(16)
    next(iter(former.train))
    assert len(workers() - before) == 2
    assert former.val is not None
    assert len(list(former.val)) > 0
    assert len(workers() - before) == 2, "those of training alone"
    del former
    alive = []

    def making(*arguments: Any, **more: Any) -> Loaders:
        alive.append(workers() - before)
        return module.make_loaders(*arguments, **more)

    monkeypatch.setattr(trainer, "make_loaders", making)
    run._loaders(24)
    assert alive == [set()]
