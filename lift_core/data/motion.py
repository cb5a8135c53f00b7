"""Smooth motion of a layer of a procedural clip: an affine transform as an analytic function of continuous time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Oscillation:
    """A sine of time: ``amplitude * sin(2 pi time / period + phase)``, the period in frames."""

    amplitude: float = 0.0
    period: float = 1.0
    phase: float = 0.0

    def at(self, time: float) -> float:
        return self.amplitude * math.sin(2 * math.pi * time / self.period + self.phase)

    @property
    def fastest(self) -> float:
        """The greatest rate of change per frame."""
        return 2 * math.pi * abs(self.amplitude) / self.period


@dataclass(frozen=True)
class Motion:
    """Where a layer is at any real time, counted in frames.

    Positions are pixels from the middle of the picture, x to the right and y downwards; angles are radians.

    Attributes:
        start: position at time 0 before the sways.
        velocity: mean drift in pixels per frame.
        pace: added to time before it multiplies velocity and spin, so the drift speeds up and slows down.
        sway_x, sway_y: periodic movement around the drifting position.
        angle, spin, swing: angle at time 0, mean turning rate per frame, periodic turning.
        zoom: logarithm of the scale.
        lap: width and height of the torus on which a drifting layer re-enters; zero means no wrapping on that axis.
    """

    start: tuple[float, float] = (0.0, 0.0)
    velocity: tuple[float, float] = (0.0, 0.0)
    pace: Oscillation = Oscillation()
    sway_x: Oscillation = Oscillation()
    sway_y: Oscillation = Oscillation()
    angle: float = 0.0
    spin: float = 0.0
    swing: Oscillation = Oscillation()
    zoom: Oscillation = Oscillation()
    lap: tuple[float, float] = (0.0, 0.0)

    def laps(self, time: float) -> tuple[int, int]:
        """How often the layer has left the torus on each axis; where two times differ the layer has re-entered."""
        x, y = self._drift(time)
        return _lap_number(x, self.lap[0]), _lap_number(y, self.lap[1])

    def scale(self, time: float) -> float:
        return math.exp(self.zoom.at(time))

    def matrix(self, time: float) -> NDArray[np.float64]:
        """The ``[3, 3]`` transform from the layer's own coordinates to picture coordinates."""
        drift = self._drift(time)
        x, y = (position - lap * number for position, lap, number in zip(drift, self.lap, self.laps(time), strict=True))
        x, y = x + self.sway_x.at(time), y + self.sway_y.at(time)
        angle = self.angle + self.spin * self._paced(time) + self.swing.at(time)
        cosine, sine = self.scale(time) * math.cos(angle), self.scale(time) * math.sin(angle)
        return np.array([[cosine, -sine, x], [sine, cosine, y], [0.0, 0.0, 1.0]])

    def _paced(self, time: float) -> float:
        return time + self.pace.at(time)

    def _drift(self, time: float) -> tuple[float, float]:
        paced = self._paced(time)
        return self.start[0] + self.velocity[0] * paced, self.start[1] + self.velocity[1] * paced


def _lap_number(position: float, lap: float) -> int:
    return math.floor(position / lap + 0.5) if lap else 0
