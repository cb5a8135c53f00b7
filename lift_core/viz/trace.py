"""What a timeline is drawn from: who did what and when while a training was fed, and how much of it was waiting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lift_core.errors import ShapeError

Kind = Literal["starting", "loading", "waiting", "computing"]
KINDS: tuple[Kind, ...] = ("starting", "loading", "waiting", "computing")
TRAINING = "training"


@dataclass(frozen=True)
class Span:
    """What one process did for a while.

    Attributes:
        lane: the process: "training", "worker 0", …
        kind: what it did.
        start, end: seconds.
    """

    lane: str
    kind: Kind
    start: float
    end: float


@dataclass(frozen=True)
class Trace:
    """A training and the workers that fed it, over time.

    Attributes:
        spans: in any order; those of the lane "training" follow one another.

    Raises:
        ShapeError: a span that ends before it starts, or no span of the training.
    """

    spans: Sequence[Span]

    def __post_init__(self) -> None:
        if any(span.end < span.start for span in self.spans) or not self.training:
            raise ShapeError("a trace needs spans of the lane 'training' that end after they start.")

    @property
    def training(self) -> list[Span]:
        """The spans of the training itself, in order."""
        return sorted((span for span in self.spans if span.lane == TRAINING), key=lambda span: span.start)

    @property
    def lanes(self) -> list[str]:
        """The processes: the training first, then its workers by name."""
        return [TRAINING, *sorted({span.lane for span in self.spans} - {TRAINING})]

    @property
    def seconds(self) -> float:
        """From the first start to the last end."""
        return max(span.end for span in self.spans) - min(span.start for span in self.spans)

    @property
    def waiting(self) -> float:
        """Share of the time, 0 to 1, in which the training did not compute, from its first computing to its last.

        What comes before is left out: workers start, and nothing could be ready. A training that loads by itself does
        not compute meanwhile, so its loading counts.
        """
        spans = self.training
        computing = [place for place, span in enumerate(spans) if span.kind == "computing"]
        if not computing:
            return 0.0
        counted = spans[computing[0] : computing[-1] + 1]
        whole = sum(span.end - span.start for span in counted)
        idle = sum(span.end - span.start for span in counted if span.kind != "computing")
        return idle / whole if whole > 0 else 0.0

    def busy(self, lane: str, kind: Kind) -> float:
        """Seconds that a process spent on one kind of thing."""
        return sum(span.end - span.start for span in self.spans if (span.lane, span.kind) == (lane, kind))
