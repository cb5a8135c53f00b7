"""Budget: which GPUs hold a training step, and the cheapest change that makes it fit those that do not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import torch

from lift_core.model.config import STAGES, LiftConfig
from lift_core.model.lift import LIFT
from lift_core.training.plan import step_flop
from lift_core.training.step_memory import Step, StepMemory, trace_step

GPUS = (16, 24, 40)
"""Memory of common GPUs, in GB of 10^9 bytes."""

# What is left free is a rule, not a measurement; the batch presets of lift_core.data.presets keep to the same one.
RESERVE = 1_500_000_000
USED = 0.8

_SMALLEST_SIDE = 64


@dataclass(frozen=True)
class Change:
    """Another step, and what is paid for it.

    Attributes:
        options: how `lift budget` is told to make it.
        cost: what is paid, in words.
        step: as it is then.
        memory: that it takes.
    """

    options: str
    cost: str
    step: Step
    memory: StepMemory


@dataclass(frozen=True)
class Verdict:
    """What one size of GPU says to a step.

    Attributes:
        gpu_gb: memory of the GPU, in GB of 10^9 bytes.
        share: of that memory which the step and `RESERVE` take; above 1 where it cannot work at all.
        holds: whether that is at most `USED`.
        change: the cheapest change with which it holds the step; None where it does anyway, or where not even all
            changes together are enough.
    """

    gpu_gb: float
    share: float
    holds: bool
    change: Change | None = None


@dataclass(frozen=True)
class Budget:
    """A step, what it takes, and where it fits.

    Attributes:
        step: that was asked about.
        memory: traced.
        verdicts: one per GPU, as they were asked for.
        tried: every change that was traced, cheapest first; where a GPU cannot be helped, all together come last.
    """

    step: Step
    memory: StepMemory
    verdicts: tuple[Verdict, ...]
    tried: tuple[Change, ...]


def budget(step: Step, gpus: Sequence[float] = GPUS, *, alternatives: bool = False) -> Budget:
    """Trace a step, and changes of it until every GPU that can be helped has one that fits.

    Args:
        step: on a GPU.
        gpus: GB of 10^9 bytes of each.
        alternatives: also trace the single changes that no GPU needs.
    """
    memory = trace_step(step)
    wanting = [gpu for gpu in gpus if not holds(memory, gpu)]
    # First what takes least: what does not fit even so is not worth the time of all traces in between.
    least = [_traced(change) for change in all_changes(step)] if wanting else []
    helped = [gpu for gpu in wanting if _cheapest(least, gpu)]
    tried: list[Change] = []
    for change in single_changes(step):
        if not alternatives and all(_cheapest(tried, gpu) for gpu in helped):
            break
        tried.append(_traced(change))
    for change in combined_changes(step):
        if all(_cheapest(tried, gpu) for gpu in helped):
            break
        tried.append(_traced(change))
    if helped != wanting:
        tried += [change for change in least if change not in tried]
    verdicts = tuple(
        Verdict(gpu, share(memory, gpu), holds(memory, gpu), _cheapest(tried, gpu) if gpu in wanting else None)
        for gpu in gpus
    )
    return Budget(step, memory, verdicts, tuple(tried))


def share(memory: StepMemory, gpu_gb: float) -> float:
    """Share of a GPU's memory that a step and what CUDA and its libraries take need."""
    return (memory.total + RESERVE) / (gpu_gb * 1e9)


def holds(memory: StepMemory, gpu_gb: float) -> bool:
    """Whether a step leaves enough of a GPU's memory free for what is not counted.

    That is the workspace of kernels and gaps between blocks of the caching allocator.
    """
    return share(memory, gpu_gb) <= USED


_Untraced = tuple[str, str, Step]
"""Options, cost, and the step as it is then."""


def single_changes(step: Step) -> Iterator[_Untraced]:
    """Changes of one thing, cheapest first: those that train the same model on the same samples before the others."""
    yield from _made(_half_precision(step))
    for batch in _smaller_batches(step.batch):
        yield _smaller_batch(step, batch)
    for change in (_checkpointing, _half_size, _half_context):
        yield from _made(change(step))


