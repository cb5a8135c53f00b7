"""simulate: a pipeline played on a clock that is computed, so that the same settings give the same trace anywhere."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from lift_core.data.pipeline import Pipeline
from lift_core.viz.trace import TRAINING, Kind, Span, Trace

_TINY = 1e-9


def simulate(pipeline: Pipeline) -> Trace:
    """Play a pipeline on a simulated clock, as torch's DataLoader would run it.

    Batches are dealt to the workers in turn and handed over in order, each worker reads at most ``prefetch_factor``
    ahead, and processes that need a core share the ``cores`` evenly. Handing a batch over takes no time.
    """
    return Trace(_Simulation(pipeline).run())


@dataclass
class _Actor:
    """A process: the parts of what it does now, as (needs a core, milliseconds left), and what to note at the end."""

    lane: str
    kind: Kind = "loading"
    parts: deque[tuple[bool, float]] = field(default_factory=deque)
    since: float = 0.0
    batch: int = -1
    orders: deque[int] = field(default_factory=deque)

    @property
    def idle(self) -> bool:
        return not self.parts


class _Simulation:
    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._now = 0.0
        self._spans: list[Span] = []
        self._training = _Actor(TRAINING)
        self._workers: list[_Actor] = []
        self._ready: set[int] = set()

    def run(self) -> list[Span]:
        for epoch in range(self._pipeline.epochs):
            if epoch == 0 or not self._pipeline.persistent_workers:
                self._start_workers()
            self._epoch()
        return self._spans

    def _start_workers(self) -> None:
        self._workers = [_Actor(f"worker {number}") for number in range(self._pipeline.num_workers)]
        for worker in self._workers:
            self._begin(worker, "starting", [(False, self._pipeline.start_ms)])

    def _epoch(self) -> None:
        self._ready.clear()
        batches = self._pipeline.batches
        if not self._workers:
            for batch in range(batches):
                self._alone(self._training, "loading", self._load(batch))
                self._alone(self._training, "computing", [(False, self._pipeline.step_ms)])
            return
        ordered = 0
        while ordered < min(batches, len(self._workers) * self._pipeline.prefetch_factor):
            self._order(ordered)
            ordered += 1
        for batch in range(batches):
            self._wait_for(batch)
            if ordered < batches:
                self._order(ordered)
                ordered += 1
            self._alone(self._training, "computing", [(False, self._pipeline.step_ms)])

    def _load(self, batch: int) -> list[tuple[bool, float]]:
        size = self._pipeline.batch_size
        samples = range(batch * size, (batch + 1) * size)
        read = [[(False, self._pipeline.waiting_ms(sample)), (True, self._pipeline.cpu_ms)] for sample in samples]
        return [part for parts in read for part in parts]

    def _order(self, batch: int) -> None:
        self._workers[batch % len(self._workers)].orders.append(batch)

    def _wait_for(self, batch: int) -> None:
        asked = self._now
        while batch not in self._ready:
            self._advance()
        self._ready.remove(batch)
        self._note(TRAINING, "waiting", asked)

    def _alone(self, actor: _Actor, kind: Kind, parts: list[tuple[bool, float]]) -> None:
        """Let one process do something to its end, and all others go on meanwhile."""
        self._begin(actor, kind, parts)
        while not actor.idle:
            self._advance()

    def _begin(self, actor: _Actor, kind: Kind, parts: list[tuple[bool, float]]) -> None:
        actor.kind, actor.since = kind, self._now
        actor.parts = deque(part for part in parts if part[1] > 0)
        if actor.idle:
            self._end(actor)

    def _end(self, actor: _Actor) -> None:
        self._note(actor.lane, actor.kind, actor.since)
        if actor.batch >= 0:
            self._ready.add(actor.batch)
            actor.batch = -1

    def _note(self, lane: str, kind: Kind, since: float) -> None:
        self._spans.append(Span(lane, kind, since / 1000, self._now / 1000))

    def _advance(self) -> None:
        """Go to the next moment at which some process ends a part of what it does."""
        for worker in self._workers:
            while worker.idle and worker.orders:
                worker.batch = worker.orders.popleft()
                self._begin(worker, "loading", self._load(worker.batch))
        busy = list(self._busy())
        if not busy:
            return
        computing = sum(actor.parts[0][0] for actor in busy)
        share = min(1.0, self._pipeline.cores / computing) if computing else 1.0
        step = min(left / (share if needs_core else 1.0) for needs_core, left in (actor.parts[0] for actor in busy))
        self._now += step
        for actor in busy:
            needs_core, left = actor.parts.popleft()
            left -= step * (share if needs_core else 1.0)
            if left > _TINY:
                actor.parts.appendleft((needs_core, left))
            elif actor.idle:
                self._end(actor)

    def _busy(self) -> Iterator[_Actor]:
        yield from (actor for actor in (self._training, *self._workers) if not actor.idle)
