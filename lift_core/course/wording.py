"""Numbers in words: a guess compared with a measurement, whatever their sign and size."""

from __future__ import annotations

import math

# Closer than this is called the same: nobody guesses to half a percent.
_SAME = 0.005


def shown(value: float, unit: str = "") -> str:
    """A number with three significant digits, written out where that stays short, and its unit."""
    if not math.isfinite(value):
        text = str(value)
    elif value == 0 or 1e-3 <= abs(value) < 1e6:
        decimals = 0 if value == 0 else max(0, 2 - math.floor(math.log10(abs(value))))
        text = f"{value:,.{decimals}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        text = f"{value:.3g}"
    return f"{text} {unit}".rstrip()


def comparison(guess: float, measured: float, unit: str = "") -> str:
    """Say in one sentence how a guess and a measured value compare; both are finite.

    Twice or more apart it is how many times, closer than that a percentage. Where there is no ratio that means
    something (one is zero, or the signs differ) it is the distance between the two.
    """
    if guess == measured:
        return "Your guess is exactly the measured value."
    if guess * measured > 0 and abs(guess - measured) <= _SAME * abs(measured):
        return "Your guess is within half a percent of the measured value."
    if guess * measured <= 0:
        side = "above" if guess > measured else "below"
        return f"Your guess lies {shown(abs(guess - measured), unit)} {side} the measured value."
    ratio = guess / measured
    if ratio >= 2:
        return f"You guessed {shown(ratio)} times the measured value."
    if ratio <= 0.5:
        return f"The measured value is {shown(1 / ratio)} times your guess."
    if measured > 0:
        side = "above" if ratio > 1 else "below"
    else:
        side = "farther from zero than" if ratio > 1 else "closer to zero than"
    return f"Your guess lies {shown(100 * abs(ratio - 1))} % {side} the measured value."
