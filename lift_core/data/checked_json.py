"""JSON with a checksum of itself: a file with a flipped bit that still reads as JSON is told from a whole one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_CHECKSUM = "checksum"
# What a file is, and of which version, is looked at first: another version may have another checksum.
_NOT_COVERED = (_CHECKSUM, "store", "version")


def with_checksum(content: Mapping[str, Any]) -> dict[str, Any]:
    """``content``, which JSON can hold, with a checksum of all of it but ``store`` and ``version``."""
    return {**content, _CHECKSUM: _checksum(content)}


def require_checksum(content: Mapping[str, Any]) -> None:
    """Raise ValueError unless what was read from JSON is what `with_checksum` gave."""
    if content.get(_CHECKSUM) != _checksum(content):
        raise ValueError("its checksum is another")


def _checksum(content: Mapping[str, Any]) -> str:
    covered = {name: value for name, value in content.items() if name not in _NOT_COVERED}
    return hashlib.blake2b(json.dumps(covered, sort_keys=True).encode(), digest_size=16).hexdigest()
