"""Moments: at which times between which frames of a clip those of a new one lie, and for how long they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import count, pairwise
from math import ceil, gcd
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lift_core.errors import ConfigError

_LARGEST_TICKS_PER_SECOND = 2**31 - 1
"""MP4 stores them in 32 bits."""

_MOST_FRAMES = 10**7
"""Of a video at a constant rate: more is a mistake. At 60 frames per second it is two days."""

_BROADCAST_RATES = tuple(Fraction(1000 * whole, 1001) for whole in (24, 30, 48, 60, 120, 240))
_BROADCAST_ROUNDING = Fraction(1, 200)

_NEAR = 50
"""A frame lies on an old one if it is no further away than the clock's rounding and this part of the gap."""


class Moment(NamedTuple):
    """A time between frames ``pair`` and ``pair + 1`` of a clip: ``t`` from 0, where it is the first, to below 1."""

    pair: int
    t: float


@dataclass(frozen=True)
class Timeline:
    """When each frame of a clip is shown.

    Attributes:
        time_base: seconds of one tick.
        ticks: presentation times of the N frames, int64, strictly increasing.
        last_duration: ticks for which the last frame is shown.
    """

    time_base: Fraction
    ticks: NDArray[np.int64]
    last_duration: int

    @property
    def durations(self) -> NDArray[np.int64]:
        """Ticks for which each frame is shown: until the next one comes."""
        return np.append(np.diff(self.ticks), self.last_duration)

    @property
    def closest(self) -> Fraction:
        """Seconds between the two frames that are closest; of a single frame, for which it is shown."""
        gaps = np.diff(self.ticks) if len(self.ticks) > 1 else self.durations
        return int(gaps.min()) * self.time_base


@dataclass(frozen=True)
class Plan:
    """The frames of a new clip.

    Attributes:
        timeline: when they are shown.
        pairs: for each the first frame of the old clip's pair that it lies in, int64 ``[M]``, never decreasing.
        t: its time within the pair, float64 ``[M]``.
    """

    timeline: Timeline
    pairs: NDArray[np.int64]
    t: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.pairs)

    def moments(self, start: int = 0) -> Iterator[Moment]:
        """The frames' moments from frame ``start`` on."""
        for pair, t in zip(self.pairs[start:], self.t[start:], strict=True):
            yield Moment(int(pair), float(t))


def steps(factor: int) -> Iterator[Moment]:
    """The moments of ``factor`` times as many frames in a clip of any length: ``factor`` equal steps in each pair."""
    for pair in count():
        yield from (Moment(pair, step / factor) for step in range(factor))


def check_factor(factor: int) -> None:
    """Refuse a factor that is not a whole number of 2 or more.

    Raises:
        ConfigError: it is not.
    """
    if isinstance(factor, bool) or not isinstance(factor, int) or factor < 2:
        raise ConfigError(
            f"factor {factor!r} is not a whole number of 2 or more.", fix="Factor 2 doubles the frame rate."
        )


def parse_rate(rate: Fraction | float | str) -> Fraction:
    """Frames per second as a fraction: 60, ``"60000/1001"``; 59.94 and its like become the broadcast rate they mean.

    Raises:
        ConfigError: no number above 0.
    """
    try:
        # 37.3 means 373/10, not the binary number next to it.
        exact = Fraction(str(rate)) if isinstance(rate, float) else Fraction(rate)
    except (ValueError, ZeroDivisionError, OverflowError, TypeError) as error:
        raise ConfigError(f"{rate!r} is no frame rate.", fix="Write 60, 59.94 or 60000/1001.") from error
    if exact <= 0:
        raise ConfigError(f"{rate!r} frames per second cannot be.", fix="Choose a rate such as 60 or 60000/1001.")
    near = (rate for rate in _BROADCAST_RATES if abs(exact - rate) < _BROADCAST_ROUNDING)
    return next(near, exact)


def multiplied(old: Timeline, factor: int) -> Plan:
    """``(N - 1) * factor + 1`` frames: the old ones at their times, the new ones at equal steps between them.

    The last frame keeps its duration, and with it the clip its own. The time base is ``factor`` times finer, so every
    time is exact, unless that is beyond what a file can hold.

    Raises:
        ConfigError: a factor so large that frames would share a time.
    """
    base = _finer(old.time_base, old.time_base / factor)
    fine = int(old.time_base / base)
    if int(np.diff(old.ticks).min()) * fine < factor:
        raise ConfigError(
            f"factor {factor} puts frames closer together than a video can count time.",
            fix="Choose a smaller factor.",
        )
    ticks = [
        round(Fraction(fine * (a * (factor - step) + b * step), factor))
        for a, b in pairwise(old.ticks.tolist())
        for step in range(factor)
    ]
    new = Timeline(base, np.array([*ticks, int(old.ticks[-1]) * fine]), old.last_duration * fine)
    places = np.arange(len(new.ticks))
    return Plan(new, places // factor, (places % factor) / factor)


def at_rate(old: Timeline, rate: Fraction) -> Plan:
    """Frames at a constant rate, from the first frame's time to the last one's end, each made at its true time.

    Where a frame lies on an old one, to within the rounding of the old clip's clock, it is the old one; behind the last
    one it repeats that. The last frame is shown until the old clip ends.

    Args:
        old: of the clip.
        rate: frames per second, above 0.

    Raises:
        ConfigError: more than a video can count.
    """
    base = _finer(old.time_base, _common(old.time_base, 1 / rate))
    whole = int(old.durations.sum()) * old.time_base
    if base > 1 / rate or whole * rate > _MOST_FRAMES:
        raise ConfigError(f"{rate} frames per second are too many for this video.", fix="Choose fewer.")
    fine = int(old.time_base / base)
    first, end = int(old.ticks[0]) * fine, (int(old.ticks[-1]) + old.last_duration) * fine
    step = 1 / (rate * base)
    count = ceil(Fraction(end - first) / step)
    # Where the clock is coarse the last one may be rounded to the end.
    ticks = np.array([tick for number in range(count) if (tick := first + round(number * step)) < end])
    pairs, t = _within(old.ticks * fine, ticks, rounding=fine / 2)
    return Plan(Timeline(base, ticks, end - int(ticks[-1])), pairs, t)


def _within(
    old: NDArray[np.int64], new: NDArray[np.int64], rounding: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """In which pair of ``old`` times each of ``new`` lies, and where in it; ``rounding`` is what old times may err."""
    last = len(old) - 1
    pairs = np.searchsorted(old, new, side="right") - 1
    before, after = old[pairs], old[np.minimum(pairs + 1, last)]
    gap = np.maximum(after - before, 1)
    near = np.minimum(rounding, gap / _NEAR)
    on_next = (pairs < last) & (after - new <= near)
    on_own = (pairs == last) | (new - before <= near)
    t = np.where(on_own | on_next, 0.0, (new - before) / gap)
    return pairs + on_next, t


def _common(a: Fraction, b: Fraction) -> Fraction:
    """The largest duration of which both are whole multiples."""
    return Fraction(gcd(a.numerator * b.denominator, b.numerator * a.denominator), a.denominator * b.denominator)


def _finer(coarse: Fraction, fine: Fraction) -> Fraction:
    """``fine``, unless no file can count in it."""
    return fine if 1 / fine <= _LARGEST_TICKS_PER_SECOND else coarse
