"""A linear model that tells how large the shape in a picture is, fitted in one step: to try out data preparation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lift_core.errors import ShapeError

_LEVELS = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5)
_STEEPNESS = 3.0
_PULL = 0.01


@dataclass(frozen=True)
class SizeModel:
    """Sizes as a weighted sum of a few numbers for each picture.

    The numbers are how much of the picture is more colourful than each of six levels, its brightness, its contrast,
    and a constant.

    Attributes:
        weights: float64 ``[9]``.
    """

    weights: Tensor

    @classmethod
    def fitted(cls, pictures: Tensor, sizes: Tensor) -> SizeModel:
        """Fit by least squares, with a slight pull of the weights to 0.

        Args:
            pictures: float ``[N, 3, H, W]``, normalised: around 0, with a deviation of about 1.
            sizes: ``[N]``, in any unit.

        Raises:
            ShapeError: no pictures, pictures of another shape, or another number of sizes.
        """
        if len(sizes) != len(pictures) or not len(pictures):
            raise ShapeError(f"{len(pictures)} pictures and {len(sizes)} sizes.", fix="Give one size for each picture.")
        inputs = _described(pictures)
        pull = _PULL * torch.eye(inputs.shape[1], dtype=inputs.dtype)
        return cls(torch.linalg.solve(inputs.T @ inputs + pull, inputs.T @ sizes.double()))

    def __call__(self, pictures: Tensor) -> Tensor:
        """The sizes float64 ``[N]`` that the model tells of pictures ``[N, 3, H, W]``."""
        return _described(pictures) @ self.weights

    def error(self, pictures: Tensor, sizes: Tensor) -> float:
        """The root mean square error on pictures ``[N, 3, H, W]`` of the sizes ``[N]``, in the unit of the sizes."""
        return float((self(pictures) - sizes).square().mean().sqrt())


def _described(pictures: Tensor) -> Tensor:
    """The numbers ``[N, 9]`` that a size is told from."""
    if pictures.ndim != 4 or pictures.shape[1] != 3:
        raise ShapeError(f"pictures of shape {list(pictures.shape)}.", fix="Give float [N, 3, H, W].")
    colour = pictures.amax(1) - pictures.amin(1)
    shares = [torch.sigmoid(_STEEPNESS * (colour - level)).mean((1, 2)) for level in _LEVELS]
    whole = [pictures.mean((1, 2, 3)), pictures.std((1, 2, 3)), pictures.new_ones(len(pictures))]
    return torch.stack([*shares, *whole], dim=1).double()
