"""The memory of samples: owners of views, once each, at any depth; what cannot be counted is refused."""

from __future__ import annotations

import array
import mmap
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import Parameter

from lift_core.data.held_memory import size_in_bytes
from lift_core.errors import ConfigError

BYTES = 100_000


@dataclass
class Fields:
    value: object


@dataclass(slots=True, frozen=True)
class Slots:
    value: object


class Named(NamedTuple):
    value: object


class Plain:
    def __init__(self, value: object) -> None:
        self.value = value


class Forgetful(Plain):
    """Leaves its value out of copies, and holds it all the same."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


@dataclass
class Shelf:
    """Leads back to itself."""

    value: object
    itself: Shelf | None = field(default=None)

    def __post_init__(self) -> None:
        self.itself = self


def objects(value: object) -> np.ndarray:
    cells = np.empty(2, object)
    cells[0] = value
    return cells[1:]


WRAPPERS: list[Callable[[Any], object]] = [
    Fields, Slots, Named, Plain, Forgetful, Shelf, lambda v: SimpleNamespace(value=v), lambda v: [v], lambda v: (v,),
    lambda v: {"k": v}, lambda v: OrderedDict(k=v), lambda v: deque([v]), lambda v: partial(int, v),
    objects,
]  # fmt: skip

BLOCKS: dict[str, Callable[[], object]] = {
    "tensor": lambda: torch.zeros(BYTES, dtype=torch.uint8),
    "view of a tensor": lambda: torch.zeros(100, BYTES // 100, dtype=torch.uint8)[3, :5],
    "parameter": lambda: Parameter(torch.zeros(BYTES // 4)),
    "array": lambda: np.zeros(BYTES, np.uint8),
    "view of a view of an array": lambda: np.zeros((100, BYTES // 100), np.uint8)[3:].T[:2],
    "strided window of an array": lambda: np.lib.stride_tricks.sliding_window_view(np.zeros(BYTES, np.uint8), 3)[:2],
    "array of a tensor": lambda: torch.zeros(BYTES, dtype=torch.uint8).numpy(),
    "view of an array of a view": lambda: torch.zeros(2, BYTES // 2, dtype=torch.uint8)[0].numpy()[:10],
    "array of bytes": lambda: np.frombuffer(bytes(BYTES), np.uint8)[:10],
    "array of a bytearray": lambda: np.frombuffer(bytearray(BYTES), np.uint8)[:10],
    "bytes": lambda: bytes(BYTES),
    "view of bytes": lambda: memoryview(bytes(BYTES))[:7],
    "text": lambda: "a" * BYTES,
    "array of the standard library": lambda: array.array("B", [0]) * BYTES,
    "mapped memory": lambda: np.frombuffer(mmap.mmap(-1, BYTES), np.uint8)[:10],
}


@pytest.mark.parametrize("name", BLOCKS)
@settings(max_examples=20)
@given(wrappers=st.lists(st.sampled_from(range(len(WRAPPERS))), max_size=3))
def test_a_block_counts_as_a_whole_however_it_is_viewed_and_wrapped(name: str, wrappers: list[int]) -> None:
    sample = BLOCKS[name]()
    for number in wrappers:
        sample = WRAPPERS[number](sample)
    assert BYTES <= size_in_bytes(sample) < BYTES + 3000 + 1500 * len(wrappers)


def test_what_parts_share_counts_once() -> None:
    clip = torch.zeros(4, BYTES // 4, dtype=torch.uint8)
    pixels = clip.numpy()
    sample = {"frames": clip[:3], "truth": Fields(clip[3]), "array": Plain(pixels[1:]), "again": [pixels, clip]}
    assert BYTES <= size_in_bytes(sample) < BYTES + 4000
    assert size_in_bytes([torch.zeros(BYTES // 4), torch.zeros(BYTES // 4)]) >= 2 * BYTES


def test_a_tensor_counts_as_its_storage() -> None:
    assert size_in_bytes(torch.zeros(4, 3, 10, dtype=torch.uint8)[:1]) == 120
    assert size_in_bytes(torch.zeros(0)) == 0


def test_small_objects_of_the_standard_library_count_as_small() -> None:
    sample = [Path("a/b"), Fraction(1, 3), torch.float32, torch.device("cpu"), np.dtype("f4"), np.float32(1), int, 1.5]
    assert 0 < size_in_bytes(sample) < 10_000


@pytest.mark.parametrize("hidden", [Lock(), lambda: None, (n for n in range(3)), torch.zeros(3).to_sparse()])
@pytest.mark.parametrize("wrap", [lambda value: value, Fields, lambda value: {"k": [value]}])
def test_what_cannot_be_counted_is_refused(hidden: object, wrap: Callable[[object], object]) -> None:
    with pytest.raises(ConfigError, match=f"holds a {type(hidden).__qualname__}, whose memory cannot be counted"):
        size_in_bytes(wrap(hidden))
