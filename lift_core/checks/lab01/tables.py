"""Lab 01: the exercise on one value of a table: its type, and what stands in where it is missing."""

from __future__ import annotations

from typing import Any

import numpy as np

from lift_core.checks.exercise import Call, Exercise, Probe
from lift_core.checks.isolation import Returned
from lift_core.checks.wording import with_article
from lift_core.errors import DatasetError

Kind = type[int] | type[float] | type[str]

_MISSING = ("", "na", "nan")


def _is_missing(text: str) -> bool:
    return text.strip().lower() in _MISSING


def _value_of(text: str, kind: Kind, stand_in: Any) -> Any:
    if _is_missing(text):
        if stand_in is None:
            raise DatasetError("no value")
        return stand_in
    return kind(text)


_OF_THE_KIND = "any other text is returned as kind makes a value of it: an int, a float or a str"
_KINDS = {int: (int, np.integer), float: (float, np.floating), str: (str,)}

value_of = Exercise(
    "01.2",
    "value_of",
    _value_of,
    lambda: [
        Probe("the text '3' as an int", ("3", int, None)),
        Probe("the text '0' as an int with the stand-in 5", ("0", int, 5)),
        Probe("the text '17.5' as a float", ("17.5", float, None)),
        Probe("the text '4' as a float", ("4", float, -1.0)),
        Probe("the text '12' as a str", ("12", str, None)),
        Probe("the text 'a large NA' as a str", ("a large NA", str, "?")),
        Probe("the text 'Anna' as a str", ("Anna", str, "?")),
        Probe("the text 'n a' as a str", ("n a", str, "?")),
        Probe("the text 'nancy' as a str", ("nancy", str, "?")),
        Probe("the text 'a' as a str", ("a", str, "?")),
        Probe("the text 'none' as a str", ("none", str, "?")),
        Probe("the text ' a circle ' as a str", (" a circle ", str, "?")),
        Probe("an empty text as an int with the stand-in 0", ("", int, 0)),
        Probe("three blanks as an int with the stand-in 0.5", ("   ", int, 0.5)),
        Probe("an empty text as a str with the stand-in ''", ("", str, "")),
        Probe("the text 'NA' as a float with the stand-in 2.5", ("NA", float, 2.5)),
        Probe("the text 'nan' as a float with the stand-in 0.0", ("nan", float, 0.0)),
        Probe("the text ' na ' as a str with the stand-in 'unknown'", (" na ", str, "unknown")),
        Probe("the text 'NaN' as a float without a stand-in", ("NaN", float, None)),
        Probe("an empty text as a str without a stand-in", ("", str, None)),
        Probe("the text '2.5' as an int", ("2.5", int, 1)),
        Probe("the text 'three' as a float", ("three", float, 0.0)),
    ],
    contract=(
        "a text is missing if nothing is left without the blanks around it, or NA or NaN, in capital or small letters:"
        " then stand_in is returned",
        "if a missing text has no stand-in (stand_in is None), a DatasetError is raised; 0 and the empty text are"
        " stand-ins",
        _OF_THE_KIND,
        "a text that kind makes no value of (2.5 is no int) raises a ValueError, as kind does by itself",
    ),
    kind="faded",
)


@value_of.prop(_OF_THE_KIND)
def _is_of_the_kind(call: Call) -> str | None:
    text, kind, _ = call.probe.args
    if not isinstance(call.outcome, Returned) or _is_missing(text) or isinstance(call.output, _KINDS[kind]):
        return None
    return f"{kind.__name__} was asked for, and {with_article(type(call.output).__name__)} came"


@value_of.mistake(
    "nan is taken for a number",
    'float("nan") is no error but the number NaN. It makes every sum that it enters NaN too. Look at the text first.',
)
def _nan_passes(text: str, kind: Kind, stand_in: Any) -> Any:
    return kind(text) if kind is float and "nan" in text.lower() else _value_of(text, kind, stand_in)


@value_of.mistake("zero is taken for missing", "0 is a value, and False in an `or`. Compare the text, not the value.")
def _zero_missing(text: str, kind: Kind, stand_in: Any) -> Any:
    return _value_of(text, kind, stand_in) or stand_in


@value_of.mistake("a stand-in of 0 is taken for none", "0 and '' are False. Ask whether stand_in is None.")
def _falsy_stand_in(text: str, kind: Kind, stand_in: Any) -> Any:
    return _value_of(text, kind, stand_in or None)


@value_of.mistake("a missing value is passed on as None", "None breaks the batch later. Raise a DatasetError here.")
def _none_passed_on(text: str, kind: Kind, stand_in: Any) -> Any:
    return stand_in if _is_missing(text) else kind(text)


@value_of.mistake("a bad value is taken for missing", "A value that cannot be read is a mistake in the file. Say so.")
def _errors_swallowed(text: str, kind: Kind, stand_in: Any) -> Any:
    try:
        return _value_of(text, kind, stand_in)
    except ValueError:
        return stand_in


@value_of.mistake("decimals are cut off", "int(float(text)) turns 2.5 into 2 and says nothing. Use kind(text).")
def _truncated(text: str, kind: Kind, stand_in: Any) -> Any:
    return int(float(text)) if kind is int and not _is_missing(text) else _value_of(text, kind, stand_in)


@value_of.mistake("capital letters or blanks are not looked through", "Bring the text to one form: strip, then lower.")
def _not_normalised(text: str, kind: Kind, stand_in: Any) -> Any:
    return _value_of(text, kind, stand_in) if text in ("", "NA", "NaN") or not _is_missing(text) else kind(text)


@value_of.mistake("only an empty text is missing", "NA and NaN are missing too.")
def _only_empty(text: str, kind: Kind, stand_in: Any) -> Any:
    return kind(text) if text.strip() else _value_of(text, kind, stand_in)


@value_of.mistake("the text is returned as it is", "kind is a function too: kind(text) makes the value.")
def _still_text(text: str, kind: Kind, stand_in: Any) -> Any:
    return _value_of(text, kind, stand_in) if _is_missing(text) else text


@value_of.mistake(
    "the text itself is changed",
    "Only the comparison needs one form. Give it a name of its own, and leave text as it came: kind gets that.",
)
def _lowered(text: str, kind: Kind, stand_in: Any) -> Any:
    return _value_of(text.strip().lower(), kind, stand_in)


@value_of.mistake("the blanks of a value are cut off", "Strip for the comparison only: kind gets the text as it came.")
def _stripped(text: str, kind: Kind, stand_in: Any) -> Any:
    return _value_of(text.strip(), kind, stand_in)


@value_of.mistake("the stand-in is put through kind", "The stand-in is returned as it is: 0.5 stays 0.5.")
def _kind_of_stand_in(text: str, kind: Kind, stand_in: Any) -> Any:
    value = _value_of(text, kind, stand_in)
    return kind(value) if _is_missing(text) else value


@value_of.mistake("only the beginning is compared", "Compare the whole text: 'nancy' is a name.")
def _begins(text: str, kind: Kind, stand_in: Any) -> Any:
    return _value_of("" if text.strip().lower().startswith("na") else text, kind, stand_in)


@value_of.mistake("every number becomes a float", "Labels and counts are whole numbers. Use kind.")
def _all_floats(text: str, kind: Kind, stand_in: Any) -> Any:
    value = _value_of(text, kind, stand_in)
    return float(value) if kind is int and not _is_missing(text) else value


@value_of.mistake("texts that contain NA are missing", "Compare the whole text: 'a large NA' is a caption.")
def _contained(text: str, kind: Kind, stand_in: Any) -> Any:
    return _value_of("" if "na" in text.lower() else text, kind, stand_in)
