"""Runs of a few steps: their files, resuming to the same bits, stopping, refusals."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lift_core.commands.train import STOPPED
from lift_core.data.batches import split_batch
from lift_core.data.clip_writer import write_sequence
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.data.sample import Batch
from lift_core.errors import CheckpointError, LoaderError, OutputError, TrainingError
from lift_core.model.weights import load_lift
from lift_core.training import trainer
from lift_core.training.checkpoint import list_checkpoints
from lift_core.training.config import TrainConfig
from lift_core.training.schedule import draw_scale
from lift_core.training.step_batches import StepBatches, StepGroup
from lift_core.training.trainer import TrainingRun, train
from tests.model.rife_files import contextnet_state, flownet_state


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("clips")
    for seed in range(3):
        clip = ProceduralClip(ClipConfig(frames=9, height=40, width=48, seed=seed))
        write_sequence(root / "sequences" / f"{seed:02d}" / "0000", map(clip.frame, range(9)), 9)
    return root


@pytest.fixture
def config(clips: Path, tmp_path: Path) -> TrainConfig:
    return TrainConfig(
        data=(str(clips),),
        out=str(tmp_path / "run"),
        steps=4,
        batch=2,
        phase1_crop=32,
        phase2_crop=32,
        val_crop=32,
        val_fraction=0.34,
        val_windows_per_clip=2,
        val_every=2,
        workers=0,
        accelerator="cpu",
    )


def final_weights(config: TrainConfig) -> dict[str, torch.Tensor]:
    return load_lift(config.out).state_dict()


def assert_same_bits(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name


def first_step(run: TrainingRun) -> StepGroup:
    """The first step's batches of phase 2."""
    train = run._loaders(run.config.phase2_crop).train
    return next(iter(StepBatches(train, len(train), run.config.accumulate, torch.device("cpu"))))


