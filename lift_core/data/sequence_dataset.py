"""SequenceDataset: sequences of different lengths, and pad_collate, which makes a batch of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from lift_core.errors import DatasetError, ShapeError


class SequenceSample(TypedDict):
    """One sequence ``[L, *features]``; its label, ``[]`` or ``[*label]``, where the data set has labels."""

    sequence: Tensor
    label: NotRequired[Tensor]


class SequenceBatch(TypedDict):
    """B sequences padded to the longest, Lmax.

    Attributes:
        sequences: ``[B, Lmax, *features]``. lengths: int64 ``[B]``.
        mask: bool ``[B, Lmax]``, True where a step is real.
        labels: ``[B, *label]``, where the data set has labels.
    """

    sequences: Tensor
    lengths: Tensor
    mask: Tensor
    labels: NotRequired[Tensor]


class SequenceDataset(Dataset[SequenceSample]):
    """N sequences of different lengths, with a label each or none.

    All steps lie in one tensor ``[sum of L, *features]``, cut by N + 1 offsets: a sample is a view, and worker
    processes share one block of memory instead of N small ones.

    Args:
        sequences: ``[L, *features]`` each, L at least 1; the same features and dtype.
        labels: ``[N, *label]``, or None.

    Raises:
        DatasetError: no sequences, an empty one, or another number of labels.
        ShapeError: a sequence whose features or dtype are not those of the first.
    """

    def __init__(self, sequences: Sequence[Tensor], labels: Tensor | None = None) -> None:
        _check_sequences(sequences)
        if labels is not None and len(labels) != len(sequences):
            raise DatasetError(f"{len(labels)} labels for {len(sequences)} sequences", fix="Give one label each.")
        lengths = torch.tensor([len(sequence) for sequence in sequences])
        self._steps = torch.cat(list(sequences))
        self._offsets = torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)])
        self._labels = labels

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, index: int) -> SequenceSample:
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError(f"sequence {index} of {len(self)}")
        sample = SequenceSample(sequence=self._steps[self._offsets[position] : self._offsets[position + 1]])
        if self._labels is not None:
            sample["label"] = self._labels[position]
        return sample


def pad_collate(samples: Sequence[SequenceSample], value: float = 0.0) -> SequenceBatch:
    """Pad sequences to the longest of the batch, and say which steps are real.

    A loss is averaged over real steps: ``(loss * mask).sum() / mask.sum()``.

    Args:
        samples: of a SequenceDataset.
        value: what the padding holds.
    """
    sequences = [sample["sequence"] for sample in samples]
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    batch = SequenceBatch(
        sequences=pad_sequence(sequences, batch_first=True, padding_value=value),
        lengths=lengths,
        mask=torch.arange(int(lengths.max())) < lengths[:, None],
    )
    if "label" in samples[0]:
        batch["labels"] = torch.stack([sample["label"] for sample in samples])
    return batch


def _check_sequences(sequences: Sequence[Tensor]) -> None:
    if not sequences:
        raise DatasetError("there are no sequences", fix="Give at least one.")
    first = sequences[0]
    for number, sequence in enumerate(sequences):
        if sequence.ndim == 0 or len(sequence) == 0:
            raise DatasetError(f"sequence {number} has no steps", fix="Leave it out.")
        if sequence.shape[1:] != first.shape[1:] or sequence.dtype != first.dtype:
            raise ShapeError(
                f"sequence {number} is {sequence.dtype} [L, {_sizes(sequence)}], but the first is {first.dtype}"
                f" [L, {_sizes(first)}]",
                fix="All sequences have the same features and dtype; only L differs.",
            )


def _sizes(sequence: Tensor) -> str:
    return ", ".join(map(str, sequence.shape[1:]))
