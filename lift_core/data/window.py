"""FrameWindow: which frames of a clip make one sample; the only place with index arithmetic."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lift_core.errors import WindowError

Edge = Literal["clamp", "require"]


@dataclass(frozen=True)
class WindowFrames:
    """The frames of one sample.

    Attributes:
        indices: T source frame numbers in temporal order; the border frame is repeated where clamped.
        valid: T flags; False where a position was clamped, or lies beyond a scene cut as seen from the references.
        times: T times relative to the midpoint of the references, in units of their gap: the references are at
            -0.5 and +0.5. A clamped position has the time of the frame that is actually shown.
        references: source frame numbers of the context positions T//2-1 and T//2.
        target: source frame number of the hidden frame; None when the window hides none.
        timestep: where the target lies between the references, strictly between 0 and 1; None without a target.
    """

    indices: tuple[int, ...]
    valid: tuple[bool, ...]
    times: tuple[float, ...]
    references: tuple[int, int]
    target: int | None
    timestep: float | None


@dataclass(frozen=True)
class FrameWindow:
    """A pattern of frames around an anchor, the first of the two references.

    Attributes:
        offsets: T context offsets from the anchor, strictly increasing, T even. ``offsets[T//2-1]`` is 0 and
            ``offsets[T//2]`` is the gap between the references. The pattern is its own mirror image, so that time
            reversal maps the references onto each other.
        target_offsets: offsets of the frames that may be hidden, strictly between the references; empty for stride 1.
        edge: at a clip's ends, "clamp" repeats the border frame and marks it invalid; "require" serves only
            whole windows.

    Raises:
        WindowError: offsets that break one of these rules.
    """

    offsets: tuple[int, ...]
    target_offsets: tuple[int, ...] = ()
    edge: Edge = "clamp"

    def __post_init__(self) -> None:
        problem = _problem(self.offsets, self.target_offsets, self.edge)
        if problem is not None:
            raise WindowError(
                problem,
                where=f"offsets={self.offsets}, target_offsets={self.target_offsets}, edge={self.edge!r}",
                fix="Build the window with FrameWindow.uniform(context, stride) or FrameWindow.consecutive(count).",
            )

    @classmethod
    def uniform(cls, context: int = 64, stride: int = 2, edge: Edge = "clamp") -> FrameWindow:
        """``context`` frames, ``stride`` apart; the frames hidden are those between the references.

        Raises:
            WindowError: ``context`` odd or below 2, ``stride`` below 1.
        """
        if context < 2 or context % 2 or stride < 1:
            raise WindowError(
                f"a uniform window needs an even context of at least 2 and a stride of at least 1, not {context} and"
                f" {stride}",
                where="FrameWindow.uniform",
                fix="Choose for example uniform(64, 2).",
            )
        first = context // 2 - 1
        return cls(tuple((i - first) * stride for i in range(context)), tuple(range(1, stride)), edge)

    @classmethod
    def consecutive(cls, count: int = 15, edge: Edge = "clamp") -> FrameWindow:
        """``count`` neighbouring frames; the middle one is hidden, so the context has ``count - 1`` frames.

        Raises:
            WindowError: ``count`` even or below 3.
        """
        if count < 3 or count % 2 == 0:
            raise WindowError(
                f"a consecutive window needs an odd count of at least 3, not {count}",
                where="FrameWindow.consecutive",
                fix="Choose for example consecutive(15).",
            )
        half = count // 2
        return cls((*range(1 - half, 1), *range(2, half + 2)), (1,), edge)

    @property
    def context(self) -> int:
        """T, the number of context frames."""
        return len(self.offsets)

    @property
    def gap(self) -> int:
        """Source frames from the first reference to the second."""
        return self.offsets[self.context // 2]

    @property
    def span(self) -> int:
        """Source frames that a whole window covers, hidden ones included."""
        return self.offsets[-1] - self.offsets[0] + 1

    @property
    def needed(self) -> int:
        """The shortest clip, in frames, that serves this window."""
        return self.span if self.edge == "require" else self.gap + 1

    @property
    def label(self) -> str:
        """A short text that tells windows apart and goes into sample keys: u64s2, c15, or w and a digest."""
        if self.offsets == FrameWindow.uniform(self.context, self.gap).offsets:
            return f"u{self.context}s{self.gap}"
        if self.gap == 2 and self.offsets == FrameWindow.consecutive(self.context + 1).offsets:
            return f"c{self.context + 1}"
        return "w" + hashlib.blake2b(repr(self.offsets).encode(), digest_size=6).hexdigest()

    def anchors(self, length: int, cuts: Sequence[int] = ()) -> NDArray[np.int64]:
        """The legal first references of a clip of ``length`` frames, sorted, ``[N]``; empty if there are none.

        The references and the frames between them exist in the clip and no cut lies between the references; with
        ``edge="require"`` the whole window exists too (its far frames may still lie beyond a cut).

        Args:
            length: number of frames of the clip.
            cuts: sorted frame numbers at which a new shot begins.
        """
        low, high = self._anchor_range(length)
        anchors: NDArray[np.int64] = np.arange(low, max(low, high), dtype=np.int64)
        sorted_cuts = np.asarray(cuts, dtype=np.int64)
        shot_of_first = np.searchsorted(sorted_cuts, anchors, side="right")
        shot_of_second = np.searchsorted(sorted_cuts, anchors + self.gap, side="right")
        legal: NDArray[np.int64] = anchors[shot_of_first == shot_of_second]
        return legal

    def at(
        self,
        anchor: int,
        length: int,
        *,
        target_offset: int | None = None,
        timestamps: Sequence[float] | NDArray[np.float64] | None = None,
        cuts: Sequence[int] = (),
    ) -> WindowFrames:
        """The frames of the window whose first reference is frame ``anchor``.

        Args:
            anchor: source frame number of the first reference.
            length: number of frames of the clip.
            target_offset: which hidden frame is the target; by default the middle one (the later of two).
            timestamps: presentation times of the clip in seconds, ``[length]``, strictly increasing; without them
                frames are taken as equally spaced.
            cuts: sorted frame numbers at which a new shot begins.

        Raises:
            WindowError: an anchor that the clip cannot serve, a target that the window does not hide, a cut between
                the references, or timestamps that do not increase.
        """
        self._check_anchor(anchor, length, cuts)
        offset = self._target_offset(target_offset)
        wanted = [anchor + o for o in self.offsets]
        indices = tuple(min(max(i, 0), length - 1) for i in wanted)
        shot = bisect_right(cuts, anchor)
        valid = tuple(
            i == shown and bisect_right(cuts, shown) == shot for i, shown in zip(wanted, indices, strict=True)
        )
        references = (anchor, anchor + self.gap)
        clock = _Clock(references, timestamps, length)
        target = None if offset is None else anchor + offset
        return WindowFrames(
            indices=indices,
            valid=valid,
            times=tuple(clock.relative(i) for i in indices),
            references=references,
            target=target,
            timestep=None if target is None else clock.relative(target) + 0.5,
        )

    def _anchor_range(self, length: int) -> tuple[int, int]:
        if self.edge == "require":
            return -self.offsets[0], length - self.offsets[-1]
        return 0, length - self.gap

    def _target_offset(self, target_offset: int | None) -> int | None:
        if target_offset is None:
            return self.target_offsets[len(self.target_offsets) // 2] if self.target_offsets else None
        if target_offset not in self.target_offsets:
            raise WindowError(
                f"the window hides no frame at offset {target_offset}",
                where=f"target_offset={target_offset}",
                fix=f"Choose one of {self.target_offsets}." if self.target_offsets else "Use a stride of 2 or more.",
            )
        return target_offset

    def _check_anchor(self, anchor: int, length: int, cuts: Sequence[int]) -> None:
        low, high = self._anchor_range(length)
        if not low <= anchor < high:
            raise WindowError(
                f"a clip of {length} frames cannot serve this window at frame {anchor}",
                where=f"window {self.label}, edge={self.edge!r}",
                fix=f"Anchors go from {low} to {high - 1}."
                if low < high
                else f"The window needs at least {self.needed} frames; choose a smaller one or a longer clip.",
            )
        if bisect_right(cuts, anchor) != bisect_right(cuts, anchor + self.gap):
            raise WindowError(
                "a scene cut lies between the references",
                where=f"frames {anchor} and {anchor + self.gap}",
                fix="Take anchors from FrameWindow.anchors(length, cuts).",
            )


class _Clock:
    """Times of frames relative to the midpoint of two references, in units of their gap."""

    def __init__(
        self, references: tuple[int, int], timestamps: Sequence[float] | NDArray[np.float64] | None, length: int
    ) -> None:
        if timestamps is not None and len(timestamps) != length:
            raise WindowError(
                f"{len(timestamps)} timestamps for a clip of {length} frames", fix="Give one timestamp per frame."
            )
        self._timestamps = timestamps
        first, second = self._raw(references[0]), self._raw(references[1])
        if not second > first:
            raise WindowError(
                f"timestamps do not increase between the references: {first} and {second} seconds",
                where=f"frames {references[0]} and {references[1]}",
                fix="Index the clip by presentation time, or pass no timestamps.",
            )
        self._first, self._gap = first, second - first

    def _raw(self, index: int) -> float:
        return float(index) if self._timestamps is None else float(self._timestamps[index])

    def relative(self, index: int) -> float:
        return (self._raw(index) - self._first) / self._gap - 0.5


def _problem(offsets: tuple[int, ...], target_offsets: tuple[int, ...], edge: str) -> str | None:
    count = len(offsets)
    if edge not in ("clamp", "require"):
        return f"edge is 'clamp' or 'require', not {edge!r}"
    if count < 2 or count % 2:
        return f"a window needs an even number of context frames, at least 2, not {count}"
    if any(b <= a for a, b in pairwise(offsets)):
        return "context offsets must increase strictly"
    if offsets[count // 2 - 1] != 0:
        return "the first reference (context position T//2-1) must have offset 0"
    gap = offsets[count // 2]
    if any(a + b != gap for a, b in zip(offsets, reversed(offsets), strict=True)):
        return "context offsets must mirror around the midpoint of the references"
    if any(not 0 < o < gap for o in target_offsets):
        return "target offsets must lie strictly between the references"
    if tuple(sorted({gap - o for o in target_offsets})) != target_offsets:
        return "target offsets must increase strictly and mirror around the midpoint of the references"
    return None
