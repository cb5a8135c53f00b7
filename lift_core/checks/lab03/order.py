"""Lab 03: what checks ask of an order of samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

_LARGE = 5


def uneven_class(pieces: Iterable[Iterable[int]], labels: Sequence[int]) -> tuple[int, int] | None:
    """The first class whose samples have not come equally often, give or take one, and after which piece; or None.

    Args:
        pieces: indices of samples, in the order in which they come.
        labels: the class of each sample.
    """
    members = {name: [i for i, label in enumerate(labels) if label == name] for name in sorted(set(labels))}
    came: Counter[int] = Counter()
    for number, piece in enumerate(pieces):
        came.update(piece)
        for name, indices in members.items():
            times = [came[index] for index in indices]
            if max(times) - min(times) > 1:
                return name, number
    return None


def same_turns(pieces: Iterable[Iterable[int]], others: Iterable[Iterable[int]], labels: Sequence[int]) -> bool:
    """Whether the samples of some class, large enough to differ by more than chance, come in the same order in both."""
    ours, theirs = list(chain.from_iterable(pieces)), list(chain.from_iterable(others))
    large = [name for name, size in Counter(labels).items() if size >= _LARGE]
    return any([i for i in ours if labels[i] == name] == [i for i in theirs if labels[i] == name] for name in large)
