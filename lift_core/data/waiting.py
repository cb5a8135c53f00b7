"""WaitWatch: how much of each iteration passes in waiting for data, and a line of advice where it is much."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from lift_core.errors import ConfigError

T = TypeVar("T")

_log = logging.getLogger(__name__)

ADVICE = "use more workers, or let autotune measure again while the training runs: autotune(..., refresh=True)"


class WaitWatch:
    """Measures the share of time that a loop spends in waiting for its next batch.

    ``for batch in watch(loader)`` counts, per iteration, the time until a batch came and the time until the next one
    was asked for. Where waiting takes more than ``limit`` of the last ``window`` iterations, one line is logged; the
    next one comes only after it fell below in between. The first batch of a loop is not counted: its workers start.

    Args:
        limit: share in (0, 1] above which to tell.
        window: iterations to look back on, at least 1.
        clock: seconds.

    Raises:
        ConfigError: a limit or a window that cannot be.
    """

    def __init__(self, limit: float = 0.10, window: int = 50, clock: Callable[[], float] = time.perf_counter) -> None:
        if not 0 < limit <= 1 or window < 1:
            raise ConfigError(
                f"a limit of {limit} over {window} iterations cannot be watched",
                fix="Choose a limit in (0, 1] and at least 1 iteration.",
            )
        self.limit = limit
        self._recent: deque[tuple[float, float]] = deque(maxlen=window)
        self._clock = clock
        self._told = False

    @property
    def share(self) -> float:
        """Share of waiting in the last iterations, 0 to 1; 0 before there is any."""
        whole = sum(total for _, total in self._recent)
        return sum(waited for waited, _ in self._recent) / whole if whole > 0 else 0.0

    def __call__(self, batches: Iterable[T]) -> Iterator[T]:
        """The same batches, watched."""
        iterator = iter(batches)
        last: float | None = None
        while True:
            asked = self._clock()
            try:
                batch = next(iterator)
            except StopIteration:
                return
            came = self._clock()
            if last is not None:
                self.add(came - asked, came - last)
            last = came
            yield batch
            del batch

    def add(self, waited: float, total: float) -> None:
        """Count one iteration by hand: seconds waited, of so many in all."""
        self._recent.append((waited, total))
        if len(self._recent) < (self._recent.maxlen or 0):
            return
        if self.share <= self.limit:
            self._told = False
        elif not self._told:
            self._told = True
            _log.warning(
                "waiting for data took %.0f %% of the last %d iterations: %s",
                100 * self.share,
                len(self._recent),
                ADVICE,
            )
