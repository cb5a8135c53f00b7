"""Lab 03: what checks ask of an order of samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence


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
