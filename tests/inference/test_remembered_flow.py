"""Flow is found once for each two images, as long as they may be needed again."""

from __future__ import annotations

import numpy as np

from lift_core.inference.remembered_flow import RememberedFlow


def images(count: int) -> list[np.ndarray]:
    return [np.zeros((4, 4, 3), np.uint8) for _ in range(count)]


def test_a_pair_of_a_stream_finds_two_of_the_four_flows_it_needs():
    asked = []

    def find(a, b):
        asked.append((id(a), id(b)))
        return np.zeros((4, 4, 2), np.float32)

    flow = RememberedFlow(find)
    frames = images(8)
    for first in range(1, 6):
        before, a, b, after = frames[first - 1 : first + 3]
        found = [flow(*pair) for pair in ((a, b), (b, a), (a, before), (b, after))]
        assert all(flow(*pair) is known for pair, known in zip(((b, after), (a, b)), (found[3], found[0]), strict=True))
    assert len(asked) == 4 + 4 * 2
    assert len(set(asked)) == len(asked)


def test_images_that_only_look_alike_are_two():
    found = RememberedFlow(lambda a, b: np.full((1, 1, 2), id(a) % 1000, np.float32))
    a, other, b = images(3)
    assert found(a, b) is not found(other, b)
    assert found(a, b) is not found(b, a)
