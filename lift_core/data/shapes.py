"""Outlines of the moving layers of procedural clips, as signed distances that give anti-aliased masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Outline = Literal["ellipse", "box", "polygon", "flower"]
OUTLINES: tuple[Outline, ...] = ("ellipse", "box", "polygon", "flower")


@dataclass(frozen=True)
class Shape:
    """An outline around the origin of a layer's own coordinates.

    Attributes:
        outline: the kind of shape.
        radius: half its longer extent in pixels; no point of the shape is farther from the origin.
        aspect: shorter over longer extent of an ellipse or a box, 0..1.
        lobes: corners of a polygon (3 or more) or petals of a flower.
    """

    outline: Outline
    radius: float
    aspect: float = 1.0
    lobes: int = 5

    def distance(self, x: Array, y: Array) -> Array:
        """Signed distance in pixels from the outline, negative inside; exact to first order near the outline."""
        if self.outline == "ellipse":
            return self._ellipse(x, y)
        if self.outline == "box":
            return self._box(x, y)
        if self.outline == "polygon":
            return self._polygon(x, y)
        return self._flower(x, y)

    def _ellipse(self, x: Array, y: Array) -> Array:
        a, b = self.radius, self.radius * self.aspect
        level = np.hypot(x / a, y / b)
        slope = np.hypot(x / a**2, y / b**2) / np.maximum(level, 1e-6)
        return np.asarray((level - 1.0) / np.maximum(slope, 1e-6))

    def _box(self, x: Array, y: Array) -> Array:
        half_diagonal = np.hypot(1.0, self.aspect)
        half_width, half_height = self.radius / half_diagonal, self.radius * self.aspect / half_diagonal
        corner = 0.3 * half_height
        dx, dy = np.abs(x) - half_width + corner, np.abs(y) - half_height + corner
        outside = np.hypot(np.maximum(dx, 0.0), np.maximum(dy, 0.0))
        return np.asarray(outside + np.minimum(np.maximum(dx, dy), 0.0) - corner)

    def _polygon(self, x: Array, y: Array) -> Array:
        sector = 2 * np.pi / self.lobes
        angle = np.arctan2(y, x)
        folded = np.abs((angle + sector / 2) % sector - sector / 2)
        # Within one sector the side is the line at distance radius * cos(half a sector) from the origin.
        reach = np.hypot(x, y) * np.cos(sector / 2 - folded)
        return np.asarray(reach - self.radius * np.cos(sector / 2))

    def _flower(self, x: Array, y: Array) -> Array:
        depth = 0.18
        mean = self.radius / (1.0 + depth)
        angle, reach = np.arctan2(y, x), np.hypot(x, y)
        edge = mean * (1.0 + depth * np.cos(self.lobes * angle))
        turn = mean * depth * self.lobes * np.sin(self.lobes * angle)
        return np.asarray((reach - edge) / np.hypot(1.0, turn / np.maximum(reach, 1.0)))
