"""The training loop: from a TrainConfig to weights, in two phases, with checkpoints that resume to the same bits."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from lift_core.atomic import atomic_file
from lift_core.data.batches import scale_batch, split_batch
from lift_core.data.loader import is_about_workers
from lift_core.data.loaders import Loaders
from lift_core.data.sample import Batch
from lift_core.data.waiting import WaitWatch
from lift_core.errors import CheckpointError, LoaderError, OutputError, TrainingError
from lift_core.model.contextnet import ContextNetEncoder
from lift_core.model.lift import LIFT
from lift_core.model.rife_weights import load_contextnet
from lift_core.model.weights import FINAL_WEIGHTS, load_matching, save_weights
from lift_core.profiling.process_memory import memory_in_use
from lift_core.profiling.release import release_memory
from lift_core.training.backward import Backward, sound_samples
from lift_core.training.checkpoint import list_checkpoints, load_checkpoint, save_checkpoint
from lift_core.training.config import CONFIG_FILE, TrainConfig
from lift_core.training.data import make_loaders
from lift_core.training.losses import lift_loss
from lift_core.training.out_of_memory import is_out_of_memory, what_would_fit
from lift_core.training.phases import Phase, enter_phase, loaded_part, make_optimizer, phase_at, set_rate
from lift_core.training.processes import average_gradients, largest, mean_of_shares, mean_terms
from lift_core.training.pseudo_flow import pseudo_flow
from lift_core.training.run_log import RunLog
from lift_core.training.schedule import draw_scale, progress, rate_factor
from lift_core.training.signals import StopRequest, stop_on_signals
from lift_core.training.step_batches import StepBatches, StepGroup
from lift_core.training.validation import Validation, validate

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
    devices, machines = processes_and_machines(config)
    fabric = Fabric(
        accelerator=config.accelerator,
        strategy="ddp" if devices * machines > 1 else "auto",
        devices=devices,
        num_nodes=machines,
        precision=config.precision,
    )
    fabric.launch()
    return TrainingRun(fabric, config, resume=resume).fit()


def processes_and_machines(config: TrainConfig) -> tuple[int, int]:
    """Processes per machine and machines: those that torchrun has started, where it has, else the config's."""
    if not torch.distributed.is_torchelastic_launched():
        return config.devices, config.num_nodes
    local = int(os.environ["LOCAL_WORLD_SIZE"])
    return local, int(os.environ["WORLD_SIZE"]) // local


