"""The rows of an evaluation: of each hidden frame, each clip, all clips and each motion magnitude; and their table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal

from lift_core.errors import LiftError
from lift_core.inference.motion_magnitude import MAGNITUDES, Magnitude, magnitude_in_words

MEAN = "mean of clips"
ALL_FRAMES = "all frames"

_HEADER = ("method", "T", "frames", "PSNR", "SSIM", "ms/frame")
_MOST_LISTED = 20


@dataclass(frozen=True)
class FrameRow:
    """What one method made of one hidden frame.

    Attributes:
        method: its name.
        context: T, see Row.
        clip: the clip's name.
        frame: its place in the clip.
        timestep: where it stands between its neighbours, in (0, 1).
        motion_px: how far things move between its neighbours, in pixels, see `motion_magnitude.motion_px`.
        motion: the class of that.
        psnr: in dB, at most `EXACT_PSNR`.
        ssim: from -1 to 1.
        seconds: it took, the encoding of frames that it is the first to need included.
    """

    method: str
    context: int
    clip: str
    frame: int
    timestep: float
    motion_px: float
    motion: Magnitude
    psnr: float
    ssim: float
    seconds: float


@dataclass(frozen=True)
class Row:
    """What one method made of one clip, or of all.

    Attributes:
        method: its name.
        context: T, the frames that a window held: the method's own number, or fewer where the clip gives fewer.
        clip: the clip's name; ``"mean of clips"`` in the mean of the clips, ``"all frames"`` in a row of one magnitude.
        motion: ``"all"``, or the class of motion whose frames the row is about, those of all clips together.
        frames: hidden frames that were compared.
        psnr: mean of the frames' PSNR in dB; in the mean of clips the mean of the clips' means.
        ssim: mean of the frames' SSIM, likewise.
        seconds: for one new frame, its share of the encoding included.
        cuts: hidden frames left out because a scene cut lies between their neighbours; 0 in a row of one magnitude.
        still: hidden frames left out because their neighbours are equal to the last bit; likewise.
    """

    method: str
    context: int
    clip: str
    frames: int
    psnr: float
    ssim: float
    seconds: float
    cuts: int
    still: int
    motion: Magnitude | Literal["all"] = "all"


@dataclass(frozen=True)
class Failure:
    """A clip that could not be evaluated with every method: it counts in no mean.

    Attributes:
        clip: its name.
        method: the one that was at work.
        error: why.
    """

    clip: str
    method: str
    error: LiftError

    def __str__(self) -> str:
        return f"{self.clip}, {self.method}: {self.error}"


def clip_row(frames: Sequence[FrameRow], *, cuts: int, still: int) -> Row:
    """The mean of one method's frames of one clip, every frame counting once.

    Args:
        frames: one or more, of one clip and method.
        cuts, still: hidden frames that were left out, see Row.
    """
    return Row(
        method=frames[0].method,
        context=frames[0].context,
        clip=frames[0].clip,
        frames=len(frames),
        psnr=fmean(frame.psnr for frame in frames),
        ssim=fmean(frame.ssim for frame in frames),
        seconds=fmean(frame.seconds for frame in frames),
        cuts=cuts,
        still=still,
    )


def mean_row(rows: Sequence[Row]) -> Row:
    """The mean of one method's clips, every clip counting once; counts are summed, T is the largest."""
    return Row(
        method=rows[0].method,
        context=max(row.context for row in rows),
        clip=MEAN,
        frames=sum(row.frames for row in rows),
        psnr=fmean(row.psnr for row in rows),
        ssim=fmean(row.ssim for row in rows),
        seconds=fmean(row.seconds for row in rows),
        cuts=sum(row.cuts for row in rows),
        still=sum(row.still for row in rows),
    )


