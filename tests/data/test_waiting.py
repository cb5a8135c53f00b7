"""Tests of WaitWatch with a clock of their own: what counts as waiting, and when it is told."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Iterator

import pytest

from lift_core.data.waiting import WaitWatch
from lift_core.errors import ConfigError


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def run(watch: WaitWatch, clock: Clock, waits: list[float], work: float = 1.0) -> None:
    def slow() -> Iterator[int]:
        for number, wait in enumerate(waits):
            clock.now += wait
            yield number

    for place, number in enumerate(watch(slow())):
        assert number == place
        clock.now += work


def test_the_share_is_waiting_over_everything() -> None:
    clock = Clock()
    watch = WaitWatch(window=4, clock=clock)
    assert watch.share == 0
    run(watch, clock, [100.0, 0.25, 0.25, 0.5, 0.0])
    assert watch.share == pytest.approx(1.0 / 5.0)


def test_only_the_last_iterations_count() -> None:
    clock = Clock()
    watch = WaitWatch(window=2, clock=clock)
    run(watch, clock, [0.0, 9.0, 9.0, 0.0, 1.0])
    assert watch.share == pytest.approx(1 / 3)


def test_much_waiting_is_told_once_with_advice_until_it_falls(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    watch = WaitWatch(window=3, clock=clock)
    with caplog.at_level(logging.WARNING):
        run(watch, clock, [0.0] + [1.0] * 10)
        assert len(caplog.messages) == 1
        assert "50 %" in caplog.messages[0]
        assert "autotune" in caplog.messages[0]
        run(watch, clock, [0.0] * 5)
        run(watch, clock, [0.0] + [1.0] * 10)
        assert len(caplog.messages) == 2


def test_little_waiting_and_the_start_are_not_told(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    watch = WaitWatch(window=3, clock=clock)
    with caplog.at_level(logging.WARNING):
        run(watch, clock, [50.0] + [0.1] * 10)
        run(watch, clock, [50.0, 0.1])
    assert not caplog.messages


def test_the_watch_holds_no_batch_while_the_next_is_made() -> None:
    class Batch:
        pass

    made: list[weakref.ref[Batch]] = []

    def batches() -> Iterator[Batch]:
        for _ in range(3):
            assert all(past() is None for past in made)
            batch = Batch()
            made.append(weakref.ref(batch))
            yield batch
            del batch

    stream = iter(WaitWatch()(batches()))
    while next(stream, None) is not None:
        pass
    assert len(made) == 3


@pytest.mark.parametrize("arguments", [{"limit": 0.0}, {"limit": 1.5}, {"window": 0}])
def test_what_cannot_be_watched_is_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        WaitWatch(**arguments)  # type: ignore[arg-type]
