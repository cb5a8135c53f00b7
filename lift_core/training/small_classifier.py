"""A classifier of small pictures, and fit(), which trains it in a fraction of a second: to try out data pipelines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count, islice

import torch
from torch import Tensor, nn

from lift_core.errors import ConfigError, DatasetError, ShapeError

_CELLS = 2
_HIDDEN = 32
_EDGE_SCALE = 4.0


class SmallClassifier(nn.Module):
    """Tells kinds of pattern apart by their edges and colours.

    The first layer is fixed, so that trainings are short: in each quarter of the picture it averages how brightness
    changes along x, along y, and along both at once (the structure tensor), and each colour. Two layers that learn
    follow.

    Args:
        classes: number of outputs.
        seed: of the initial weights.
    """

    def __init__(self, classes: int, *, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.head = nn.Sequential(nn.Linear(6 * _CELLS**2, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, classes))

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits ``[B, classes]`` of pictures float32 ``[B, 3, H, W]``, about [0, 1]; H and W are 4 or more."""
        if pictures.ndim != 4 or pictures.shape[1] != 3 or min(pictures.shape[2:]) < 4:
            raise ShapeError(f"pictures of shape {list(pictures.shape)}.", fix="Give float32 [B, 3, H, W].")
        grey = pictures.mean(dim=1, keepdim=True)
        along_x = grey[..., 1:-1, 2:] - grey[..., 1:-1, :-2]
        along_y = grey[..., 2:, 1:-1] - grey[..., :-2, 1:-1]
        edges = torch.cat([along_x**2, along_y**2, along_x * along_y], dim=1)
        pooled = [nn.functional.adaptive_avg_pool2d(maps, _CELLS) for maps in (_EDGE_SCALE * edges, 2 * pictures - 1)]
        logits: Tensor = self.head(torch.cat(pooled, dim=1).flatten(1))
        return logits

    @torch.inference_mode()
    def probabilities(self, pictures: Tensor) -> Tensor:
        """Probabilities ``[B, classes]``, each row adding up to 1."""
        return self(pictures).softmax(dim=1)

    def predict(self, pictures: Tensor) -> Tensor:
        """The most probable class of each picture, int64 ``[B]``."""
        return self.probabilities(pictures).argmax(dim=1)


def fit(
    batches: Iterable[tuple[Tensor, Tensor]],
    classes: int,
    *,
    steps: int = 200,
    seed: int = 0,
    class_weights: Tensor | None = None,
    learning_rate: float = 0.01,
) -> SmallClassifier:
    """Train a `SmallClassifier` for a number of steps, whatever the length of an epoch.

    Args:
        batches: what is iterated again and again: pictures ``[B, 3, H, W]`` with labels int64 ``[B]``, or with soft
            labels float32 ``[B, classes]``. A loader's batch sampler with a ``set_epoch`` is told each epoch, from 0.
        classes: number of classes.
        steps: optimizer steps, so that ways of sampling are compared at equal cost.
        seed: of the initial weights; the data's order is the batches' own.
        class_weights: float32 ``[classes]``, factors of the classes' losses.
        learning_rate: of AdamW.

    Raises:
        ConfigError: fewer than one step or class. DatasetError: an iteration without a batch.
    """
    if steps < 1 or classes < 1:
        raise ConfigError(f"{steps} steps, {classes} classes", fix="At least 1 of each.")
    model = SmallClassifier(classes, seed=seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    for pictures, labels in islice(_endless(batches), steps):
        loss = nn.functional.cross_entropy(model(pictures), labels, weight=class_weights)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def _endless(batches: Iterable[tuple[Tensor, Tensor]]) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch after the other."""
    for epoch in count():
        _tell_epoch(batches, epoch)
        empty = True
        for batch in batches:
            empty = False
            yield batch
        if empty:
            raise DatasetError("an epoch without a batch", fix="Give at least one sample; a generator serves once.")


def _tell_epoch(batches: Iterable[tuple[Tensor, Tensor]], epoch: int) -> None:
    set_epoch = getattr(getattr(batches, "batch_sampler", None), "set_epoch", None)
    if set_epoch is not None:
        set_epoch(epoch)