class MotionMeans:
    """The means of each method's frames of each motion magnitude, every frame of any clip counting once.

    Only sums are kept, so a benchmark of any length fits.
    """

    def __init__(self) -> None:
        self._sums: dict[tuple[Magnitude, str], Row] = {}

    def add(self, frames: Iterable[FrameRow]) -> None:
        """Count frames in."""
        for frame in frames:
            key = frame.motion, frame.method
            total = self._sums.get(key) or Row(frame.method, 0, ALL_FRAMES, 0, 0.0, 0.0, 0.0, 0, 0, frame.motion)
            self._sums[key] = replace(
                total,
                context=max(total.context, frame.context),
                frames=total.frames + 1,
                psnr=total.psnr + frame.psnr,
                ssim=total.ssim + frame.ssim,
                seconds=total.seconds + frame.seconds,
            )

    def rows(self) -> list[Row]:
        """One row for each magnitude that occurred and each method, small motion first."""
        return [
            replace(
                total,
                psnr=total.psnr / total.frames,
                ssim=total.ssim / total.frames,
                seconds=total.seconds / total.frames,
            )
            for magnitude in MAGNITUDES
            for (motion, _), total in self._sums.items()
            if motion == magnitude
        ]


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        rows: one for each clip and method.
        means: the mean of clips, one for each method; of the clips that every method made.
        by_motion: one for each motion magnitude and method, over the frames of the same clips.
        failures: the clips that are missing from the means, and why.
    """

    rows: Sequence[Row]
    means: Sequence[Row]
    by_motion: Sequence[Row]
    failures: Sequence[Failure]

    @property
    def all_rows(self) -> Sequence[Row]:
        """Of clips, of their mean, of motion magnitudes."""
        return [*self.rows, *self.means, *self.by_motion]

    def table(self, *, clips: bool = True) -> str:
        """The tables as text.

        Args:
            clips: name every clip; otherwise the means only, as for a benchmark of thousands.
        """
        parts = []
        if self.rows:
            parts.append(format_table([*(self.rows if clips else ()), *self.means]))
        if self.by_motion:
            parts.append(format_motion_table(self.by_motion))
        if self.failures:
            parts.append(_missing(self.failures))
        return "\n\n".join(parts)


def format_table(rows: Sequence[Row]) -> str:
    """Rows as a text table, those of each clip together, the best PSNR of a clip marked with a star; what was left out
    of it stands below."""
    left_out = "".join(
        f"\n{clip}: left out {cuts} at cuts, {still} between equal frames"
        for clip, cuts, still in dict.fromkeys((row.clip, row.cuts, row.still) for row in rows)
        if (cuts or still) and clip != MEAN
    )
    return _table("clip", [(row.clip, row) for row in rows]) + left_out


def format_motion_table(rows: Sequence[Row]) -> str:
    """Rows of motion magnitudes as a text table, and a line on what a magnitude is."""
    named = [(magnitude_in_words(row.motion), row) for row in rows if row.motion != "all"]
    note = "motion: 95th percentile of the length of DIS flow between a hidden frame's neighbours; all clips together"
    return f"{_table('motion', named)}\n{note}"


def _table(first_heading: str, named: Sequence[tuple[str, Row]]) -> str:
    best = {name: max(row.psnr for other, row in named if other == name) for name in dict(named)}
    lines = [
        (first_heading, *_HEADER),
        *((name, *_cells(row, starred=row.psnr == best[name])) for name, row in named),
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(_aligned(line, widths)).rstrip() for line in lines)


def _cells(row: Row, *, starred: bool) -> tuple[str, ...]:
    return (
        row.method,
        str(row.context),
        str(row.frames),
        f"{row.psnr:.2f}" + ("*" if starred else " "),
        f"{row.ssim:.4f}",
        f"{1000 * row.seconds:.1f}",
    )


def _aligned(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    texts = [cell.ljust(width) for cell, width in zip(line[:2], widths[:2], strict=True)]
    return texts + [cell.rjust(width) for cell, width in zip(line[2:], widths[2:], strict=True)]


def _missing(failures: Sequence[Failure]) -> str:
    count = "1 clip is" if len(failures) == 1 else f"{len(failures)} clips are"
    listed = [f"  {failure}" for failure in failures[:_MOST_LISTED]]
    more = len(failures) - _MOST_LISTED
    return "\n".join([f"{count} missing from the means:", *listed, *([f"  and {more} more"] if more > 0 else [])])
