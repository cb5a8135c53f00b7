"""ClipStream: a clip on disk as a stream that begins where it is needed, with its times and its scene cuts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

from lift_core.data.scene_cuts import in_order
from lift_core.data.source import FrameSource
from lift_core.inference.frames import Frame
from lift_core.inference.methods import Method
from lift_core.inference.moments import Moment
from lift_core.inference.streaming import StreamFrame, detect_shots, interpolate_stream


@dataclass(frozen=True)
class Made:
    """What was written.

    Attributes:
        path: the file or folder.
        frames_in: frames read.
        frames_out: frames written, the old ones among them.
        cuts: scene cuts found.
        notes: what of the original the result does not have, in words.
    """

    path: Path
    frames_in: int
    frames_out: int
    cuts: int
    notes: tuple[str, ...] = ()


class ClipStream:
    """The frames of a clip from the first that the window around a pair can hold.

    Args:
        source: the clip.
        context: T of the method.
        first_pair: number of the pair that is wanted first; what lies before is not made.
        on_cut: called with the number of each frame that begins a shot.
    """

    def __init__(self, source: FrameSource, context: int, first_pair: int, on_cut: Callable[[int], None]) -> None:
        self._source = source
        self._start = max(0, first_pair - context // 2 + 1)
        self._on_cut = on_cut

    def interpolated(self, method: Method, moments: Iterable[Moment]) -> Iterator[Frame]:
        """The frames at the given moments of the clip, none of them before the first pair."""
        return interpolate_stream(method, self._frames(), moments, first_pair=self._start)

    def _frames(self) -> Iterator[StreamFrame]:
        times: Iterable[float | None] = repeat(None)
        if self._source.timestamps is not None:
            times = self._source.timestamps[self._start :].tolist()
        frames = zip(in_order(self._source, self._start), times, strict=False)
        for number, frame in enumerate(detect_shots(StreamFrame(*pair) for pair in frames), start=self._start):
            if frame.begins_shot:
                self._on_cut(number)
            yield frame
