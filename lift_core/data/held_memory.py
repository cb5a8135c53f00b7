"""The memory that a sample holds on to, whatever it is made of: tensors, arrays, containers, objects."""

from __future__ import annotations

import sys
from pickle import PicklingError

import numpy as np
from torch import Tensor

from lift_core.errors import ConfigError

_PLAIN = (str, bytes, bytearray, int, float, complex, np.generic, type(None))


def size_in_bytes(sample: object) -> int:
    """Memory that a sample holds on to; what several parts of it share counts once.

    A view of a tensor or an array keeps all of its owner alive, so the owner counts. Objects count with their
    attributes and with what a copy of them would be made of (``__reduce_ex__``). A tensor does not tell what
    ``torch.from_numpy`` made it of, so it counts as long as the array that was given, though that may be a view.

    Raises:
        ConfigError: a part whose memory cannot be told, such as an open file or a picture of a C library.
    """
    blocks: dict[int, int] = {}
    # Parts are held until the end: a new one at the address of a dead one would pass for counted.
    seen: dict[int, object] = {}
    waiting = [sample]
    while waiting:
        part = waiting.pop()
        if id(part) in seen or isinstance(part, type):
            continue
        seen[id(part)] = part
        try:
            address, size, inner = _look_at(part)
        except (TypeError, RuntimeError, PicklingError) as error:
            raise ConfigError(
                f"a sample holds a {type(part).__qualname__}, whose memory cannot be counted: {error}",
                fix="Serve tensors, arrays and plain Python objects, such as dataclasses.",
            ) from error
        blocks[address] = max(size, blocks.get(address, 0))
        waiting += inner
        waiting += [vars(part)] if getattr(part, "__dict__", None) else []
    return sum(blocks.values())


def _look_at(part: object) -> tuple[int, int, list[object]]:
    """Address and bytes of the memory that is a part's own, and the parts below it."""
    if isinstance(part, Tensor):
        storage = part.untyped_storage()
        return storage.data_ptr(), storage.nbytes(), []
    if isinstance(part, np.ndarray):
        if part.base is not None:
            return id(part), 0, [part.base]
        return part.ctypes.data, part.nbytes, part.ravel().tolist() if part.dtype.hasobject else []
    if isinstance(part, memoryview) and part.obj is not None:
        return id(part), sys.getsizeof(part), [part.obj]
    return id(part), *_look_at_object(part)


def _look_at_object(part: object) -> tuple[int, list[object]]:
    size = sys.getsizeof(part)
    if isinstance(part, _PLAIN):
        return size, []
    if isinstance(part, dict):
        return size, [*part.keys(), *part.values()]
    if isinstance(part, list | tuple | set | frozenset):
        return size, list(part)
    try:
        with memoryview(part) as view:  # type: ignore[arg-type]  # whether it has a buffer is what is asked
            return max(size, view.nbytes), []
    except TypeError:
        return size, _made_of(part)


def _made_of(part: object) -> list[object]:
    """What a copy of an object would be made of; a text names something of a module, which no sample owns."""
    reduced = part.__reduce_ex__(4)
    if isinstance(reduced, str):
        return []
    _, arguments, state, items, pairs, *_ = (*reduced, None, None, None)
    return [*arguments, state, *(items or ()), *(pairs or ())]
