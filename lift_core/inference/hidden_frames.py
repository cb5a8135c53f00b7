"""Hidden frames: every second frame of a clip, each with the pair that it stood between, to be made again from it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lift_core.data.extraction import scale_down
from lift_core.data.scene_cuts import find_cuts, in_order
from lift_core.data.source import FrameSource
from lift_core.errors import ConfigError, SourceError
from lift_core.inference.frames import to_image
from lift_core.inference.methods import Method
from lift_core.inference.streaming import Pair, StreamFrame, pairs

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class EvaluationConfig:
    """How a clip is evaluated.

    Attributes:
        max_frames: use only so many frames from the clip's start; None for all.
        shorter_side: scale frames down to this many pixels first, by area; None to leave them. Smaller frames are
            left as they are.

    Raises:
        ConfigError: fewer than 3 frames, or fewer than 16 pixels.
    """

    max_frames: int | None = None
    shorter_side: int | None = None

    def __post_init__(self) -> None:
        if self.max_frames is not None and self.max_frames < 3:
            raise ConfigError(f"{self.max_frames} frames hide none.", fix="Use 3 or more.")
        if self.shorter_side is not None and self.shorter_side < 16:
            raise ConfigError(f"frames of {self.shorter_side} pixels are too small.", fix="Use 16 or more.")


@dataclass(frozen=True)
class HiddenFrame:
    """A frame that was hidden, and the pair of frames between which it stood.

    Attributes:
        number: its place in the clip.
        truth: the frame itself, RGB uint8 ``[H, W, 3]``, scaled as the configuration says.
        pair: its neighbours, scaled likewise.
        timestep: where it stood between them, from 0 to 1.
        compared: whether it counts; a frame of a clip beside a scene cut or between equal frames does not.
    """

    number: int
    truth: Image
    pair: Pair
    timestep: float
    compared: bool

    def rehearse(self, method: Method) -> None:
        """Let a method make the frame from its two neighbours alone; the pair and its features stay as they are.

        Whatever a method does only once for frames of a size, such as planning its tiles, it has done then.
        """
        pair = next(pairs(method, (self.pair.first, self.pair.second)))
        to_image(pair.at(self.timestep))


class Material(Protocol):
    """What a method is evaluated on: a clip of one's own, or one of a benchmark."""

    @property
    def name(self) -> str:
        """What tables call it."""

    @property
    def given(self) -> int:
        """How many frames a method may look at: the clip's frames that are not hidden."""

    def hidden(self, method: Method) -> Iterator[HiddenFrame]:
        """Every hidden frame, in order, with the pair from which ``method`` makes it again."""


class ClipMaterial:
    """A clip of which the frames 1, 3, 5, … are hidden.

    The window of a hidden frame holds the T even frames around it (``FrameWindow.uniform(T, stride=2)``), and its time
    between its neighbours is the true one where the clip has timestamps. The clip is streamed, once for the scene cuts
    and once for each method.

    Args:
        name: what tables call it.
        open_clip: opens it; called when the clip is first needed.
        config: how much of the clip is used.
        cuts: sorted numbers of the frames that begin a shot; by default they are looked for.

    Using it raises SourceError for fewer than three frames, and what the source raises for a clip that cannot be read.
    """

    def __init__(
        self,
        name: str,
        open_clip: Callable[[], FrameSource],
        config: EvaluationConfig,
        *,
        cuts: Sequence[int] | None = None,
    ) -> None:
        self.name = name
        self._open, self._config, self._known_cuts = open_clip, config, cuts

    @property
    def given(self) -> int:
        """The even frames of the part that is used."""
        return (_used(self._source, self._config) + 1) // 2

    def hidden(self, method: Method) -> Iterator[HiddenFrame]:
        """The odd frames, each with the even ones around it."""
        return hidden_frames(self._source, method, self._config, self._cuts)

    @cached_property
    def _source(self) -> FrameSource:
        source = self._open()
        if _used(source, self._config) < 3:
            raise SourceError("a clip of fewer than three frames has none to hide", where=self.name)
        return source

    @cached_property
    def _cuts(self) -> Sequence[int]:
        return clip_cuts(self._source, self._config) if self._known_cuts is None else self._known_cuts


def hidden_frames(
    source: FrameSource, method: Method, config: EvaluationConfig, cuts: Sequence[int]
) -> Iterator[HiddenFrame]:
    """Stream a clip's even frames and give each odd one with the pair around it, from which it can be made again.

    Args:
        source: the clip.
        method: what will make the frames.
        config: how much of the clip is used.
        cuts: sorted numbers of the frames that begin a shot.
    """
    aside: dict[int, Image] = {}
    for position, pair in enumerate(pairs(method, _even_frames(source, config, cuts, aside))):
        number = 2 * position + 1
        yield HiddenFrame(number, aside.pop(number), pair, _timestep(source, number), pair.kind == "moving")


def clip_cuts(source: FrameSource, config: EvaluationConfig) -> tuple[int, ...]:
    """The scene cuts of the part of a clip that is used."""
    return find_cuts(islice(in_order(source), _used(source, config)))


def _even_frames(
    source: FrameSource, config: EvaluationConfig, cuts: Sequence[int], aside: dict[int, Image]
) -> Iterator[StreamFrame]:
    """Give the even frames and put the odd ones into ``aside``."""
    for number, frame in enumerate(islice(in_order(source), _used(source, config))):
        image = scale_down(frame, config.shorter_side)
        if number % 2:
            aside[number] = image
            continue
        moment = None if source.timestamps is None else float(source.timestamps[number])
        begins_shot = bisect_right(cuts, number) > bisect_right(cuts, number - 2)
        yield StreamFrame(image, moment, begins_shot)


def _timestep(source: FrameSource, number: int) -> float:
    """Where a frame lies between its neighbours, from 0 to 1."""
    if source.timestamps is None:
        return 0.5
    before, hidden, after = source.timestamps[number - 1 : number + 2]
    return float((hidden - before) / (after - before))


def _used(source: FrameSource, config: EvaluationConfig) -> int:
    return len(source) if config.max_frames is None else min(len(source), config.max_frames)
