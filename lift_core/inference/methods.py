"""Method: the interface of every way to make a frame between two others; and the baselines behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from lift_core.classical import Floats, PairFlow, blend, dis_flow
from lift_core.inference.frames import Frame, Image, image_as, to_image
from lift_core.inference.remembered_flow import RememberedFlow
from lift_core.model.start import path_between

FindFlow = Callable[[Image, Image], Floats]

Draw = Callable[[float], Frame]
"""Makes the frame at a time strictly between 0 and 1."""


@dataclass(frozen=True)
class Window:
    """What a method knows of the frames around a pair.

    Attributes:
        features: T results of ``Method.encode``; those at invalid positions carry no meaning.
        times: T times relative to the pair's midpoint, in units of its gap.
        valid: T flags; the pair itself, at T/2 - 1 and T/2, is valid.
    """

    features: Sequence[Any]
    times: Sequence[float]
    valid: Sequence[bool]

    def reversed(self) -> Window:
        """The same frames as time runs backwards."""
        return Window(self.features[::-1], [-time for time in reversed(self.times)], self.valid[::-1])

    def of_member(self, member: int, context: int) -> Window:
        """What one member of an ensemble, whose features are lists, sees: the ``context`` frames in the middle."""
        beyond = (len(self.times) - context) // 2
        middle = slice(beyond, beyond + context)
        features = [each[member] for each in self.features[middle]]
        return Window(features, self.times[middle], self.valid[middle])


class Method(Protocol):
    """One way to interpolate. A stream calls ``encode`` and ``encode_reference`` at most once for each frame,
    ``between`` once for each pair, and what that returns once for each new frame."""

    @property
    def name(self) -> str:
        """What tables call it."""

    @property
    def context(self) -> int:
        """T, the number of frames of the window; even."""

    @property
    def fingerprint(self) -> str:
        """A text that differs for methods that make different frames."""

    def encode(self, frame: Frame) -> Any:
        """What the window keeps of a frame."""

    def encode_reference(self, frame: Frame) -> Any:
        """What is needed of a frame while it is one of the pair."""

    def between(self, first: Any, second: Any, window: Window) -> Draw:
        """Prepare a pair, given its two results of ``encode_reference``; new frames have the kind of the first."""


@dataclass(frozen=True)
class Baseline:
    """What a baseline looks at, and what it does once for a pair.

    Attributes:
        context: T, the number of frames; even.
        prepare: takes the T images, their times, whether each is valid, and a way to find flow; what it returns makes
            the frame at any time between the two images in the middle.
    """

    context: int
    prepare: Callable[[Sequence[Image], Sequence[float], Sequence[bool], FindFlow], Callable[[float], Image]]


def _prepare_blend(
    images: Sequence[Image], times: Sequence[float], valid: Sequence[bool], find_flow: FindFlow
) -> Callable[[float], Image]:
    return partial(blend, images[0], images[1])


def _prepare_dis(
    images: Sequence[Image], times: Sequence[float], valid: Sequence[bool], find_flow: FindFlow
) -> Callable[[float], Image]:
    return PairFlow.find(images[0], images[1], find_flow).frame


def _prepare_quadratic(
    images: Sequence[Image], times: Sequence[float], valid: Sequence[bool], find_flow: FindFlow
) -> Callable[[float], Image]:
    return path_between(images, times, valid, bent=True, find_flow=find_flow).frame


BASELINES = {
    "blend": Baseline(2, _prepare_blend),
    "dis": Baseline(2, _prepare_dis),
    "quadratic": Baseline(4, _prepare_quadratic),
}
"""Methods that learn nothing: a cross-fade, DIS flow, and DIS flow bent by the acceleration that four frames show."""


@dataclass(frozen=True)
class BaselineMethod:
    """A method that learns nothing and works in 8 bits.

    Attributes:
        name: key of ``BASELINES``.
    """

    name: str
    _flow: RememberedFlow = field(default_factory=lambda: RememberedFlow(dis_flow), repr=False, compare=False)

    @property
    def context(self) -> int:
        """See `Baseline`."""
        return BASELINES[self.name].context

    @property
    def fingerprint(self) -> str:
        return self.name

    def encode(self, frame: Frame) -> Image:
        """The frame in 8 bits."""
        return to_image(frame)

    def encode_reference(self, frame: Frame) -> Frame:
        """The frame itself."""
        return frame

    def between(self, first: Frame, second: Frame, window: Window) -> Draw:
        """Prepare the pair of 8-bit images, and those around it."""
        prepared = BASELINES[self.name].prepare(window.features, window.times, window.valid, self._flow)
        return lambda t: image_as(prepared(t), first)
