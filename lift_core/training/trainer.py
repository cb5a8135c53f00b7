"""The training loop: from a TrainConfig to weights, in two phases, with checkpoints that resume to the same bits."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from lift_core.atomic import atomic_file
from lift_core.data.loaders import Loaders
from lift_core.data.sample import Batch, to_device
from lift_core.data.waiting import WaitWatch
from lift_core.errors import CheckpointError, OutputError, TrainingError
from lift_core.model.config import preset
from lift_core.model.lift import LIFT
from lift_core.model.weights import FINAL_WEIGHTS, load_matching, save_weights
from lift_core.training.checkpoint import list_checkpoints, load_checkpoint, save_checkpoint
from lift_core.training.config import CONFIG_FILE, TrainConfig
from lift_core.training.data import make_loaders
from lift_core.training.losses import lift_loss
from lift_core.training.phases import Phase, enter_phase, make_optimizer, phase_at, set_rate
from lift_core.training.pseudo_flow import pseudo_flow
from lift_core.training.run_log import RunLog
from lift_core.training.schedule import progress, rate_factor
from lift_core.training.signals import StopRequest, stop_on_signals
from lift_core.training.validation import validate

BEST_WEIGHTS = "best.safetensors"


@dataclass(frozen=True)
class TrainResult:
    """How a run ended.

    Attributes:
        step: optimizer steps done, those before a resume included.
        finished: False where a signal stopped the run early; it can be resumed.
        best_psnr: best validation PSNR of the averaged weights in dB; minus infinity before the first validation.
        weights: the exported file.
    """

    step: int
    finished: bool
    best_psnr: float
    weights: Path


def train(config: TrainConfig, *, resume: bool = False) -> TrainResult:
    """Train a model as ``config`` says.

    Args:
        config: the run.
        resume: go on from the newest checkpoint in ``config.out``.

    Raises:
        OutputError: ``config.out`` holds a run already and ``resume`` is false.
        CheckpointError: ``resume`` without a checkpoint, or with one that cannot be used.
        DatasetError, SourceError: the data cannot be used.
        TrainingError: the loss is not finite; the message names the samples.
    """
    fabric = Fabric(
        accelerator=config.accelerator,
        strategy="ddp_find_unused_parameters_true" if config.devices * config.num_nodes > 1 else "auto",
        devices=config.devices,
        num_nodes=config.num_nodes,
        precision=config.precision,
    )
    fabric.launch()
    return TrainingRun(fabric, config, resume=resume).fit()


class TrainingRun:
    """One process of a run: the model, its optimizer and average, and the position in the data."""

    def __init__(self, fabric: Fabric, config: TrainConfig, *, resume: bool) -> None:
        self.fabric = fabric
        self.config = config
        self.out = Path(config.out)
        checkpoints = list_checkpoints(self.out)
        _check_out(self.out, checkpoints, resume=resume)
        torch.manual_seed(config.seed)
        self.model = LIFT(replace(preset(config.preset), start=config.start))
        self.encoder_loaded = config.init is not None
        if config.init is not None:
            count = load_matching(self.model, config.init)
            self._say(f"loaded {count} of {len(self.model.state_dict())} tensors from {config.init}")
        optimizer = make_optimizer(self.model, config, encoder_loaded=self.encoder_loaded)
        self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(config.ema_decay))
        self.average.to(fabric.device)
        self.wrapped, self.optimizer = fabric.setup(self.model, optimizer)
        self.step = 0
        self.elapsed_s = 0.0
        self.best_psnr = float("-inf")
        self.position: dict[str, Any] | None = None
        self.loaders: dict[int, Loaders] = {}
        self.buffers: dict[str, torch.Tensor] = {}
        self.watch = WaitWatch()
        self.executor = ThreadPoolExecutor(max_workers=2)
        if resume:
            self._restore(load_checkpoint(checkpoints[-1]))

    def fit(self) -> TrainResult:
        """Train to the end, or until a signal; either way the last step is in a checkpoint."""
        self.out.mkdir(parents=True, exist_ok=True)
        if self.fabric.is_global_zero:
            with atomic_file(self.out / CONFIG_FILE) as temporary:
                temporary.write_text(json.dumps(self.config.to_dict(), indent=2) + "\n", encoding="utf-8")
        if not self.encoder_loaded:
            self._say("phase 1 is skipped: no encoder was loaded, and random features are not worth freezing")
        started = time.monotonic() - self.elapsed_s
        with stop_on_signals() as stop, self._progress_bar() as bar, self._open_log() as log, self.executor:
            stopped = False
            while self._done() < 1.0 and not stopped:
                phase = phase_at(self.config, self._done(), encoder_loaded=self.encoder_loaded)
                stopped = self._train_phase(phase, started, stop, bar, log)
            self._checkpoint()
        result = TrainResult(self.step, self._done() >= 1.0, self.best_psnr, self.out / FINAL_WEIGHTS)
        state = "finished" if result.finished else "stopped; go on with --resume"
        best = f", best validation {self.best_psnr:.2f} dB" if math.isfinite(self.best_psnr) else ""
        self._say(f"{state} after {result.step} steps{best}: {result.weights}")
        return result

    def _train_phase(self, phase: Phase, started: float, stop: StopRequest, bar: Any, log: RunLog | None) -> bool:
        """Train until the phase, the epoch or the run ends; whether it was a signal that ended it."""
        enter_phase(self.model, phase)
        loaders = self._loaders(phase.crop)
        sampler = loaders.train.sampler
        if self.position is not None:
            sampler.load_state(self.position)
        batches = iter(self.watch(loaders.train))
        used = 0
        waited = 0.0
        while True:
            asked = time.monotonic()
            group = list(islice(batches, self.config.accumulate))
            waited += time.monotonic() - asked
            if not group:
                # Also where a resumed run's bigger batch no longer fits into the rest of the epoch.
                self.position = sampler.state_after(used).as_dict()
                return False
            terms = self._optimize(group)
            used += len(group)
            self.step += 1
            self.elapsed_s, stopping = self._agree(time.monotonic() - started, stop.requested)
            self.position = sampler.state_after(used).as_dict()
            self._report(terms, waited, bar, log)
            waited = 0.0
            if self.step % self.config.val_every == 0:
                self._validate(loaders, log)
                self._checkpoint()
            now = phase_at(self.config, self._done(), encoder_loaded=self.encoder_loaded)
            if stopping or self._done() >= 1.0 or now != phase:
                return stopping

    def _agree(self, elapsed_s: float, stopping: bool) -> tuple[float, bool]:
        """The longest clock and any wish to stop among the processes: one that left alone would hang the others."""
        if self.fabric.world_size == 1:
            return elapsed_s, stopping
        told = torch.tensor([elapsed_s, float(stopping)], device=self.fabric.device)
        agreed = self.fabric.all_reduce(told, reduce_op="max")
        assert isinstance(agreed, torch.Tensor)
        return agreed[0].item(), bool(agreed[1])

    def _optimize(self, group: Sequence[Batch]) -> dict[str, float]:
        """One optimizer step over the batches of ``group``; the loss terms, averaged over them."""
        rate = self.config.learning_rate * rate_factor(self._done(), self.config.warmup)
        set_rate(self.optimizer, rate)
        self.optimizer.zero_grad(set_to_none=True)
        sums: dict[str, float] = {}
        for index, batch in enumerate(group):
            with self.fabric.no_backward_sync(self.wrapped, enabled=index + 1 < len(group)):
                terms = self._loss(batch)
                self.fabric.backward(terms["total"] / len(group))
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + value.item() / len(group)
        self.fabric.clip_gradients(self.wrapped, self.optimizer, max_norm=self.config.clip_norm)
        self.optimizer.step()
        self.average.update_parameters(self.model)
        return {**sums, "rate": rate}

    def _loss(self, batch: Batch) -> dict[str, torch.Tensor]:
        moved = to_device(batch, self.fabric.device, buffers=self.buffers)
        labels = None
        if self.config.loss.distillation:
            labels = pseudo_flow(moved["gt"], moved["ref_frames"], self.executor)
        output = self.wrapped(moved["frames"], moved["times"], moved["valid"], moved["timestep"])
        terms = lift_loss(output, moved["gt"], self.config.loss, labels)
        if not torch.isfinite(terms["total"]):
            finite = torch.isfinite((output.frame - moved["gt"]).flatten(1).sum(dim=1)).tolist()
            culprits = [key for key, good in zip(moved["key"], finite, strict=True) if not good] or moved["key"]
            raise TrainingError(
                f"the loss of step {self.step + 1} is not finite",
                where=", ".join(culprits),
                fix="Look at these samples; lower the learning rate if they are sound. The last checkpoint is intact.",
            )
        return terms

    def _validate(self, loaders: Loaders, log: RunLog | None) -> None:
        if log is None or loaders.val is None:
            return
        result = validate(self.averaged, loaders.val, self.fabric.device)
        log.scalars(self.step, self.elapsed_s, {"val/psnr": result.psnr, "val/psnr_blend": result.psnr_blend})
        log.picture(self.step, "val/truth_prediction_blend", result.sheet)
        self._say(f"step {self.step}: validation {result.psnr:.2f} dB, blend {result.psnr_blend:.2f} dB")
        if result.psnr > self.best_psnr:
            self.best_psnr = result.psnr
            save_weights(self.averaged, self.out / BEST_WEIGHTS)

    def _loaders(self, crop: int) -> Loaders:
        # Made once per crop size: finding the clips and their cuts takes a while, and workers outlive an epoch.
        if crop not in self.loaders:
            # Before the new ones start, for two phases' workers and slots would need twice the memory.
            self.loaders.clear()
            self.loaders = {
                crop: make_loaders(self.config, crop, rank=self.fabric.global_rank, world_size=self.fabric.world_size)
            }
        return self.loaders[crop]

    def _report(self, terms: dict[str, float], waited: float, bar: Any, log: RunLog | None) -> None:
        bar.set_postfix(loss=f"{terms['total']:.4f}", refresh=False)
        bar.update(1)
        if log is not None and self.step % 10 == 0:
            values = {f"train/{name}": value for name, value in terms.items()}
            log.scalars(self.step, self.elapsed_s, {**values, "train/waited_s": waited})

    def _checkpoint(self) -> None:
        if not self.fabric.is_global_zero:
            return
        state = {
            "config": self.config.to_dict(),
            "model_config": self.model.config.to_dict(),
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "position": self.position,
            "elapsed_s": self.elapsed_s,
            "best_psnr": self.best_psnr,
            "rng": torch.get_rng_state(),
            "torch": str(torch.__version__),
        }
        save_checkpoint(self.out, self.step, state, self.config.keep)
        save_weights(self.averaged, self.out / FINAL_WEIGHTS)

    def _restore(self, state: dict[str, Any]) -> None:
        try:
            self.model.load_state_dict(state["model"])
            self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError, KeyError) as error:
            raise CheckpointError(
                f"the checkpoint does not fit this run: {str(error).splitlines()[0]}",
                where=self.out,
                fix="Resume with the preset it was started with.",
            ) from error
        self.step = state["step"]
        self.elapsed_s = state["elapsed_s"]
        self.best_psnr = state["best_psnr"]
        self.position = state["position"]
        torch.set_rng_state(state["rng"])

    @property
    def averaged(self) -> LIFT:
        """The moving average of the model, which is what is validated and exported."""
        model = self.average.module
        assert isinstance(model, LIFT)
        return model

    def _done(self) -> float:
        return progress(self.config, self.step, self.elapsed_s)

    def _open_log(self) -> AbstractContextManager[RunLog | None]:
        return closing(RunLog(self.out)) if self.fabric.is_global_zero else nullcontext()

    def _progress_bar(self) -> Any:
        return tqdm(total=self.config.steps, initial=self.step, unit="step", disable=not self.fabric.is_global_zero)

    def _say(self, text: str) -> None:
        if self.fabric.is_global_zero:
            tqdm.write(text)


def _check_out(out: Path, checkpoints: Sequence[Path], *, resume: bool) -> None:
    if resume and not checkpoints:
        raise CheckpointError("there is no checkpoint to resume from", where=out, fix="Start the run without --resume.")
    if checkpoints and not resume:
        raise OutputError("a run is here already", where=out, fix="Choose another --out, or go on with --resume.")
