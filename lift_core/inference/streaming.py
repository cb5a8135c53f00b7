"""Interpolation of a stream of unknown length: pairs of neighbours with the window around them, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from lift_core.data.scene_cuts import CutDetector
from lift_core.data.window import FrameWindow, WindowFrames
from lift_core.errors import ShapeError, SourceError
from lift_core.inference.frames import Frame, check_frame, same_frame, to_image
from lift_core.inference.methods import Draw, Method, Window
from lift_core.inference.moments import Moment


@dataclass(frozen=True)
class StreamFrame:
    """One frame of a stream.

    Attributes:
        frame: its pixels.
        time: presentation time in seconds; None in a stream of equally spaced frames.
        begins_shot: whether a scene cut lies between the frame before and this one.
    """

    frame: Frame
    time: float | None = None
    begins_shot: bool = False


def detect_shots(frames: Iterable[StreamFrame]) -> Iterator[StreamFrame]:
    """Find the scene cuts of a stream and mark the frames that begin a shot.

    Raises:
        ShapeError: what is not an RGB frame.
    """
    detector = CutDetector()
    previous = None
    for frame in frames:
        check_frame(frame.frame)
        image = to_image(frame.frame)
        begins_shot = previous is not None and detector.is_cut(previous, image)
        yield replace(frame, begins_shot=begins_shot)
        previous = image


def interpolate_stream(
    method: Method, frames: Iterable[StreamFrame], moments: Iterable[Moment], first_pair: int = 0
) -> Iterator[Frame]:
    """The frames at the given moments of a stream.

    Args:
        method: what makes them.
        frames: the stream, at least two frames.
        moments: in order; ``(N - 1, 0)`` is the last of N frames. The stream ends the moments: what they ask for beyond
            its last frame is left out.
        first_pair: number of the stream's first pair, where it is a part of a longer clip.

    Raises:
        ShapeError: what is not an RGB frame, or a frame of another kind or size than the first.
        SourceError: fewer than two frames; raised when the stream has ended.
    """
    asked = iter(moments)
    moment = next(asked, None)
    pair, number = None, first_pair - 1
    for number, pair in enumerate(pairs(method, frames), start=first_pair):
        while moment is not None and moment.pair == number:
            yield pair.at(moment.t)
            moment = next(asked, None)
        if moment is None:
            return
    if pair is None:
        raise SourceError("a clip of fewer than two frames has nothing in between.", fix="Use a longer clip.")
    while moment is not None and moment == (number + 1, 0.0):
        yield pair.second.frame
        moment = next(asked, None)


class Pair:
    """Two neighbouring frames, and every frame between them.

    Attributes:
        first, second: the references.
        kind: ``"moving"``; ``"cut"``: a scene cut lies between them, and new frames repeat the nearer one, the first
            at 0.5; ``"still"``: they are equal to the last bit, and new frames repeat the first.
    """

    def __init__(self, method: Method, held: list[_Held], window: FrameWindow, anchor: int) -> None:
        self.first, self.second = held[anchor].source, held[anchor + 1].source
        self.kind: Literal["moving", "cut", "still"] = "moving"
        if self.second.begins_shot:
            self.kind = "cut"
        elif same_frame(self.first.frame, self.second.frame):
            self.kind = "still"
        self._method, self._held, self._window, self._anchor = method, held, window, anchor

    def at(self, t: float) -> Frame:
        """The frame at time ``t``, 0 at the first and 1 at the second reference."""
        if self.kind == "cut":
            return self.first.frame if t <= 0.5 else self.second.frame
        if self.kind == "still" or t <= 0:
            return self.first.frame
        return self._draw(t) if t < 1 else self.second.frame

    @cached_property
    def _draw(self) -> Draw:
        frames = window_around(self._window, self._anchor, self._held)
        first, second = self._held[self._anchor], self._held[self._anchor + 1]
        # An invalid frame is never looked at: any features of the right size may stand in its place.
        features = [
            self._held[index].features if valid else first.features
            for index, valid in zip(frames.indices, frames.valid, strict=True)
        ]
        return self._method.between(first.reference, second.reference, Window(features, frames.times, frames.valid))


class _Held:
    """A frame in the ring, encoded when it is first needed; its pixels are let go when only its features are."""

    def __init__(self, source: StreamFrame, method: Method) -> None:
        self.time, self.begins_shot = source.time, source.begins_shot
        self._source: StreamFrame | None = source
        self._method = method

    @property
    def source(self) -> StreamFrame:
        if self._source is None:
            raise LookupError("the pixels of a frame that has left its pairs")
        return self._source

    @cached_property
    def features(self) -> Any:
        return self._method.encode(self.source.frame)

    @cached_property
    def reference(self) -> Any:
        return self._method.encode_reference(self.source.frame)

    def leave_pair(self) -> None:
        """Forget what only a reference needs; but pixels are kept for features that are still to be made."""
        self.__dict__.pop("reference", None)
        if "features" in self.__dict__:
            self._source = None


def window_around(window: FrameWindow, anchor: int, frames: Sequence[_Held]) -> WindowFrames:
    """The window whose first reference is ``frames[anchor]``, with the times and cuts that the frames carry."""
    times = [frame.time for frame in frames]
    known = [time for time in times if time is not None]
    cuts = [number for number, frame in enumerate(frames) if frame.begins_shot]
    return window.at(anchor, len(frames), timestamps=known if len(known) == len(times) else None, cuts=cuts)


def pairs(method: Method, frames: Iterable[StreamFrame]) -> Iterator[Pair]:
    """Every pair of neighbours in a stream, in order, each with its window of ``method.context`` frames.

    A pair is given once the T/2 frames after its first reference have been read, or the stream has ended; beyond the
    stream's ends the window is clamped and masked, so the result is that of the whole clip. No more than T frames and
    their features are held, whatever the length. What a pair makes is made before the next pair is asked for. A stream
    of fewer than two frames has no pairs.

    Raises:
        ShapeError: what is not an RGB frame, or a frame of another size than the first.
    """
    window = FrameWindow.uniform(method.context, stride=1, edge="clamp")
    ring: deque[_Held] = deque()
    anchor = 0
    first = None
    for frame in frames:
        check_frame(frame.frame)
        first = first or _Kind.of(frame.frame)
        first.check(frame.frame)
        ring.append(_Held(frame, method))
        if len(ring) > anchor + method.context // 2:
            yield Pair(method, list(ring), window, anchor)
            anchor = _advance(ring, anchor, window)
    while anchor + 1 < len(ring):
        yield Pair(method, list(ring), window, anchor)
        anchor = _advance(ring, anchor, window)


def _advance(ring: deque[_Held], anchor: int, window: FrameWindow) -> int:
    """Move on to the next pair and drop the frame that no later window reaches."""
    ring[anchor].leave_pair()
    if anchor < -window.offsets[0]:
        return anchor + 1
    ring.popleft()
    return anchor


@dataclass(frozen=True)
class _Kind:
    """What all frames of a stream share."""

    type: type[Frame]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, frame: Frame) -> _Kind:
        return cls(type(frame), tuple(frame.shape))

    def check(self, frame: Frame) -> None:
        """Refuse a frame of another kind.

        Raises:
            ShapeError: it is.
        """
        if self != _Kind.of(frame):
            raise ShapeError(
                f"a frame of shape {list(frame.shape)} in a stream of shape {list(self.shape)}.",
                fix="All frames of a clip need one size and one kind; scale or crop them first.",
            )
