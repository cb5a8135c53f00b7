"""Counts the bytes of tensors that live at once while a function runs: exact, and the same on every machine."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import Tensor, UntypedStorage
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def peak_live_bytes(function: Callable[[], object], given: Iterable[Tensor] = ()) -> int:
    """The most bytes that tensors made by ``function`` hold at one moment.

    What kernels use inside and give back before they return is not counted; what Python keeps alive is, so a
    large tensor that waits for its variable to be overwritten shows.

    Args:
        function: run once, without arguments.
        given: tensors that were there before, as inputs and parameters: they and their views do not count.
    """
    counter = LiveBytes(given)
    with counter:
        function()
    return counter.peak


class LiveBytes(TorchDispatchMode):
    """Sees the result of every operator; a storage counts from there until nothing refers to it.

    Args:
        given: see `peak_live_bytes`.

    Attributes:
        live: bytes now. peak: the most so far.
    """

    def __init__(self, given: Iterable[Tensor] = ()) -> None:
        super().__init__()
        self.live = self.peak = 0
        self._seen: weakref.WeakSet[UntypedStorage] = weakref.WeakSet(tensor.untyped_storage() for tensor in given)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._see(leaf.untyped_storage())
        return result

    def _see(self, storage: UntypedStorage) -> None:
        if storage in self._seen:
            return
        self._seen.add(storage)
        size = storage.nbytes()
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._forget, size)

    def _forget(self, size: int) -> None:
        self.live -= size
