"""JSON with a checksum of itself: a file with a flipped bit that still reads as JSON is told from a whole one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

_CHECKSUM = "checksum"
# What a file is, and of which version, is looked at first: another version may have another checksum.
_NOT_COVERED = (_CHECKSUM, "store", "version")


def parse_json(text: str | bytes) -> Any:
    """What JSON holds.

    Raises:
        ValueError: no JSON, or lists within lists deeper than Python reads, as no file of ours has them.
    """
    with _as_value_error():
        return json.loads(text)


def with_checksum(content: Mapping[str, Any]) -> dict[str, Any]:
    """``content``, which JSON can hold, with a checksum of all of it but ``store`` and ``version``."""
    return {**content, _CHECKSUM: _checksum(content)}


def require_checksum(content: Mapping[str, Any]) -> None:
    """Raise ValueError unless what was read from JSON is what `with_checksum` gave."""
    with _as_value_error():
        expected = _checksum(content)
    if content.get(_CHECKSUM) != expected:
        raise ValueError("its checksum is another")


@contextmanager
def _as_value_error() -> Iterator[None]:
    try:
        yield
    except RecursionError:
        raise ValueError("its lists lie too deep within each other") from None


def _checksum(content: Mapping[str, Any]) -> str:
    covered = {name: value for name, value in content.items() if name not in _NOT_COVERED}
    return hashlib.blake2b(json.dumps(covered, sort_keys=True).encode(), digest_size=16).hexdigest()
