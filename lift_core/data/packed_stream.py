"""PackedClipStream: the clips of a packed folder as a stream, dealt to ranks and workers in runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

from torch.utils.data import IterableDataset

from lift_core.data.packed_clip import PackedClipSource, packed_clips
from lift_core.data.packed_strings import PackedStrings
from lift_core.data.sharded_stream import settled_rank, this_worker

_Sample = TypeVar("_Sample")


class PackedClipStream(IterableDataset[_Sample], Generic[_Sample]):
    """The clips of a packed folder as a stream, each read by exactly one worker of one rank.

    The clips, in the order in which they lie on the disk, are cut into one run for each rank, and that into one for
    each of its workers, so that each reads its shards from one place onwards. The runs of ranks differ by at most one
    clip. Nothing comes twice and nothing is lost, also where ranks have different numbers of workers.

    Args:
        folder: filled by `pack_clips`.
        read: makes a sample of a clip.
        rank, world_size: of this process; see ShardedIterableDataset.

    Raises:
        SourceError, ConfigError: see `packed_clips`; a rank that the world does not have.
    """

    def __init__(
        self,
        folder: str | Path,
        read: Callable[[PackedClipSource], _Sample],
        *,
        rank: int | None = None,
        world_size: int | None = None,
    ) -> None:
        self._paths = PackedStrings(clip.path for clip in packed_clips(Path(folder)))
        self._read = read
        self.rank, self.world_size = settled_rank(rank, world_size)

    def __iter__(self) -> Iterator[_Sample]:
        of_rank = _run(range(len(self._paths)), self.rank, self.world_size)
        for place in _run(of_rank, *this_worker()):
            yield self._read(PackedClipSource(self._paths[place]))


def _run(places: range, number: int, count: int) -> range:
    """The ``number``-th of ``count`` runs that ``places`` are cut into."""
    return places[len(places) * number // count : len(places) * (number + 1) // count]
