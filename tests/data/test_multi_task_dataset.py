"""MultiTaskDataset: batches keep their shape whatever is missing, and say what is."""

from __future__ import annotations

import pytest
import torch
from torch.utils.data import DataLoader

from lift_core.data.multi_task_dataset import MultiTaskDataset
from lift_core.errors import DatasetError, ShapeError

INPUTS = torch.arange(12.0).reshape(4, 3)
DEPTHS = [torch.full((2, 2), 1.0), None, torch.full((2, 2), 3.0), None]


def test_a_batch_holds_every_task_and_says_what_is_missing() -> None:
    dataset = MultiTaskDataset(INPUTS, {"label": [4, None, None, 7], "depth": DEPTHS})
    assert dataset.tasks == ("label", "depth")
    batch = next(iter(DataLoader(dataset, batch_size=4)))
    assert torch.equal(batch["input"], INPUTS)
    assert batch["targets"]["label"].tolist() == [4, 0, 0, 7]
    assert batch["targets"]["depth"].shape == (4, 2, 2)
    assert batch["present"]["label"].tolist() == [True, False, False, True]
    assert batch["present"]["depth"].tolist() == [True, False, True, False]


def test_a_masked_loss_is_the_mean_over_the_truths_there_are() -> None:
    dataset = MultiTaskDataset(INPUTS, {"depth": DEPTHS})
    batch = next(iter(DataLoader(dataset, batch_size=4)))
    present = batch["present"]["depth"]
    error = (batch["targets"]["depth"] - 0.5).square().mean((1, 2))
    known = [(d - 0.5).square().mean() for d in DEPTHS if d is not None]
    assert torch.allclose((error * present).sum() / present.sum(), torch.stack(known).mean())


def test_bad_targets_are_named_with_their_task() -> None:
    with pytest.raises(DatasetError, match="no task"):
        MultiTaskDataset(INPUTS, {})
    with pytest.raises(DatasetError, match=r"3 targets for 4 inputs.*depth"):
        MultiTaskDataset(INPUTS, {"depth": DEPTHS[:3]})
    with pytest.raises(DatasetError, match=r"no sample has a truth.*depth"):
        MultiTaskDataset(INPUTS, {"depth": [None] * 4})
    with pytest.raises(ShapeError, match=r"float32 \[3\].*first is torch\.float32 \[2, 2\].*depth"):
        MultiTaskDataset(INPUTS, {"depth": [*DEPTHS[:3], torch.zeros(3)]})
    with pytest.raises(ShapeError, match=r"label"):
        MultiTaskDataset(INPUTS, {"label": [1, 2.5, 3, 4]})
