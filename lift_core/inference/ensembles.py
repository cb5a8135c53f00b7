"""Ensembles: the mean of what several models make, or of what one model makes of a clip seen in several ways."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

import torch
from torch import Tensor

from lift_core.errors import ConfigError
from lift_core.inference.frames import Frame, batch_as, to_batch
from lift_core.inference.methods import Draw, Method, Window

SelfEnsembleKind = Literal["reversal", "full"]
SelfEnsembling = Literal["none", "reversal", "full"]

_T = TypeVar("_T")

_CPU = torch.device("cpu")

_FLIPS: tuple[tuple[int, ...], ...] = ((), (-1,), (-2,), (-2, -1))
"""Axes of ``[3, H, W]`` that are mirrored: none, left and right, top and bottom, both."""

MIRROR_IMAGES = len(_FLIPS)


@dataclass(frozen=True)
class _Reference:
    """A frame as it came in, and what each member knows of it."""

    frame: Frame
    members: list[Any]


class Ensemble:
    """The mean of the frames that several methods make, before it is rounded to 8 bits.

    Each method looks at as many frames as it was made for: the window is that of the longest.

    Args:
        members: two or more methods.
        parallel: run them at the same time, each in a thread of its own, as on several GPUs; else in turn.

    Raises:
        ConfigError: fewer than two members.
    """

    def __init__(self, members: Sequence[Method], *, parallel: bool = False) -> None:
        if len(members) < 2:
            raise ConfigError(f"an ensemble of {len(members)}", fix="Name two methods or more.")
        self._members = list(members)
        self._threads = ThreadPoolExecutor(len(members)) if parallel else None
        self.name = "+".join(member.name for member in members)
        self.context = max(member.context for member in members)

    @property
    def fingerprint(self) -> str:
        return "mean of " + " ".join(member.fingerprint for member in self._members)

    def encode(self, frame: Frame) -> list[Any]:
        """What each member keeps of the frame."""
        return self._each(lambda member: member.encode(_in_float(frame)))

    def encode_reference(self, frame: Frame) -> _Reference:
        """What each member needs of the frame."""
        return _Reference(frame, self._each(lambda member: member.encode_reference(_in_float(frame))))

    def between(self, first: _Reference, second: _Reference, window: Window) -> Draw:
        """Prepare each member; a new frame is the mean of theirs."""

        def prepare(number: int) -> Draw:
            member = self._members[number]
            own = window.of_member(number, member.context)
            return member.between(first.members[number], second.members[number], own)

        draws = self._run(prepare, range(len(self._members)))
        return lambda t: _mean(self._run(lambda draw: draw(t), draws), first.frame)

    def _each(self, work: Callable[[Method], Any]) -> list[Any]:
        return self._run(work, self._members)

    def _run(self, work: Callable[[_T], Any], items: Sequence[_T]) -> list[Any]:
        return list(map(work, items) if self._threads is None else self._threads.map(work, items))


class SelfEnsemble:
    """The mean of what a method makes of a clip seen in several ways, each result turned back.

    Lim et al., "Enhanced Deep Residual Networks for Single Image Super-Resolution" (2017), section 3.3, with time
    reversal added, which interpolation allows.

    Args:
        method: the method.
        kind: ``reversal``: forwards and backwards in time, which shares all features and decodes twice; ``full``: both
            for each of four mirror images, eight times the work.

    Raises:
        ConfigError: another kind.
    """

    def __init__(self, method: Method, kind: SelfEnsembleKind) -> None:
        if kind not in get_args(SelfEnsembleKind):
            raise ConfigError(
                f"{kind!r} is no self-ensemble.", fix=f"Choose {' or '.join(get_args(SelfEnsembleKind))}."
            )
        self._method = method
        self._kind = kind
        self._flips = _FLIPS if kind == "full" else _FLIPS[:1]
        self.name = f"{method.name} x{2 * len(self._flips)}"
        self.context = method.context

    @property
    def fingerprint(self) -> str:
        return f"{self._kind} {self._method.fingerprint}"

    def encode(self, frame: Frame) -> list[Any]:
        """What the method keeps of the frame, for each mirror image."""
        return [self._method.encode(_mirrored(frame, flip)) for flip in self._flips]

    def encode_reference(self, frame: Frame) -> _Reference:
        """What the method needs of the frame, for each mirror image."""
        return _Reference(frame, [self._method.encode_reference(_mirrored(frame, flip)) for flip in self._flips])

    def between(self, first: _Reference, second: _Reference, window: Window) -> Draw:
        """Prepare each mirror image, forwards and backwards; a new frame is the mean of what they make."""
        prepared = []
        for number, flip in enumerate(self._flips):
            one, other = first.members[number], second.members[number]
            own = window.of_member(number, self.context)
            forwards = self._method.between(one, other, own)
            backwards = self._method.between(other, one, own.reversed())
            prepared.append((flip, forwards, backwards))

        def draw(t: float) -> Frame:
            made = (
                _mirrored(frame, flip)
                for flip, forwards, backwards in prepared
                for frame in (forwards(t), backwards(1 - t))
            )
            return _mean(made, first.frame)

        return draw


def _in_float(frame: Frame) -> Tensor:
    """A frame as float32 ``[3, H, W]``, so that members do not round what they make."""
    return to_batch(frame, frame.device if isinstance(frame, Tensor) else _CPU)[0]


def _mirrored(frame: Frame, axes: tuple[int, ...]) -> Tensor:
    return torch.flip(_in_float(frame), axes) if axes else _in_float(frame)


def _mean(made: Iterable[Frame], like: Frame) -> Frame:
    """The mean of frames that are made one after the other, so that no more than two are there at a time."""
    total, count = torch.zeros(()), 0
    for frame in made:
        total, count = total + _in_float(frame).to(_CPU), count + 1
    return batch_as(total[None] / count, like)
