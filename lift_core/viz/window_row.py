"""What the picture of a window is drawn from: one window on a clip in plain numbers, and the sentence that says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from lift_core.errors import ShapeError

_LONGEST_LISTED = 16


@dataclass(frozen=True)
class WindowRow:
    """One window on a clip.

    Attributes:
        title: a line above the row.
        length: frames of the clip.
        indices: T frame numbers that the window's positions show.
        valid: T flags.
        times: T times relative to the midpoint of the references, in units of their gap.
        references: frame numbers of the two references, which stand at the positions T//2-1 and T//2.
        target: frame number of the hidden frame, or None.
        timestep: where the target lies between the references, in (0, 1), or None.
        cuts: frame numbers at which a new shot begins.

    Raises:
        ShapeError: lists of different lengths, or frame numbers that the clip does not have.
    """

    title: str
    length: int
    indices: Sequence[int]
    valid: Sequence[bool]
    times: Sequence[float]
    references: tuple[int, int]
    target: int | None = None
    timestep: float | None = None
    cuts: Sequence[int] = ()

    def __post_init__(self) -> None:
        count = len(self.indices)
        if not count or count != len(self.valid) or count != len(self.times):
            raise ShapeError(
                f"{count} indices, {len(self.valid)} valid flags and {len(self.times)} times.",
                where=self.title,
                fix="Give one of each for every position of the window.",
            )
        named = [*self.indices, *self.references, *([] if self.target is None else [self.target])]
        outside = sorted({number for number in named if not 0 <= number < self.length})
        if outside:
            raise ShapeError(
                f"a clip of {self.length} frames has no frame {', '.join(map(str, outside))}.",
                where=self.title,
                fix=f"Frame numbers go from 0 to {self.length - 1}.",
            )

    @property
    def reference_positions(self) -> tuple[int, int]:
        """The two positions in the middle of the window."""
        return len(self.indices) // 2 - 1, len(self.indices) // 2

    def verdict(self, position: int) -> str:
        """``valid``, or why a position is not: ``beyond cut``, ``repeated``, or just ``not valid``."""
        if self.valid[position]:
            return "valid"
        number, first = self.indices[position], self.references[0]
        if any(min(number, first) < cut <= max(number, first) for cut in self.cuts):
            return "beyond cut"
        return "repeated" if list(self.indices).count(number) > 1 else "not valid"

    def runs(self) -> list[tuple[str, int, int]]:
        """Neighbouring positions of one verdict: the verdict, the first and the last position."""
        found = []
        for verdict, group in groupby(range(len(self.indices)), self.verdict):
            positions = list(group)
            found.append((verdict, positions[0], positions[-1]))
        return found

    def sentence(self) -> str:
        """The row in words, for readers who do not see the picture."""
        said = [f"{self.title}: a clip of {self.length} frames, a window of {len(self.indices)} positions"]
        said.append(f"references {self.references[0]} and {self.references[1]}")
        if self.target is not None:
            said.append(f"frame {self.target} hidden")
        said += [f"scene cut before frame {cut}" for cut in self.cuts]
        said.append(f"frames shown {_listed([str(number) for number in self.indices])}")
        said.append(f"at times {_listed([time_text(time) for time in self.times])}")
        said += [
            f"position{f' {first}' if first == last else f's {first} to {last}'} {_WORDS.get(verdict, verdict)}"
            for verdict, first, last in self.runs()
        ]
        return "; ".join(said) + "."


_WORDS = {"beyond cut": "not valid (beyond the cut)", "repeated": "not valid (a repeated frame)"}


def time_text(time: float) -> str:
    """A time with its sign: one decimal, two where one does not say it."""
    decimals = 1 if abs(round(time, 1) - time) < 0.005 else 2
    return f"{time:+.{decimals}f}".replace("-", "−")


def _listed(texts: Sequence[str]) -> str:
    if len(texts) <= _LONGEST_LISTED:
        return ", ".join(texts)
    return f"{texts[0]}, {texts[1]}, … {texts[-2]}, {texts[-1]}"
