"""ClipTable: the clips of a data set with their names, groups, lengths and scene cuts, held compactly."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lift_core.data.packed_strings import PackedStrings
from lift_core.data.source import FrameSource
from lift_core.errors import FrameReadError, LiftError, SourceError

OnError = Literal["raise", "skip"]
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ClipPath:
    """A clip that was found, not yet opened: where it is, its stable name, and the group it splits with."""

    path: str
    name: str
    group: str


class ClipTable:
    """N clips as a few arrays, which forked workers share.

    Args:
        clips: what was found. lengths: frames of each. cuts: sorted scene cuts of each.
    """

    def __init__(self, clips: Sequence[ClipPath], lengths: Sequence[int], cuts: Sequence[Sequence[int]]) -> None:
        self.paths = PackedStrings(c.path for c in clips)
        self.names = PackedStrings(c.name for c in clips)
        self.lengths: NDArray[np.int64] = np.array(lengths, dtype=np.int64)
        self._cut_ends: NDArray[np.int64] = np.cumsum([len(c) for c in cuts], dtype=np.int64)
        self._cuts: NDArray[np.int64] = np.array([c for clip in cuts for c in clip], dtype=np.int64)

    def __len__(self) -> int:
        return len(self.lengths)

    def cuts(self, clip: int) -> list[int]:
        """The scene cuts of one clip, sorted."""
        start = int(self._cut_ends[clip - 1]) if clip else 0
        return [int(c) for c in self._cuts[start : self._cut_ends[clip]]]


def probe(
    clips: Sequence[ClipPath],
    open_clip: Callable[[str], FrameSource],
    find_cuts: Callable[[FrameSource], Sequence[int]] | None,
    on_error: OnError,
) -> tuple[ClipTable, list[LiftError]]:
    """Open every clip once for its length and, where wanted, its scene cuts.

    Returns:
        the clips that could be opened, and the errors of those that were skipped.

    Raises:
        SourceError, FrameReadError: a clip that cannot be read, with ``on_error="raise"``.
    """
    kept: list[ClipPath] = []
    lengths: list[int] = []
    cuts: list[Sequence[int]] = []
    errors: list[LiftError] = []
    for clip in clips:
        try:
            source = open_clip(clip.path)
            length = len(source)
            clip_cuts = () if find_cuts is None else find_cuts(source)
        except (SourceError, FrameReadError) as error:
            if on_error == "raise":
                raise
            errors.append(error)
            _log.warning("clip %s is left out: %s", clip.name, error)
            continue
        kept.append(clip)
        lengths.append(length)
        cuts.append(clip_cuts)
    return ClipTable(kept, lengths, cuts), errors
