"""Lab 02: three sabotaged pipelines, and the exercise on mending them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from lift_core.checks.exercise import Call, Exercise, Probe
from lift_core.checks.isolation import Returned
from lift_core.checks.noted import Noted
from lift_core.data.pipeline import Pipeline
from lift_core.data.simulation import simulate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTINGS = ("num_workers", "prefetch_factor", "persistent_workers", "precomputed")
MOST_WORKERS, MOST_AHEAD = 4, 16
LIMIT = 0.10

_FAR_DISK = Pipeline("far disk", wait_ms=20, decode_ms=1, transform_ms=1, step_ms=28, batches=14, num_workers=1)
_LARGE_FRAMES = Pipeline("large frames", wait_ms=1, decode_ms=2, transform_ms=18, step_ms=30, batches=14, num_workers=2)
_SHORT_EPOCHS = Pipeline(
    "short epochs",
    wait_ms=2,
    decode_ms=1,
    transform_ms=1,
    step_ms=20,
    start_ms=180,
    batches=10,
    epochs=3,
    num_workers=2,
)
PIPELINES = {pipeline.name: pipeline for pipeline in (_FAR_DISK, _LARGE_FRAMES, _SHORT_EPOCHS)}

_MENDED: dict[str, dict[str, Any]] = {
    "far disk": {"num_workers": 4},
    "large frames": {"precomputed": True},
    "short epochs": {"persistent_workers": True},
}


def _mend(pipeline: Pipeline) -> Pipeline:
    return replace(pipeline, **_MENDED[pipeline.name])


def _changed(given: Pipeline, mended: Pipeline) -> list[str]:
    return [field.name for field in fields(Pipeline) if getattr(given, field.name) != getattr(mended, field.name)]


def _examine(candidate: Callable[..., Any], pipeline: Pipeline) -> dict[str, Any] | None:
    given = replace(pipeline)
    mended = candidate(given)
    if mended is None:
        return None
    if not isinstance(mended, Pipeline):
        raise TypeError(f"a Pipeline is wanted, not {type(mended).__name__}")
    changed = _changed(pipeline, mended)
    put_back = {
        setting: simulate(replace(mended, **{setting: getattr(pipeline, setting)})).waiting
        for setting in changed
        if setting in SETTINGS
    }
    waiting = simulate(mended).waiting
    return {
        "waiting below 10 %": waiting < LIMIT,
        "given is left as it was": given == pipeline,
        "waiting": Noted(waiting),
        "mended": Noted(mended),
        "changed": Noted(changed),
        "put back": Noted(put_back),
    }


def _picture(call: Call) -> tuple[Figure, str] | None:
    from lift_core.viz.timeline import timeline_figure

    if not isinstance(call.outcome, Returned) or call.output is None:
        return None
    given: Pipeline = call.probe.args[0]
    traces = {f"{given.name}, given": simulate(given), "yours": simulate(call.output["mended"].value)}
    return timeline_figure(traces)


_BELOW = "returns a Pipeline whose training waits for less than 10 % of the time on the simulated clock"
_ONLY = (
    "only num_workers, prefetch_factor, persistent_workers and precomputed differ from what was given; that stays as it"
    " was"
)
_MEMORY = (
    "at most 4 workers, and at most 16 batches read ahead (num_workers times prefetch_factor): memory holds no more"
)
_NEEDED = "every change is needed, lowering included: put back alone, it would bring waiting to 10 % or more again"

mend = Exercise(
    "02.5",
    "mend",
    _mend,
    lambda: [Probe(f"the pipeline {name!r}", (replace(pipeline),)) for name, pipeline in PIPELINES.items()],
    contract=(_BELOW, _ONLY, _MEMORY, _NEEDED),
    drive=_examine,
    picture=_picture,
)


def _tens(share: float) -> int:
    # Rounded, so that three workers and four in the wrong place are one mistake.
    return max(10, 10 * round(10 * share))


@mend.prop(_BELOW)
def _waits_little(call: Call) -> str | None:
    waiting: float = call.output["waiting"].value
    if waiting < LIMIT:
        return None
    changed = " and ".join(call.output["changed"].value) or "nothing"
    return f"{changed} was changed, and the training waits for some {_tens(waiting)} % of the time"


@mend.prop(_ONLY)
def _costs_are_kept(call: Call) -> str | None:
    if not call.output["given is left as it was"]:
        return "the pipeline that was given was changed itself"
    foreign = [name for name in call.output["changed"].value if name not in SETTINGS]
    return f"{foreign[0]} was changed" if foreign else None


@mend.prop(_MEMORY)
def _fits_memory(call: Call) -> str | None:
    mended: Pipeline = call.output["mended"].value
    ahead = mended.num_workers * mended.prefetch_factor
    if mended.num_workers > MOST_WORKERS:
        return f"there are {mended.num_workers} workers"
    return f"{ahead} batches are read ahead" if ahead > MOST_AHEAD else None


@mend.prop(_NEEDED)
def _nothing_in_vain(call: Call) -> str | None:
    back: dict[str, float] = call.output["put back"].value
    idle = next((name for name, waiting in back.items() if waiting < LIMIT), None)
    if idle is None:
        return None
    given, mended = call.probe.args[0], call.output["mended"].value
    way = "raised" if getattr(mended, idle) > getattr(given, idle) else "lowered"
    return f"{idle} was {way} in vain: put back alone, it leaves waiting below 10 %"


@mend.mistake("nothing was changed", "replace(pipeline, name=value) makes a changed copy; return that.")
def _unchanged(pipeline: Pipeline) -> Pipeline:
    return pipeline


@mend.mistake(
    "more workers for everything",
    "Workers help where they wait. Where cores are the limit, or the workers' start is, more of them wait or start.",
)
def _workers_everywhere(pipeline: Pipeline) -> Pipeline:
    return replace(pipeline, num_workers=MOST_WORKERS)


@mend.mistake("more read ahead for everything", "Reading ahead evens out what varies. It makes nothing faster.")
def _ahead_everywhere(pipeline: Pipeline) -> Pipeline:
    return replace(pipeline, prefetch_factor=MOST_AHEAD // pipeline.num_workers)


@mend.mistake("precomputed everywhere", "It removes the transform. Look which pipeline spends its time there.")
def _precomputed_everywhere(pipeline: Pipeline) -> Pipeline:
    return replace(pipeline, precomputed=True)


@mend.mistake("persistent workers everywhere", "They save the start of an epoch. Look which pipeline waits there.")
def _persistent_everywhere(pipeline: Pipeline) -> Pipeline:
    return replace(pipeline, persistent_workers=True)


@mend.mistake(
    "everything at once",
    "Then you do not know what the bottleneck was, and pay for all of it: disk, memory, processes. Change one thing.",
)
def _everything(pipeline: Pipeline) -> Pipeline:
    return replace(pipeline, num_workers=4, prefetch_factor=4, persistent_workers=True, precomputed=True)


@mend.mistake("as many workers as cores", "Workers that wait need no core. Count how many batches must be waited for.")
def _as_many_as_cores(pipeline: Pipeline) -> Pipeline:
    return replace(_mend(pipeline), num_workers=pipeline.cores)


@mend.mistake("no workers at all", "Without workers nothing overlaps: the training does all the reading itself.")
def _none(pipeline: Pipeline) -> Pipeline:
    return replace(pipeline, num_workers=0)


@mend.mistake("the costs were changed", "On a real machine you cannot wish the disk faster. Change the settings.")
def _costs_wished_away(pipeline: Pipeline) -> Pipeline:
    return replace(pipeline, wait_ms=0.0, decode_ms=0.0, transform_ms=0.0, start_ms=0.0)
