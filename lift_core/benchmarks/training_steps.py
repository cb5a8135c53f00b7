"""Training steps beside each other: accumulated, with stages run again, in half precision; and waiting for data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from lightning_fabric import Fabric

from lift_core.benchmarks.table import BenchOptions, Row, Table
from lift_core.data.clip_writer import write_sequence
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.data.sample import Batch, references
from lift_core.model.config import STAGES, preset
from lift_core.profiling.measure import in_turn, peak_rss
from lift_core.training.config import TrainConfig
from lift_core.training.trainer import TrainingRun

_BATCH = 8
_PLAIN = f"one batch of {_BATCH}"


def ways(options: BenchOptions) -> Table:
    """Processor time and memory of one optimizer step over the same number of samples, beside the plain step."""
    side, rounds = (32, 1) if options.quick else (128, 5)
    configs = _ways(side)
    if options.quick:
        configs = {name: configs[name] for name in (_PLAIN, "all stages run again")}
    timings = in_turn({name: prepared_step(config) for name, config in configs.items()}, rounds=rounds)
    small = {name: replace(config, phase2_crop=32) for name, config in configs.items()}
    memory = {name: peak_rss(run_step, config, warm_up=(small[name],)) / 1e6 for name, config in configs.items()}
    time = {name: 1e3 * timing.median for name, timing in timings.items()}
    rows = [Row(_PLAIN, time[_PLAIN], "ms"), Row(_PLAIN, memory[_PLAIN], "MB")]
    for name in list(configs)[1:]:
        rows.append(Row(f"{name}: time", time[name], "ms", _PLAIN, time[_PLAIN] / time[name]))
        rows.append(Row(f"{name}: memory", memory[name], "MB", _PLAIN, memory[_PLAIN] / max(memory[name], 1e-3)))
    note = (
        f"lift_tiny, {_BATCH} samples of {preset('lift_tiny').context} frames of {side}x{side} a step, on the CPU:"
        " forward, backward, AdamW, average. Processor time, median; memory: what the process grows by at most."
    )
    return Table("One optimizer step", tuple(rows), note)


def _ways(side: int) -> dict[str, TrainConfig]:
    plain = TrainConfig(data=("unread",), steps=100, batch=_BATCH, phase2_crop=side, accelerator="cpu")
    return {
        _PLAIN: plain,
        "accumulated from 2 batches": replace(plain, batch=_BATCH // 2, accumulate=2),
        "accumulated from 4 batches": replace(plain, batch=_BATCH // 4, accumulate=4),
        "encoder run again": replace(plain, checkpointing=("encoder",)),
        "all stages run again": replace(plain, checkpointing=STAGES),
        "bfloat16": replace(plain, precision="bf16-mixed"),
    }


def run_step(config: TrainConfig) -> None:
    """One optimizer step in this process, from a fresh model."""
    prepared_step(config)()


def prepared_step(config: TrainConfig) -> Callable[[], object]:
    """A step of ``config`` on random pictures, ready to be done again and again; nothing is read or written."""
    run = TrainingRun(
        Fabric(accelerator="cpu", devices=1, precision=config.precision),
        replace(config, out="runs/never_written"),
        resume=False,
    )
    run.model.train()
    generator = torch.Generator().manual_seed(0)
    batches = [_batch(config, generator) for _ in range(config.accumulate)]
    return lambda: run.optimize(batches)


def _batch(config: TrainConfig, generator: torch.Generator) -> Batch:
    frames = preset(config.preset).context
    pictures = torch.rand(config.batch, frames + 1, 3, config.phase2_crop, config.phase2_crop, generator=generator)
    window = pictures[:, :frames]
    times = torch.arange(frames, dtype=torch.float32) - (frames - 1) / 2
    return Batch(
        frames=window,
        ref_frames=references(window),
        gt=pictures[:, frames],
        timestep=torch.full((config.batch,), 0.5),
        times=times.expand(config.batch, frames),
        valid=torch.ones(config.batch, frames, dtype=torch.bool),
        key=[str(number) for number in range(config.batch)],
    )


def waiting(options: BenchOptions) -> Table:
    """Share of the time of a training step that passes in waiting for data, by the number of workers."""
    steps, side, clips = (4, 32, 2) if options.quick else (40, 128, 4)
    rows = []
    with TemporaryDirectory() as folder:
        for seed in range(clips):
            clip = ProceduralClip(ClipConfig(frames=40, height=side + 32, width=side + 32, seed=options.seed + seed))
            write_sequence(Path(folder) / "clips" / "sequences" / f"{seed}" / "0000", map(clip.frame, range(40)), 40)
        for workers in (0, 1, 2):
            config = TrainConfig(
                data=(f"{folder}/clips",),
                out=f"{folder}/{workers}",
                steps=steps,
                batch=_BATCH // 2,
                phase2_crop=side,
                val_fraction=0.0,
                val_every=10 * steps,
                workers=workers,
                accelerator="cpu",
            )
            run = TrainingRun(Fabric(accelerator="cpu", devices=1), config, resume=False)
            run.fit()
            share = 100 * run.watch.share
            condition, holds = ("≤ 10 %", share <= 10) if workers else ("", None)
            rows.append(Row(f"{workers} workers", share, "%", condition=condition, holds=holds))
    note = (
        f"lift_tiny on the CPU, batches of {_BATCH // 2} in crops of {side}, PNG sequences, {steps} steps; time on the "
        "wall, the first batch of an epoch left out."
    )
    return Table("Share of a training step spent waiting for data", tuple(rows), note)
