"""The size model learns sizes that depend on how much of a picture is colourful, and refuses what it cannot use."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lift_core.errors import ShapeError
from lift_core.training.size_model import SizeModel


def squares(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Noisy grey pictures with a red square each, and the squares' sides in pixels."""
    generator = torch.Generator().manual_seed(seed)
    pictures = 0.3 * torch.randn(count, 1, 32, 40, generator=generator).repeat(1, 3, 1, 1)
    sides = torch.randint(6, 28, (count,), generator=generator)
    for picture, side in zip(pictures, sides.tolist(), strict=True):
        picture[0, :side, :side] += 5
    return pictures, sides.float()


def test_fitted_model_tells_the_sizes_of_pictures_that_it_has_not_seen():
    model = SizeModel.fitted(*squares(60, seed=0))
    pictures, sides = squares(30, seed=1)
    assert model.error(pictures, sides) < 0.35 * float(sides.std())


def test_error_is_the_root_mean_square():
    pictures, sides = squares(12, seed=2)
    model = SizeModel.fitted(pictures, sides)
    errors = [float(told) - float(side) for told, side in zip(model(pictures), sides, strict=True)]
    assert model.error(pictures, sides) == pytest.approx((sum(e * e for e in errors) / 12) ** 0.5)


def test_same_pictures_make_the_same_model():
    one, other = (SizeModel.fitted(*squares(20, seed=3)) for _ in range(2))
    assert torch.equal(one.weights, other.weights)


def test_sizes_that_do_not_belong_to_the_pictures_are_refused():
    pictures, sides = squares(5, seed=4)
    with pytest.raises(ShapeError, match="5 pictures and 4 sizes"):
        SizeModel.fitted(pictures, sides[:4])
    with pytest.raises(ShapeError, match="0 pictures"):
        SizeModel.fitted(pictures[:0], sides[:0])


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 1, 8, 8)])
def test_pictures_of_another_shape_are_refused(shape: tuple[int, ...]):
    with pytest.raises(ShapeError, match="pictures of shape"):
        SizeModel.fitted(torch.zeros(shape), torch.zeros(shape[0]))
