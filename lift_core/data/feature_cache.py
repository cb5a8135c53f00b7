"""FeatureCache: what an encoder made of single frames, kept on disk up to a number of bytes."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lift_core.data.bounded_files import BoundedFiles
from lift_core.data.checked_tensors import read_tensors, write_tensors
from lift_core.data.folder_lock import folder_lock
from lift_core.data.shared_counter import SharedCounter
from lift_core.data.source import Crop, FrameSource
from lift_core.data.store_folder import StoreKind, claim
from lift_core.data.store_writing import clear_leftovers
from lift_core.errors import ConfigError, DatasetError, OutputError, ShapeError

Compute = Callable[[Tensor], Mapping[str, Tensor]]
"""Makes features, each ``[N, ...]``, of N frames float32 ``[N, 3, H, W]`` in [0, 1]."""
Entry = Mapping[str, Tensor]
"""Features of one frame by name."""

KIND = StoreKind("cache of encoder features", 1, ("entries",))
DTYPES = (torch.float16, torch.float32)

_ENTRIES = "entries"
_PATIENCE_S = 60.0
_HEADER_BYTES = 4096

_log = logging.getLogger(__name__)


class FeatureCache:
    """Features of frames, one file for each frame; the least recently used make room for new ones.

    An entry is found by everything that decides what it holds: the clip (its path and `FrameSource.fingerprint`, or the
    pixels themselves where the clip has none), the frame, crop and size, the encoder's weights, and the dtype. So an
    entry of another encoder, or of a clip that has changed since, is never served. Entries appear when they are
    complete. One that is damaged, or whose names and shapes are not those of the others, is told, counted and computed
    anew.

    Any number of processes may share the folder, and copies of a cache in workers do. ``max_bytes`` holds for all of
    them together. Where an entry cannot be written (a full disk, say), a warning says so, and the features are served
    all the same.

    Args:
        folder: new, empty, or a cache.
        weights: tells the encoder and its weights from all others, see `lift_core.model.fingerprint`.
        dtype: how features are stored: torch.float16 takes half the room and keeps 11 bits of each number.
        max_bytes: of all entries together; of a folder that holds more, those used longest ago are deleted here.

    Raises:
        ConfigError: another dtype, no room, or a cache of another version.
        DatasetError: a damaged ``store.json``; what lies in the folder may be deleted.
        OutputError: the folder holds something else, or cannot be written to.
    """

    def __init__(
        self, folder: str | Path, weights: str, *, dtype: torch.dtype = torch.float16, max_bytes: int = 10**10
    ) -> None:
        if dtype not in DTYPES or max_bytes < 1:
            raise ConfigError(
                f"a cache of {max_bytes} bytes that stores {dtype}", fix="Choose float16 or float32, and some bytes."
            )
        self.folder = Path(folder)
        self.weights = weights
        self.dtype = dtype
        self.max_bytes = max_bytes
        self._hits, self._misses, self._damaged = SharedCounter(), SharedCounter(), SharedCounter()
        self._files = BoundedFiles(self.folder, f"{_ENTRIES}/*/*.safetensors", max_bytes)
        self._told = False
        with folder_lock(self.folder, patience=_PATIENCE_S):
            claim(self.folder, KIND, {})
            # Entries are written with the lock held, so nobody is writing these.
            leftovers = clear_leftovers(self.folder)
            evicted = self._files.mend()
        if leftovers:
            _log.warning("%s: %d half-written entries of a killed process were deleted", self.folder, leftovers)
        if evicted:
            _log.warning("%s: %d bytes of entries were deleted: it may take %d", self.folder, evicted, max_bytes)

    @property
    def hits(self) -> int:
        """Frames served from the folder so far, in all worker processes together."""
        return self._hits.total

    @property
    def misses(self) -> int:
        """Frames that had to be computed so far, in all worker processes together."""
        return self._misses.total

    @property
    def damaged(self) -> int:
        """Entries that could not be used and were computed anew so far, in all worker processes together."""
        return self._damaged.total

    def features(
        self,
        source: FrameSource,
        indices: Sequence[int],
        compute: Compute,
        *,
        crop: Crop | None = None,
        size: tuple[int, int] | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> dict[str, Tensor]:
        """The features of frames, in the order of ``indices``, which may repeat.

        What is not in the folder is read and computed in one call, and stored. It is served as it was stored, so that
        the first answer has the same bits as later ones. A frame that is found is not read, if its clip has a
        fingerprint.

        Args:
            source: the clip. indices, crop, size: as for `FrameSource.frames`.
            compute: called with the frames that are missing. Its results must be those of ``weights``.
            dtype: of the result.

        Returns:
            by the names that ``compute`` gives, ``[len(indices), ...]`` on the CPU.

        Raises:
            ShapeError: features that are not one for each frame, or too large for float16.
            FrameReadError: a frame that cannot be read.
        """
        unique = list(dict.fromkeys(indices))
        identities = self._identities(source, unique, crop, size)
        found = {index: entry for index in unique if (entry := self._read(identities[index])) is not None}
        missing = [index for index in unique if index not in found]
        new = self._computed(source, missing, compute, crop, size)
        if len({_layout(entry) for entry in (found | new).values()}) > 1:
            self._tell_unlike(len(found))
            found, new = {}, self._computed(source, unique, compute, crop, size)
        self._count(len(found), len(new))
        self._store({identities[index]: entry for index, entry in new.items()})
        served = [(found | new)[index] for index in indices]
        names = served[0] if served else {}
        return {name: torch.stack([entry[name] for entry in served]).to(dtype) for name in names}

    def _identities(
        self, source: FrameSource, indices: Sequence[int], crop: Crop | None, size: tuple[int, int] | None
    ) -> dict[int, str]:
        """For each frame a text that says all on which its features depend."""
        fingerprint = source.fingerprint
        place = None if crop is None else [crop.top, crop.left, crop.height, crop.width]
        common = [self.weights, str(self.dtype), place, size]
        if fingerprint is not None:
            clip = [str(Path(source.name).resolve()), fingerprint, len(source), source.size]
            return {index: json.dumps([*common, *clip, index]) for index in indices}
        pictures = source.frames(indices, crop=crop, size=size)
        return {
            index: json.dumps([*common, _digest(picture)]) for index, picture in zip(indices, pictures, strict=True)
        }

    def _read(self, identity: str) -> Entry | None:
        path = self._path(identity)
        try:
            tensors, facts = read_tensors(path)
            if facts.get("identity") != identity:
                raise DatasetError("the entry is another's", where=path)
            if any(tensor.dtype != self.dtype for tensor in tensors.values()):
                raise DatasetError(f"the entry is not of {self.dtype}", where=path)
        except FileNotFoundError:
            return None
        except DatasetError as error:
            self._damaged.add()
            _log.warning("features are computed anew: %s", error)
            return None
        with suppress(OSError):
            os.utime(path)
        return tensors

    def _computed(
        self,
        source: FrameSource,
        indices: Sequence[int],
        compute: Compute,
        crop: Crop | None,
        size: tuple[int, int] | None,
    ) -> dict[int, Entry]:
        if not indices:
            return {}
        pictures = torch.from_numpy(source.frames(indices, crop=crop, size=size))
        whole = self._checked(compute(_as_floats(pictures)), len(indices))
        return {index: {name: each[place] for name, each in whole.items()} for place, index in enumerate(indices)}

    def _tell_unlike(self, count: int) -> None:
        _log.warning("features are computed anew: %s: entries differ in names or shapes", self.folder)
        for _ in range(count):
            self._damaged.add()

    def _count(self, hits: int, misses: int) -> None:
        for _ in range(hits):
            self._hits.add()
        for _ in range(misses):
            self._misses.add()

    def _checked(self, computed: Mapping[str, Tensor], count: int) -> dict[str, Tensor]:
        stored = {}
        for name, tensor in computed.items():
            if tensor.ndim < 1 or len(tensor) != count:
                raise ShapeError(f"{name} is {list(tensor.shape)} for {count} frames", fix="Give one for each frame.")
            whole = tensor.detach().cpu()
            stored[name] = whole.to(self.dtype)
            if not torch.equal(stored[name].isfinite(), whole.isfinite()):
                raise ShapeError(
                    f"{name} reaches {whole.abs().max():g}, beyond float16", fix="Store features as torch.float32."
                )
        return stored

    def _store(self, entries: Mapping[str, Entry]) -> None:
        if not entries:
            return
        try:
            with folder_lock(self.folder, patience=_PATIENCE_S):
                for identity, tensors in entries.items():
                    self._write(identity, tensors)
        except OutputError as error:
            if not self._told:
                _log.warning("features are not kept, here and from now on where it fails again: %s", error)
            self._told = True

    def _write(self, identity: str, tensors: Entry) -> None:
        """Write one entry, unless it is larger than the cache; the lock is held."""
        path = self._path(identity)
        needed = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
        needed += _HEADER_BYTES + len(identity)
        if needed > self.max_bytes:
            return
        with self._files.room_for(path, needed):
            write_tensors(path, tensors, {"identity": identity})

    def _path(self, identity: str) -> Path:
        name = hashlib.blake2b(identity.encode(), digest_size=16).hexdigest()
        return self.folder / _ENTRIES / name[:2] / f"{name}.safetensors"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_told": False}


def _as_floats(pictures: Tensor) -> Tensor:
    """uint8 ``[N, H, W, 3]`` to float32 ``[N, 3, H, W]`` in [0, 1]."""
    return pictures.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format).mul_(1 / 255)


def _layout(entry: Entry) -> tuple[tuple[str, torch.Size], ...]:
    return tuple(sorted((name, tensor.shape) for name, tensor in entry.items()))


def _digest(picture: NDArray[np.uint8]) -> str:
    shape = f"{picture.shape}".encode()
    return hashlib.blake2b(shape + picture.tobytes(), digest_size=16).hexdigest()
