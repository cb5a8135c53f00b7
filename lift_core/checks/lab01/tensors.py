"""Lab 01: what to say of a batch whose entries should be tensors, and are none."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from lift_core.checks.exercise import Call
from lift_core.checks.wording import with_article


def no_tensor(call: Call, *names: str) -> str | None:
    """Name the first of the entries of a returned batch that is no tensor; None where all are, or where one lacks."""
    batch = call.output if isinstance(call.output, Mapping) else {}
    for name in names:
        if name in batch and not isinstance(batch[name], Tensor):
            return f"{name} is no tensor but {with_article(type(batch[name]).__name__)}"
    return None
