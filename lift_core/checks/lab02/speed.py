"""Lab 02: the exercise on what limits a pipeline's speed."""

from __future__ import annotations

from lift_core.checks.exercise import Exercise, Probe


def _batches_per_second(wait: float, decode: float, step: float, workers: int, cores: int) -> float:
    if workers == 0:
        return 1 / (wait + decode + step)
    limits = [1 / step, workers / (wait + decode)]
    return min([*limits, cores / decode] if decode > 0 else limits)


batches_per_second = Exercise(
    "02.3",
    "batches_per_second",
    _batches_per_second,
    lambda: [
        Probe("wait 0.08, decode 0.01, step 0.02, no workers", (0.08, 0.01, 0.02, 0, 2)),
        Probe("the same with 1 worker", (0.08, 0.01, 0.02, 1, 2)),
        Probe("the same with 4 workers on 2 cores", (0.08, 0.01, 0.02, 4, 2)),
        Probe("the same with 8 workers on 2 cores", (0.08, 0.01, 0.02, 8, 2)),
        Probe("wait 0, decode 0.09, step 0.02, 1 worker on 2 cores", (0.0, 0.09, 0.02, 1, 2)),
        Probe("wait 0, decode 0.09, step 0.02, 4 workers on 2 cores", (0.0, 0.09, 0.02, 4, 2)),
        Probe("wait 0, decode 0.09, step 0.02, 3 workers on 5 cores", (0.0, 0.09, 0.02, 3, 5)),
        Probe("wait 0.1, decode 0.05, step 0.01, 6 workers on 1 core", (0.1, 0.05, 0.01, 6, 1)),
        Probe("a step longer than all reading, 2 workers", (0.01, 0.02, 0.5, 2, 2)),
        Probe("no decoding at all, 2 workers", (0.05, 0.0, 0.01, 2, 2)),
    ],
    contract=(
        "returns batches per second in the long run, when workers have started; times are in seconds for one batch",
        "with 0 workers the training waits, decodes and computes in turn, and nothing overlaps",
        "with workers, each one waits and decodes for one batch after the other while the training computes; the"
        " slowest limit decides",
        "all processes together do at most cores seconds of decoding in a second; waiting and the step need no core",
    ),
)


@batches_per_second.mistake(
    "with 0 workers loading and computing overlap", "One process does one thing at a time: the times add up."
)
def _overlapping(wait: float, decode: float, step: float, workers: int, cores: int) -> float:
    return 1 / max(wait + decode, step) if workers == 0 else _batches_per_second(wait, decode, step, workers, cores)


@batches_per_second.mistake("the cores are forgotten", "Six workers cannot decode at once on two cores.")
def _coreless(wait: float, decode: float, step: float, workers: int, cores: int) -> float:
    return _batches_per_second(wait, decode, step, workers, 10**6)


@batches_per_second.mistake(
    "the step is forgotten", "Batches cannot be used faster than the training computes: 1 / step is a limit too."
)
def _stepless(wait: float, decode: float, step: float, workers: int, cores: int) -> float:
    return _batches_per_second(wait, decode, step if workers == 0 else 1e-9, workers, cores)


@batches_per_second.mistake(
    "a worker that waits occupies a core", "Waiting needs no core: more workers than cores can wait at one time."
)
def _waits_on_a_core(wait: float, decode: float, step: float, workers: int, cores: int) -> float:
    return _batches_per_second(wait, decode, step, min(workers, cores), cores)


@batches_per_second.mistake(
    "the times are added although workers overlap", "While the training computes, workers read the next batches."
)
def _added(wait: float, decode: float, step: float, workers: int, cores: int) -> float:
    return (
        1 / (step + 1 / _batches_per_second(wait, decode, 1e-9, workers, cores))
        if workers
        else (_batches_per_second(wait, decode, step, workers, cores))
    )


@batches_per_second.mistake("the step takes a core from decoding", "Here the step runs on a device of its own.")
def _training_needs_a_core(wait: float, decode: float, step: float, workers: int, cores: int) -> float:
    return _batches_per_second(wait, decode, step, workers, max(cores - 1, 1))


@batches_per_second.mistake("seconds per batch instead of batches per second", "Turn the number over: 1 / seconds.")
def _turned_over(wait: float, decode: float, step: float, workers: int, cores: int) -> float:
    return 1 / _batches_per_second(wait, decode, step, workers, cores)


@batches_per_second.mistake(
    "1 worker is taken for none", "One worker reads the next batch while the training computes."
)
def _one_is_none(wait: float, decode: float, step: float, workers: int, cores: int) -> float:
    return _batches_per_second(wait, decode, step, 0 if workers == 1 else workers, cores)


@batches_per_second.mistake(
    "each worker's time for the step is added", "The step is the training's; workers only wait and decode."
)
def _workers_step(wait: float, decode: float, step: float, workers: int, cores: int) -> float:
    return (
        _batches_per_second(wait, decode, step, workers, cores)
        if workers == 0
        else min(_batches_per_second(wait, decode, step, workers, cores), workers / (wait + decode + step))
    )
