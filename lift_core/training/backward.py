"""Backward: what an optimizer step's backward passes leave beside the gradients, gathered without waiting for a GPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

from lift_core.data.sample import Batch
from lift_core.model.lift import LiftOutput


class Backward:
    """The loss terms of a step and which of its samples were finite; read from the device once, when first asked."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._keys: list[str] = []
        self._sound: list[Tensor] = []

    def add(self, terms: Mapping[str, Tensor], share: float, keys: Sequence[str], sound: Tensor) -> None:
        """Count one backward pass.

        Args:
            terms: of the loss, scalars by name.
            share: of the step's samples that this pass saw.
            keys: of these samples.
            sound: bool ``[B]``, see `sound_samples`.
        """
        for name, term in terms.items():
            value = term.detach() * share
            self._sums[name] = self._sums[name] + value if name in self._sums else value
        self._keys += keys
        self._sound.append(sound)

    @cached_property
    def terms(self) -> dict[str, float]:
        """The loss terms, averaged over the samples."""
        return dict(zip(self._sums, torch.stack(list(self._sums.values())).tolist(), strict=True))

    @cached_property
    def culprits(self) -> tuple[str, ...]:
        """The samples whose loss was not finite."""
        sound = torch.cat(self._sound).tolist()
        return tuple(key for key, good in zip(self._keys, sound, strict=True) if not good)

    @property
    def broken(self) -> bool:
        """Whether the loss of any sample was not finite."""
        return bool(self.culprits)


def sound_samples(output: LiftOutput, batch: Batch, total: Tensor) -> Tensor:
    """Which samples have finite frames and truths, bool ``[B]``; none where the loss is not finite for another reason.

    Args:
        output: of the model.
        batch: what it saw.
        total: the batch's loss, a scalar.
    """
    finite = torch.isfinite(output.frame.detach() - batch["gt"]).flatten(1).all(dim=1)
    explained = torch.isfinite(total.detach()) | ~finite.all()
    return finite & explained
