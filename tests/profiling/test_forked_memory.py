"""A forked process that fails while it measures is told about, and all processes end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from multiprocessing import active_children, get_context

import pytest

from lift_core.errors import ConfigError
from lift_core.profiling.forked_memory import growth_when_forked

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks and tells private memory")

_KEPT: list[bytearray] = []


def die() -> None:
    os._exit(1)


def fail() -> None:
    raise ValueError("on purpose")


def keep() -> None:
    # More than 32 MiB, so that the C library asks the system for it. In memory that was used before, numpy may have
    # asked for huge pages, and both ends of a block would be rounded to 2 MiB.
    _KEPT.append(bytearray(b"x") * 100_000_000)


def refuse(touch: Callable[[], None]) -> None:
    before = active_children()
    with pytest.raises(ConfigError, match="ended before it had measured"):
        growth_when_forked(touch, workers=3)
    assert active_children() == before


@pytest.mark.parametrize("touch", [die, fail])
def test_a_process_that_fails_is_told_and_the_others_end(touch: Callable[[], None]) -> None:
    watched = get_context("fork").Process(target=refuse, args=(touch,))
    watched.start()
    watched.join(timeout=60)
    hangs = watched.is_alive()
    watched.kill()
    watched.join()
    assert not hangs
    assert watched.exitcode == 0


def test_each_process_tells_what_it_came_to_own() -> None:
    assert growth_when_forked(keep, workers=2) == [pytest.approx(100e6, rel=0.01)] * 2
