"""Which positions of a clip become samples: all of them, evenly spread, strided, or drawn anew each epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lift_core.data.window import FrameWindow
from lift_core.errors import ConfigError


@dataclass(frozen=True)
class Position:
    """One place in a clip: a window, the frame of its first reference, and the offset of the hidden frame."""

    window: FrameWindow
    anchor: int
    target_offset: int


class ClipPositions:
    """Every legal position of a clip, in order: by window, then anchor, then target.

    Args:
        windows: the windows to place.
        length: number of frames of the clip.
        cuts: sorted frame numbers at which a new shot begins.
        stride: take every stride-th legal anchor only.
    """

    def __init__(
        self, windows: Sequence[FrameWindow], length: int, cuts: Sequence[int] = (), *, stride: int = 1
    ) -> None:
        self._windows = windows
        self._anchors = [w.anchors(length, cuts)[::stride] for w in windows]
        counts = [len(a) * len(w.target_offsets) for w, a in zip(windows, self._anchors, strict=True)]
        self._ends: NDArray[np.int64] = np.cumsum(counts, dtype=np.int64)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> Position:
        if not 0 <= index < len(self):
            raise IndexError(f"position {index} of {len(self)}")
        number = int(np.searchsorted(self._ends, index, side="right"))
        window = self._windows[number]
        within = index - (int(self._ends[number - 1]) if number else 0)
        anchor, target = divmod(within, len(window.target_offsets))
        return Position(window, int(self._anchors[number][anchor]), window.target_offsets[target])


@dataclass(frozen=True)
class Sampling:
    """How samples are taken from each clip.

    Attributes:
        mode: "all" positions; "even", ``count`` of them spread evenly; "strided", every ``stride``-th anchor;
            "random", ``count`` drawn anew in each epoch.
        count: samples per clip, for "even" (fewer where the clip has fewer positions) and "random".
        stride: frames between anchors, for "strided".

    Raises:
        ConfigError: an unknown mode, a count or a stride below 1.
    """

    mode: Literal["all", "even", "strided", "random"] = "all"
    count: int = 8
    stride: int = 1

    def __post_init__(self) -> None:
        if self.mode not in ("all", "even", "strided", "random"):
            raise ConfigError(f"unknown sampling {self.mode!r}", fix="Choose all, even, strided or random.")
        if self.count < 1 or self.stride < 1:
            raise ConfigError(
                f"sampling takes a count and a stride of at least 1, not {self.count} and {self.stride}",
                fix="Choose 1 or more.",
            )

    def positions(self, windows: Sequence[FrameWindow], length: int, cuts: Sequence[int]) -> ClipPositions:
        """The positions that this sampling chooses from."""
        return ClipPositions(windows, length, cuts, stride=self.stride if self.mode == "strided" else 1)

    def samples(self, positions: int) -> int:
        """How many samples a clip with so many positions gives."""
        if positions == 0 or self.mode in ("all", "strided"):
            return positions
        return self.count if self.mode == "random" else min(self.count, positions)

    def choose(self, sample: int, positions: int, draw: np.random.Generator) -> int:
        """The position of the clip's ``sample``-th sample; ``draw`` is used by "random" only."""
        if self.mode == "random":
            return int(draw.integers(positions))
        if self.mode == "even":
            return (2 * sample + 1) * positions // (2 * self.samples(positions))
        return sample
