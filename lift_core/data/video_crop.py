"""Cutting a decoded picture before its colours are converted: only what is kept, and a margin, is converted."""

from __future__ import annotations

from fractions import Fraction

import av
from av.filter import Graph

from lift_core.data.source import Crop

# Multiples of this fit every chroma subsampling and dithering pattern, so that a cut changes no pixel of what is kept.
_STEP = 8
# Interpolated chroma of the pixels kept depends on samples this near.
_MARGIN = 8
_WORTH_A_CUT = 0.75


class PictureCutter:
    """Cuts pictures of one video without copying them."""

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._made_for: tuple[object, ...] = ()

    def __call__(self, picture: av.VideoFrame, wanted: Crop) -> tuple[av.VideoFrame, Crop]:
        """Cut ``wanted`` with its surroundings out of a stored picture.

        Returns:
            the part, and where ``wanted`` lies in it; the picture itself and ``wanted`` where cutting would gain
            little, or move the chroma samples (sizes that are no multiple of 8).
        """
        height, width = picture.height, picture.width
        top, bottom = _widened(wanted.top, wanted.height, height)
        left, right = _widened(wanted.left, wanted.width, width)
        part = (bottom - top) * (right - left)
        if height % _STEP or width % _STEP or part > _WORTH_A_CUT * height * width:
            return picture, wanted
        graph = self._graph_for(picture, f"{right - left}:{bottom - top}:{left}:{top}")
        graph.vpush(picture)
        return graph.vpull(), Crop(wanted.top - top, wanted.left - left, wanted.height, wanted.width)

    def _graph_for(self, picture: av.VideoFrame, rectangle: str) -> Graph:
        made_for = (picture.format.name, picture.height, picture.width, rectangle)
        if self._graph is None or made_for != self._made_for:
            self._graph = _crop_graph(picture, rectangle)
            self._made_for = made_for
        return self._graph


def _widened(start: int, length: int, limit: int) -> tuple[int, int]:
    first = max(start - _MARGIN, 0) // _STEP * _STEP
    last = -(-(start + length + _MARGIN) // _STEP) * _STEP
    return first, min(last, limit)


def _crop_graph(picture: av.VideoFrame, rectangle: str) -> Graph:
    graph = Graph()
    graph.threads = 1
    # The time base has no bearing on a cut, but a buffer must have one.
    source = graph.add_buffer(
        width=picture.width, height=picture.height, format=picture.format, time_base=Fraction(1, 90000)
    )
    crop, sink = graph.add("crop", rectangle), graph.add("buffersink")
    source.link_to(crop)
    crop.link_to(sink)
    graph.configure()
    return graph