def combined_changes(step: Step) -> Iterator[_Untraced]:
    """Several changes together, each time one more, in the order of their cost."""
    done = _one_after_another(step)
    for number in range(2, len(done) + 1):
        yield _together(done[:number])


def all_changes(step: Step) -> list[_Untraced]:
    """All changes together, with which a step takes least; empty where nothing is left to change."""
    done = _one_after_another(step)
    return [_together(done)] if done else []


def _one_after_another(step: Step) -> list[_Untraced]:
    """Each change made to the step that the one before it left."""
    order = (_half_precision, _single_samples, _checkpointing, _half_size, _half_context, _half_size, _half_context)
    done: list[_Untraced] = []
    for change in order:
        changed = change(done[-1][2] if done else step)
        if changed is not None:
            done.append(changed)
    return done


def _together(done: Sequence[_Untraced]) -> _Untraced:
    # Of two that change the same option the later one says both.
    options = {text.split()[0]: text for text, _, _ in done}
    costs = dict.fromkeys(cost for _, cost, _ in done)
    return " ".join(options.values()), "; ".join(costs), done[-1][2]


def _half_precision(step: Step) -> _Untraced | None:
    if step.precision != "32-true":
        return None
    cost = "coarser numbers in the passes, on a GPU that computes in bfloat16 (NVIDIA's since 2020)"
    return "--precision bf16-mixed", cost, replace(step, precision="bf16-mixed")


def _smaller_batches(batch: int) -> Iterator[int]:
    """The batches into which one divides evenly, largest first, each a part of the one before it."""
    while batch > 1:
        batch = next(part for part in range(batch // 2, 0, -1) if batch % part == 0)
        yield batch


def _single_samples(step: Step) -> _Untraced | None:
    return None if step.batch == 1 else _smaller_batch(step, 1)


def _smaller_batch(step: Step, batch: int) -> _Untraced:
    accumulate = step.accumulate * step.batch // batch
    cost = "the same step from more and smaller passes, which use a GPU less well"
    options = f"--batch {batch} --accumulate {accumulate}"
    return options, cost, replace(step, batch=batch, accumulate=accumulate)


def _checkpointing(step: Step) -> _Untraced | None:
    if set(step.checkpointing) == set(STAGES):
        return None
    height, width = step.size
    before = _flop(step.model, height, width, step.checkpointing)
    more = _flop(step.model, height, width, STAGES) / before
    cost = f"{more:.2f}× the operations of a step"
    return f"--checkpointing {' '.join(STAGES)}", cost, replace(step, checkpointing=STAGES)


def _half_size(step: Step) -> _Untraced | None:
    if min(step.size) < 2 * _SMALLEST_SIDE:
        return None
    height, width = (side // 2 for side in step.size)
    cost = "each sample shows less of the picture, and no motion that leaves it"
    return f"--size {height}x{width}", cost, replace(step, size=(height, width))


def _half_context(step: Step) -> _Untraced | None:
    frames = step.model.context // 2 + step.model.context // 2 % 2
    if frames >= step.model.context:
        return None
    cost = "the model sees less far before and after"
    return f"--frames {frames}", cost, replace(step, model=replace(step.model, context=frames))


def _made(change: _Untraced | None) -> list[_Untraced]:
    return [] if change is None else [change]


def _cheapest(tried: Sequence[Change], gpu: float) -> Change | None:
    return next((change for change in tried if holds(change.memory, gpu)), None)


def _traced(change: _Untraced) -> Change:
    options, cost, step = change
    return Change(options, cost, step, trace_step(step))


@cache
def _flop(config: LiftConfig, height: int, width: int, checkpointing: tuple[str, ...]) -> int:
    with torch.device("meta"):
        model = LIFT(replace(config, start="zero"))
    model.recomputed = frozenset(checkpointing)
    return step_flop(model, config.context, height, width)
