"""SequenceDataset and pad_collate: every step comes back, padding is told from steps, bad sequences are named."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from lift_core.data.sequence_dataset import SequenceDataset, pad_collate
from lift_core.errors import DatasetError, ShapeError


def sequences(lengths: list[int]) -> list[torch.Tensor]:
    """Steps of two features that no other sequence has."""
    return [torch.arange(2.0 * n).reshape(n, 2) + 100 * number for number, n in enumerate(lengths)]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8))
def test_padding_and_mask_give_back_every_sequence(lengths: list[int]) -> None:
    given_sequences = sequences(lengths)
    dataset = SequenceDataset(given_sequences)
    batch = pad_collate([dataset[i] for i in range(len(dataset))], value=-1.0)
    assert batch["sequences"].shape == (len(lengths), max(lengths), 2)
    assert batch["lengths"].tolist() == lengths
    assert batch["mask"].sum(1).tolist() == lengths
    for row, mask, sequence in zip(batch["sequences"], batch["mask"], given_sequences, strict=True):
        assert torch.equal(row[mask], sequence)
        assert bool((row[~mask] == -1).all())


def test_a_loader_batches_sequences_with_their_labels() -> None:
    dataset = SequenceDataset(sequences([3, 1, 2]), torch.tensor([7, 8, 9]))
    batches = list(DataLoader(dataset, batch_size=2, collate_fn=pad_collate))
    assert [b["sequences"].shape for b in batches] == [(2, 3, 2), (1, 2, 2)]
    assert [b["labels"].tolist() for b in batches] == [[7, 8], [9]]


def test_without_labels_there_are_none() -> None:
    assert set(SequenceDataset(sequences([2]))[0]) == {"sequence"}


def test_samples_are_views_of_one_tensor_and_count_from_the_end() -> None:
    dataset = SequenceDataset(sequences([2, 3]))
    assert dataset[0]["sequence"].untyped_storage().data_ptr() == dataset[1]["sequence"].untyped_storage().data_ptr()
    assert torch.equal(dataset[-1]["sequence"], dataset[1]["sequence"])
    for index in (2, -3):
        with pytest.raises(IndexError):
            dataset[index]


def test_bad_sequences_are_named() -> None:
    with pytest.raises(DatasetError, match="no sequences"):
        SequenceDataset([])
    with pytest.raises(DatasetError, match="sequence 1 has no steps"):
        SequenceDataset([torch.zeros(2, 3), torch.zeros(0, 3)])
    with pytest.raises(DatasetError, match="2 labels for 1"):
        SequenceDataset([torch.zeros(2)], torch.zeros(2))
    for other in (torch.zeros(2, 4), torch.zeros(2, 3, dtype=torch.float64)):
        with pytest.raises(ShapeError, match="sequence 1 is"):
            SequenceDataset([torch.zeros(2, 3), other])
