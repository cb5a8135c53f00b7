"""Scene cuts of clips, remembered in the user's cache folder: finding them decodes a clip from end to end."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict
from pathlib import Path

from lift_core.atomic import atomic_file
from lift_core.data.cache_folder import cache_folder
from lift_core.data.checked_json import parse_json
from lift_core.data.scene_cuts import CutDetector, find_cuts
from lift_core.data.source import FrameSource
from lift_core.errors import OutputError

_log = logging.getLogger(__name__)


def cached_cuts(source: FrameSource, detector: CutDetector | None = None) -> tuple[int, ...]:
    """The scene cuts of a clip, found once per path, `FrameSource.fingerprint` and detector settings.

    Those of a clip without a fingerprint are found anew each time. Where the cache folder cannot be written, all are,
    with a warning.

    Raises:
        FrameReadError: a frame that cannot be read.
    """
    detector = detector or CutDetector()
    fingerprint = source.fingerprint
    if fingerprint is None:
        return find_cuts(source, detector)
    path = cache_folder() / "cuts" / f"{_key(source, fingerprint, detector)}.json"
    known = _read(path, len(source))
    if known is not None:
        return known
    _log.info("finding scene cuts of %s", source.name)
    cuts = find_cuts(source, detector)
    try:
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps({"clip": source.name, "frames": len(source), "cuts": cuts}))
    except OutputError as error:
        _log.warning("scene cuts of %s are not remembered: %s", source.name, error)
    return cuts


def _key(source: FrameSource, fingerprint: str, detector: CutDetector) -> str:
    path = str(Path(source.name).resolve())
    identity: list[object] = [path, fingerprint, len(source), source.size, asdict(detector)]
    return hashlib.blake2b(json.dumps(identity).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _read(path: Path, frames: int) -> tuple[int, ...] | None:
    try:
        cuts = tuple(int(c) for c in parse_json(path.read_text())["cuts"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    increasing = all(a < b for a, b in zip((0, *cuts), (*cuts, frames), strict=True))
    return cuts if increasing else None
