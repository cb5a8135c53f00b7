"""The padding figure draws each sequence and its padding, and counts the share of the padding."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.utils.rnn import pad_sequence

from lift_core.errors import ShapeError
from lift_core.viz.padding import padding_figure, padding_share

lengths = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=5), min_size=1, max_size=5)


@given(lengths)
def test_the_share_is_that_of_the_padded_tensors(batches: list[list[int]]):
    padded = [pad_sequence([torch.ones(length) for length in batch], batch_first=True) for batch in batches]
    zeros = sum(int((batch == 0).sum()) for batch in padded)
    assert padding_share(batches) == pytest.approx(zeros / sum(batch.numel() for batch in padded))


def test_bars_are_as_long_as_the_sequences_and_their_padding():
    figure, sentence = padding_figure({"as they come": [[2, 5], [1, 3]], "sorted": [[1, 2], [3, 5]]})
    widths = [[patch.get_width() for patch in axis.patches] for axis in figure.axes]
    assert widths == [[2, 3, 5, 0, 1, 2, 3, 0], [1, 1, 2, 0, 3, 2, 5, 0]]
    assert [axis.get_title(loc="left") for axis in figure.axes] == ["as they come: 31% padding", "sorted: 21% padding"]
    assert sentence == "The share of padding: as they come 31%; sorted 21%."


@pytest.mark.parametrize("batches", [[], [[]], [[0]], [[-1, 2]]])
def test_batches_that_hold_nothing_are_refused(batches: list[list[int]]):
    with pytest.raises(ShapeError, match="without sequences"):
        padding_share(batches)


@pytest.mark.parametrize("count", [0, 4])
def test_too_few_and_too_many_ways_are_refused(count: int):
    with pytest.raises(ShapeError, match="ways do not fit"):
        padding_figure({str(number): [[1]] for number in range(count)})
