"""fixed_size: the one size that pictures are held at, from an argument or from the environment.

MultiScaleDataset and pack_clips ask for it; nothing else reads the variable.
"""

from __future__ import annotations

import os
import re
from operator import index

from lift_core.errors import ConfigError

VARIABLE = "LIFT_FIXED_SIZE"
_LONGEST_SIDE = 99_999


def fixed_size(argument: tuple[int, int] | None = None) -> tuple[int, int] | None:
    """Height and width in pixels: the argument, or else ``LIFT_FIXED_SIZE`` (``256x448``), or else None.

    Raises:
        ConfigError: an argument that is no two whole numbers, a size below 1x1 or above 99999x99999, or a variable of
            another form.
    """
    if argument is not None:
        return _checked(argument, "fixed_size")
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return None
    return parse_size(text, VARIABLE)


def parse_size(text: str, where: str) -> tuple[int, int]:
    """Height and width of a text such as ``256x448``.

    Args:
        text: the size. where: what it was given by, for the message.

    Raises:
        ConfigError: another form, more than five digits, or a size below 1x1.
    """
    match = re.fullmatch(r"(\d{1,5})\s*[xX]\s*(\d{1,5})", text.strip(), re.ASCII)
    if match is None:
        raise ConfigError(f"{text!r} is no size", where=where, fix="Set it to HEIGHTxWIDTH, such as 256x448.")
    return _checked((int(match[1]), int(match[2])), where)


def _checked(size: tuple[int, int], where: str) -> tuple[int, int]:
    try:
        height, width = (index(side) for side in size)
    except (TypeError, ValueError):
        raise ConfigError(
            f"{size!r} is no size", where=where, fix="Give (height, width), such as (256, 448)."
        ) from None
    if not (1 <= height <= _LONGEST_SIDE and 1 <= width <= _LONGEST_SIDE):
        raise ConfigError(
            f"pictures cannot have the size {size}", where=where, fix=f"Choose 1 to {_LONGEST_SIDE} for each side."
        )
    return height, width