def break_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the run die inside optimizer step ``step``, before it changes anything."""
    original = TrainingRun.optimize

    def dying(self: TrainingRun, group: Any) -> dict[str, float]:
        if self.step + 1 == step:
            raise KeyboardInterrupt
        return original(self, group)

    monkeypatch.setattr(TrainingRun, "optimize", dying)


def test_a_run_leaves_config_log_checkpoints_and_weights(config: TrainConfig) -> None:
    result = train(config)
    out = Path(config.out)
    assert result.finished
    assert result.step == 4
    assert np.isfinite(result.best_psnr)
    assert [path.name for path in list_checkpoints(out)] == ["step-00000002.pt", "step-00000004.pt"]
    assert list((out / "tensorboard").iterdir())
    assert load_lift(out / "best.safetensors").config.name == "lift_tiny"
    with (out / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["name"] for row in rows} >= {"val/psnr", "val/psnr_blend"}
    assert TrainConfig.from_dict(json.loads((out / "config.json").read_text())) == config


def test_a_checkpoint_can_be_used_for_inference_as_it_is(config: TrainConfig) -> None:
    train(config)
    assert_same_bits(load_lift(list_checkpoints(Path(config.out))[-1]).state_dict(), final_weights(config))


def test_training_changes_the_model_and_lowers_the_loss_on_one_batch(config: TrainConfig) -> None:
    torch.manual_seed(0)
    run = TrainingRun(trainer.Fabric(accelerator="cpu", devices=1), config, resume=False)
    group = first_step(run)
    run.model.train()
    run.step = 1
    losses = [run.optimize(group)["total"] for _ in range(12)]
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("broken", [2, 3, 4])
def test_a_run_that_died_ends_with_the_same_bits_after_resuming(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    steady = replace(config, val_every=1)
    train(steady)
    died = replace(steady, out=str(tmp_path / "died"))
    with monkeypatch.context() as patch:
        break_at(broken, patch)
        with pytest.raises(KeyboardInterrupt):
            train(died)
    result = train(died, resume=True)
    assert result.step == 4
    assert_same_bits(final_weights(steady), final_weights(died))


def test_sigterm_saves_and_the_run_can_be_resumed_to_the_same_bits(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(config)
    stopped = replace(config, out=str(tmp_path / "stopped"))
    original = TrainingRun.optimize

    def terminated(self: TrainingRun, group: Any) -> dict[str, float]:
        signal.raise_signal(signal.SIGTERM)
        return original(self, group)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingRun, "optimize", terminated)
        result = train(stopped)
    assert not result.finished
    assert result.step == 1
    train(stopped, resume=True)
    assert_same_bits(final_weights(config), final_weights(stopped))


def test_a_bigger_batch_than_the_rest_of_the_epoch_goes_on_with_the_next_one(config: TrainConfig) -> None:
    run = TrainingRun(trainer.Fabric(accelerator="cpu", devices=1), replace(config, steps=1), resume=False)
    sampler = run._loaders(32).train.sampler
    length = sampler.state_after(0).length
    run.position = {**sampler.state_after(0).as_dict(), "cursor": length - 1}
    assert run.fit().finished
    assert run.position["epoch"] == 1


def gradients_of(run: TrainingRun, group: Any) -> list[torch.Tensor]:
    run.model.train()
    run._backward(group)
    return [p.grad.clone() for p in run.model.parameters() if p.grad is not None]


def test_accumulated_batches_give_the_gradient_of_the_big_batch(config: TrainConfig) -> None:
    run = TrainingRun(trainer.Fabric(accelerator="cpu", devices=1), replace(config, batch=4), resume=False)
    big = next(iter(first_step(run)))
    whole = gradients_of(run, [big])
    for halves in ([2, 2], [3, 1]):
        run.parts = 1
        if halves == [2, 2]:
            parts = gradients_of(run, split_batch(big, 2))
        else:
            run.parts = 3
            parts = gradients_of(run, [big])
        for one, other in zip(whole, parts, strict=True):
            torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-3)


def test_phase_one_freezes_the_loaded_encoder(config: TrainConfig, tmp_path: Path) -> None:
    train(replace(config, steps=1))
    start = final_weights(replace(config, steps=1))
    second = replace(config, out=str(tmp_path / "second"), init=config.out, phase1_share=1.0, steps=2)
    train(second)
    end = final_weights(second)
    moved = {name for name in end if not torch.equal(start[name], end[name])}
    assert moved
    assert not any(name.startswith("encoder.") for name in moved)


def test_phase_one_is_skipped_and_said_so_without_loaded_weights(
    config: TrainConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    train(replace(config, steps=1))
    assert "phase 1 is skipped" in capsys.readouterr().out


def test_a_run_is_not_overwritten(config: TrainConfig) -> None:
    train(replace(config, steps=1))
    with pytest.raises(OutputError, match="--resume"):
        train(replace(config, steps=1))


def test_resuming_nothing_is_refused(config: TrainConfig) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint"):
        train(config, resume=True)


def spoil(batch: Batch) -> Batch:
    """The batch with one pixel of its second sample that is not a number."""
    frames = batch["frames"].clone()
    frames[1, 2, 0, 5, 7] = float("nan")
    return {**batch, "frames": frames}


def test_a_loss_that_is_not_finite_names_its_sample_and_changes_nothing(config: TrainConfig) -> None:
    run = TrainingRun(trainer.Fabric(accelerator="cpu", devices=1), config, resume=False)
    batch = next(iter(first_step(run)))
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    with pytest.raises(TrainingError, match="not finite") as caught:
        run.optimize([spoil(batch)])  # type: ignore[arg-type]
    assert caught.value.where == batch["key"][1]
    assert_same_bits(before, run.model.state_dict())


def test_a_step_that_is_not_finite_is_left_out_where_the_config_says_so(
    config: TrainConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    run = TrainingRun(trainer.Fabric(accelerator="cpu", devices=1), replace(config, on_nonfinite="skip"), resume=False)
    batch = next(iter(first_step(run)))
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    run.optimize([spoil(batch)])  # type: ignore[arg-type]
    assert run.left_out == 1
    assert batch["key"][1] in capsys.readouterr().out
    assert_same_bits(before, run.model.state_dict())
    run.optimize([batch])  # type: ignore[arg-type]
    assert run.left_out == 1
    assert any(not torch.equal(before[name], value) for name, value in run.model.state_dict().items())


def test_a_gradient_that_is_not_finite_under_a_finite_loss_stops_too(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = TrainingRun(trainer.Fabric(accelerator="cpu", devices=1), config, resume=False)
    group = first_step(run)
    backward = TrainingRun._backward

    def overflowing(self: TrainingRun, group: Any) -> Any:
        result = backward(self, group)
        next(p for p in self.model.parameters() if p.grad is not None).grad.fill_(float("inf"))  # type: ignore[union-attr]
        return result

    monkeypatch.setattr(TrainingRun, "_backward", overflowing)
    with pytest.raises(TrainingError, match="gradient"):
        run.optimize(group)


def test_two_processes_train_one_model_and_stop_together(config: TrainConfig, tmp_path: Path) -> None:
    lift = Path(sys.executable).with_name("lift")
    arguments = ["--steps", "3", "--batch", "1", "--crop", "32", "--devices", "2", "--accelerator", "cpu"]
    places = ["--data", *config.data, "--out", str(tmp_path / "both"), "--workers", "0", "--val-every", "2"]
    result = subprocess.run(
        [lift, "train", *arguments, *places], capture_output=True, text=True, check=False, timeout=150
    )
    assert result.returncode == 0, result.stderr
    assert (result.stdout + result.stderr).count("finished after 3 steps") == 1
    assert [path.name for path in list_checkpoints(tmp_path / "both")] == ["step-00000002.pt", "step-00000003.pt"]


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")
def test_sigterm_to_the_whole_process_group_saves_too(config: TrainConfig, tmp_path: Path) -> None:
    lift = Path(sys.executable).with_name("lift")
    out = tmp_path / "grouped"
    arguments = ["--minutes", "5", "--batch", "1", "--crop", "32", "--accelerator", "cpu", "--workers", "1"]
    places = ["--data", *config.data, "--out", str(out), "--val-every", "1"]
    told = tmp_path / "stderr.txt"
    with told.open("w") as stderr:
        process = subprocess.Popen([lift, "train", *arguments, *places], start_new_session=True, stderr=stderr)
    try:
        deadline = time.monotonic() + 90
        while not list_checkpoints(out) and time.monotonic() < deadline:
            time.sleep(0.2)
        os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(timeout=60) == STOPPED, told.read_text()
    finally:
        process.kill()
    last = int(list_checkpoints(out)[-1].stem.removeprefix("step-"))
    with (out / "log.csv").open() as file:
        assert last >= max(int(row["step"]) for row in csv.DictReader(file))


def test_each_step_sees_one_scale_drawn_from_the_seed_and_the_step(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    loss = TrainingRun._loss

    def watched(self: TrainingRun, batch: Batch) -> Any:
        seen.append((batch["frames"].shape[-1], batch["gt"].shape[-1]))
        return loss(self, batch)

    monkeypatch.setattr(TrainingRun, "_loss", watched)
    scaled = replace(config, scales=(1.0, 0.5), steps=8, val_every=8)
    train(scaled)
    expected = [round(32 * draw_scale(scaled, step)) for step in range(8)]
    assert seen == [(side, side) for side in expected]
    assert set(expected) == {16, 32}


def test_stages_run_again_in_the_backward_pass_train_to_the_same_bits(config: TrainConfig, tmp_path: Path) -> None:
    train(replace(config, steps=2))
    again = replace(config, steps=2, out=str(tmp_path / "again"), checkpointing=("encoder", "temporal", "refiner"))
    train(again)
    assert_same_bits(final_weights(config), final_weights(again))


def test_tensorboard_shows_scalars_by_name_and_pictures(config: TrainConfig) -> None:
    train(config)
    events = EventAccumulator(str(Path(config.out) / "tensorboard"))
    events.Reload()
    scalars = set(events.Tags()["scalars"])
    assert {"train/total", "train/laplacian", "train/rate", "train/waiting", "val/psnr", "val/ssim"} <= scalars
    assert {"memory/rss_mb", "train/samples_per_s"} <= scalars
    pictures = {"val/truth_prediction_blend", "val/flow_0_flow_1_visibility", "val/frame_weights"}
    assert pictures <= set(events.Tags()["images"])


def test_half_precision_trains_and_resumes(config: TrainConfig, tmp_path: Path) -> None:
    half = replace(config, precision="bf16-mixed", steps=4)
    train(half)
    died = replace(half, out=str(tmp_path / "died"))
    train(replace(died, steps=4, val_every=2))
    list_checkpoints(Path(died.out))[-1].unlink()
    train(died, resume=True)
    assert_same_bits(final_weights(half), final_weights(died))


def test_a_run_on_a_contextnet_says_what_it_loaded_and_can_be_used(
    config: TrainConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(flownet_state("module."), tmp_path / "flownet.pkl")
    train(replace(config, steps=2, encoder="contextnet", contextnet=str(tmp_path / "flownet.pkl"), phase1_share=1.0))
    assert "loaded 24 of 24 trunk tensors" in capsys.readouterr().out
    weights = load_lift(config.out)
    assert weights.config.encoder == "contextnet"
    for name, tensor in contextnet_state().items():
        assert torch.equal(weights.state_dict()[f"encoder.trunk.{name}"], tensor)


def test_sigterm_to_every_process_saves_and_the_run_can_be_resumed_to_the_same_bits(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(config)
    stopped = replace(config, out=str(tmp_path / "stopped"), workers=2)
    original = TrainingRun.optimize

    def terminated(self: TrainingRun, group: Any) -> dict[str, float]:
        for child in psutil.Process().children():
            child.terminate()
        signal.raise_signal(signal.SIGTERM)
        return original(self, group)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingRun, "optimize", terminated)
        result = train(stopped)
    assert (result.finished, result.step) == (False, 1)
    assert multiprocessing.active_children() == [], "workers end with the run"
    train(stopped, resume=True)
    assert_same_bits(final_weights(config), final_weights(stopped))


def test_a_worker_that_is_killed_in_a_step_ends_the_run_with_advice(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = TrainingRun.optimize

    def starved(self: TrainingRun, group: Any) -> dict[str, float]:
        if self.step == 2:
            for worker in multiprocessing.active_children():
                worker.kill()
            time.sleep(1)
        return original(self, group)

    monkeypatch.setattr(TrainingRun, "optimize", starved)
    with pytest.raises(LoaderError, match="worker process died") as caught:
        # Without validation: torch tells of one dead loader at a time, and of another one's in some later test.
        train(replace(config, workers=1, steps=6, val_fraction=0.0))
    assert "--resume" in str(caught.value.fix) or "fewer workers" in str(caught.value.fix)
    assert list_checkpoints(Path(config.out))[-1].name == "step-00000002.pt"
