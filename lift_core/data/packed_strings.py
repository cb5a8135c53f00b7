"""PackedStrings: many strings in two arrays, so that forked workers share them instead of copying them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import overload

import numpy as np


class PackedStrings(Sequence[str]):
    """An immutable sequence of strings, held as one block of UTF-8 bytes and one array of offsets.

    Reading a Python string changes its reference count, so a forked worker that walks a list of a million paths
    copies every page of it. Arrays have one reference count for all.

    Args:
        strings: any text without surrogates other than those ``os.fsdecode`` makes.
    """

    def __init__(self, strings: Iterable[str]) -> None:
        encoded = [s.encode("utf-8", "surrogateescape") for s in strings]
        self._offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
        np.cumsum([len(e) for e in encoded], out=self._offsets[1:])
        self._bytes = np.frombuffer(b"".join(encoded), dtype=np.uint8)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError(f"string {index} of {len(self)}")
        start, stop = self._offsets[position], self._offsets[position + 1]
        return self._bytes[start:stop].tobytes().decode("utf-8", "surrogateescape")
