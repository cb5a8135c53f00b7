"""Flow between frames of a stream, found once for each two: a pair needs half of what the one before it needed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from lift_core.classical import Floats
from lift_core.inference.frames import Image


class RememberedFlow:
    """A way to find flow that knows its last four results.

    They are what a pair needs: between its frames, forth and back, and from each to the frame beyond. Images are told
    apart by what they are, not by what they show: the same object is the same image.

    Args:
        find: flow from one image to another.
    """

    def __init__(self, find: Callable[[Image, Image], Floats]) -> None:
        self._find = find
        self._known: deque[tuple[Image, Image, Floats]] = deque(maxlen=4)

    def __call__(self, a: Image, b: Image) -> Floats:
        """The flow from ``a`` to ``b``, float32 ``[H, W, 2]``; it is shared, and not to be changed."""
        for known_a, known_b, flow in self._known:
            if known_a is a and known_b is b:
                return flow
        flow = self._find(a, b)
        self._known.append((a, b, flow))
        return flow