class TrainingRun:
    """One process of a run: the model, its optimizer and average, and the position in the data."""

    def __init__(self, fabric: Fabric, config: TrainConfig, *, resume: bool) -> None:
        self.fabric = fabric
        self.config = config
        self.out = Path(config.out)
        checkpoints = list_checkpoints(self.out)
        _check_out(self.out, checkpoints, resume=resume)
        torch.manual_seed(config.seed)
        self.model = LIFT(config.model_config())
        self.model.recomputed = frozenset(config.checkpointing)
        self._load()
        self.loaded = loaded_part(self.model, config)
        optimizer = make_optimizer(self.model, config, self.loaded)
        self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(config.ema_decay))
        self.average.to(fabric.device)
        self.wrapped, self.optimizer = fabric.setup(self.model, optimizer)
        self.step = 0
        self.elapsed_s = 0.0
        self.best_psnr = float("-inf")
        self.position: dict[str, Any] | None = None
        # How many parts a batch is taken in, so that it fits the memory.
        self.parts = 1
        self.left_out = 0
        self.loaders: dict[int, Loaders] = {}
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
        if self.loaded is None:
            self._say("phase 1 is skipped: no encoder was loaded, and random features are not worth freezing")
        started = time.monotonic() - self.elapsed_s
        with stop_on_signals() as stop, self._progress_bar() as bar, self._open_log() as log, self.executor:
            try:
                self._train(started, stop, bar, log)
            except RuntimeError as error:
                if not is_about_workers(error):
                    raise
                raise LoaderError(
                    f"a loader's worker process died in step {self.step + 1} ({error})",
                    where=self.out,
                    fix="Most often memory ran out: use fewer --workers. Go on from the last checkpoint with --resume.",
                ) from error
            finally:
                # Their workers end here, and not when the garbage collector finds them.
                self.loaders.clear()
        result = TrainResult(self.step, self._done() >= 1.0, self.best_psnr, self.out / FINAL_WEIGHTS)
        state = "finished" if result.finished else "stopped; go on with --resume"
        best = f", best validation {self.best_psnr:.2f} dB" if math.isfinite(self.best_psnr) else ""
        self._say(f"{state} after {result.step} steps{best}: {result.weights}")
        return result

    def _load(self) -> None:
        if self.config.init is not None:
            count = load_matching(self.model, self.config.init)
            self._say(f"loaded {count} of {len(self.model.state_dict())} tensors from {self.config.init}")
        if self.config.contextnet is not None:
            assert isinstance(self.model.encoder, ContextNetEncoder)
            self._say(str(load_contextnet(self.model.encoder, self.config.contextnet)))

    def _train(self, started: float, stop: StopRequest, bar: Any, log: RunLog | None) -> None:
        stopped = False
        while self._done() < 1.0 and not stopped:
            phase = phase_at(self.config, self._done(), encoder_loaded=self.loaded is not None)
            stopped = self._train_phase(phase, started, stop, bar, log)
        self._checkpoint()

    def _train_phase(self, phase: Phase, started: float, stop: StopRequest, bar: Any, log: RunLog | None) -> bool:
        """Train until the phase, the epoch or the run ends; whether it was a signal that ended it."""
        enter_phase(self.model, phase, self.loaded)
        loaders = self._loaders(phase.crop)
        sampler = loaders.train.sampler
        if self.position is not None:
            sampler.load_state(self.position)
        train = loaders.train
        steps = StepBatches(self.watch(train), len(train), self.config.accumulate, self.fabric.device)
        used = 0
        for group in steps:
            terms = self.optimize(group)
            used += len(group)
            self.step += 1
            self.elapsed_s, wish = largest(self.fabric, time.monotonic() - started, stop.requested)
            stopping = bool(wish)
            self.position = sampler.state_after(used).as_dict()
            self._report(terms, bar, log)
            if self.step % self.config.val_every == 0:
                self._validate(loaders, log)
                self._checkpoint()
            now = phase_at(self.config, self._done(), encoder_loaded=self.loaded is not None)
            if stopping or self._done() >= 1.0 or now != phase:
                return stopping
        # Also where a resumed run's bigger batch no longer fits into the rest of the epoch.
        self.position = sampler.state_after(used).as_dict()
        return False

    def optimize(self, group: StepGroup | Sequence[Batch]) -> dict[str, float]:
        """One optimizer step over the batches of ``group``: the loss terms, averaged over them and the processes.

        Where memory runs out on any process, all of them take their batches in twice as many parts and do the step
        again. A step whose loss is not finite ends the run, or is left out, as the config says.
        """
        rate = self.config.learning_rate * rate_factor(self._done(), self.config.warmup)
        set_rate(self.optimizer, rate)
        while True:
            backward = self._backward_guarded(group)
            out_of_memory, broken = largest(self.fabric, backward is None, bool(backward and backward.broken))
            if not out_of_memory:
                break
            self._halve_parts()
        assert backward is not None
        if not broken:
            average_gradients(self.fabric, self.model.parameters())
            norm = self.fabric.clip_gradients(
                self.wrapped, self.optimizer, max_norm=self.config.clip_norm, error_if_nonfinite=False
            )
            # Half precision's loss scaling lets a gradient overflow now and then; it leaves out that step itself.
            broken = self.config.precision != "16-mixed" and not bool(torch.isfinite(torch.as_tensor(norm)))
        if broken:
            self._leave_out(backward)
        else:
            self.optimizer.step()
            self.average.update_parameters(self.model)
        return {**mean_terms(self.fabric, backward.terms), "rate": rate}

    def _backward_guarded(self, group: StepGroup | Sequence[Batch]) -> Backward | None:
        """The gradients of a step; None where memory ran out."""
        try:
            return self._backward(group)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        # Only here is the error's traceback gone, and with it what the step had computed.
        self.optimizer.zero_grad(set_to_none=True)
        release_memory()
        return None

    def _backward(self, group: StepGroup | Sequence[Batch]) -> Backward:
        """Accumulate the gradients of all batches of ``group``, part by part."""
        self.optimizer.zero_grad(set_to_none=True)
        backward = Backward()
        scale = draw_scale(self.config, self.step)
        for batch in group:
            for part in split_batch(scale_batch(batch, scale), self.parts):
                share = len(part["key"]) / len(batch["key"]) / len(group)
                # Gradients are exchanged once, when all processes have them: see average_gradients.
                with self.fabric.no_backward_sync(self.wrapped):
                    terms, sound = self._loss(part)
                    self.fabric.backward(terms["total"] * share)
                backward.add(terms, share, part["key"], sound)
        return backward

    def _loss(self, batch: Batch) -> tuple[dict[str, Tensor], Tensor]:
        """The loss terms of a batch on the device, and of each of its samples whether it is finite, bool ``[B]``."""
        labels = None
        if self.config.loss.distillation:
            labels = pseudo_flow(batch["gt"], batch["ref_frames"], self.executor)
        output = self.wrapped(batch["frames"], batch["times"], batch["valid"], batch["timestep"])
        terms = lift_loss(output, batch["gt"], self.config.loss, labels)
        return terms, sound_samples(output, batch, terms["total"])

    def _halve_parts(self) -> None:
        if self.parts >= self.config.batch:
            raise TrainingError(
                f"a single sample of {self.config.preset} does not fit the memory of {self.fabric.device}",
                where=f"step {self.step + 1}",
                fix=what_would_fit(self.config),
            )
        self.parts = min(2 * self.parts, self.config.batch)
        self._say(
            f"step {self.step + 1}: out of memory; each batch of {self.config.batch} is now taken in"
            f" {self.parts} parts, which makes the same step"
        )

    def _leave_out(self, backward: Backward) -> None:
        culprits = ", ".join(backward.culprits) or "no single sample of this process"
        if self.config.on_nonfinite == "raise":
            raise TrainingError(
                f"the loss or gradient of step {self.step + 1} is not finite",
                where=culprits,
                fix="Look at these samples; lower the learning rate if they are sound. The last checkpoint is intact.",
            )
        self.optimizer.zero_grad(set_to_none=True)
        self.left_out += 1
        self._say(f"step {self.step + 1} is left out, its loss or gradient is not finite: {culprits}")

    def _validate(self, loaders: Loaders, log: RunLog | None) -> None:
        if loaders.val is None:
            return
        result = self._of_all_processes(validate(self.averaged, loaders.val, self.fabric.device))
        if log is None or result is None:
            return
        log.validation(self.step, self.elapsed_s, result)
        self._say(f"step {self.step}: validation {result.psnr:.2f} dB, blend {result.psnr_blend:.2f} dB")
        if result.psnr > self.best_psnr:
            self.best_psnr = result.psnr
            save_weights(self.averaged, self.out / BEST_WEIGHTS)

    def _of_all_processes(self, share: Validation | None) -> Validation | None:
        """The mean over all validation frames, of which each process has seen its share; None where that is none."""
        own = [0.0] * (3 + self.model.config.context)
        if share is not None:
            own = [share.psnr, share.ssim, share.psnr_blend, *share.frame_weights.tolist()]
        psnr, ssim, blend, *weights = mean_of_shares(self.fabric, share.frames if share else 0, own)
        if share is None:
            return None
        return replace(share, psnr=psnr, ssim=ssim, psnr_blend=blend, frame_weights=torch.tensor(weights))

    def _loaders(self, crop: int) -> Loaders:
        # Made once per crop size: finding the clips and their cuts takes a while, and workers outlive an epoch.
        if crop not in self.loaders:
            # Before the new ones start, for two phases' workers and slots would need twice the memory.
            self.loaders.clear()
            self.loaders = {
                crop: make_loaders(self.config, crop, rank=self.fabric.global_rank, world_size=self.fabric.world_size)
            }
        return self.loaders[crop]

    def _report(self, terms: dict[str, float], bar: Any, log: RunLog | None) -> None:
        bar.set_postfix(loss=f"{terms['total']:.4f}", refresh=False)
        bar.update(1)
        # The first steps tell whether a run is sound.
        if log is not None and (self.step <= 10 or self.step % 10 == 0):
            values = {f"train/{name}": value for name, value in terms.items()}
            values |= {"train/waiting": self.watch.share, "train/parts": self.parts, "train/left_out": self.left_out}
            values |= {f"memory/{name}": value for name, value in memory_in_use(self.fabric.device).items()}
            log.scalars(self.step, self.elapsed_s, values)
            log.speed(self.step, self.elapsed_s, self.config.batch * self.config.accumulate * self.fabric.world_size)

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
            "parts": self.parts,
            "left_out": self.left_out,
            "precision": self.fabric.strategy.precision.state_dict(),
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
            self.fabric.strategy.precision.load_state_dict(state["precision"])
        except (RuntimeError, ValueError, KeyError) as error:
            raise CheckpointError(
                f"the checkpoint does not fit this run: {str(error).splitlines()[0]}",
                where=self.out,
                fix="Resume with the preset it was started with.",
            ) from error
        self.step = state["step"]
        self.elapsed_s = state["elapsed_s"]
        self.best_psnr = state["best_psnr"]
        self.parts = min(state["parts"], self.config.batch)
        self.left_out = state["left_out"]
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
