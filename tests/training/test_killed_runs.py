"""A run that is killed at ten random instants ends with the bits of one that never was."""

from __future__ import annotations

import random
import signal
import time
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest
import torch

from lift_core.data.clip_writer import write_sequence
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.training.checkpoint import list_checkpoints, load_checkpoint
from lift_core.training.config import TrainConfig
from lift_core.training.trainer import train

KILLS = 10


def run(config: TrainConfig) -> None:
    torch.set_num_threads(1)
    train(config, resume=bool(list_checkpoints(Path(config.out))))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_ten_kills_change_no_bit(tmp_path: Path) -> None:
    for seed in range(3):
        clip = ProceduralClip(ClipConfig(frames=9, height=36, width=36, seed=seed))
        write_sequence(tmp_path / "clips" / "sequences" / f"{seed:02d}" / "0000", map(clip.frame, range(9)), 9)
    config = TrainConfig(
        data=(str(tmp_path / "clips"),),
        out=str(tmp_path / "steady"),
        steps=14,
        batch=1,
        phase2_crop=32,
        val_crop=32,
        val_fraction=0.34,
        val_windows_per_clip=1,
        val_every=1,
        workers=0,
        accelerator="cpu",
    )
    # Imports are dear and happen once, in the server from which all runs are forked.
    context = get_context("forkserver")
    context.set_forkserver_preload(["lift_core.training.trainer", "tests.training.test_killed_runs"])
    began = time.monotonic()
    steady = context.Process(target=run, args=(config,))
    steady.start()
    steady.join(240)
    assert steady.exitcode == 0
    life = time.monotonic() - began
    killed = replace(config, out=str(tmp_path / "killed"))
    draw = random.Random(0)
    for _ in range(KILLS):
        process = context.Process(target=run, args=(killed,))
        process.start()
        process.join(draw.uniform(0.0, 0.4) * life)
        process.kill()
        process.join()
        for path in list_checkpoints(Path(killed.out)):
            load_checkpoint(path)
    last = context.Process(target=run, args=(killed,))
    last.start()
    last.join(240)
    assert last.exitcode == 0
    states = [load_checkpoint(list_checkpoints(Path(one.out))[-1]) for one in (config, killed)]
    assert [state["step"] for state in states] == [14, 14]
    for part in ("model", "average"):
        for name, tensor in states[0][part].items():
            assert torch.equal(tensor, states[1][part][name]), name
