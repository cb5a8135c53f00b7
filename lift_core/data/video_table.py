"""PacketTable: the coded pictures of a video stream in decoding order, and which key frame each one needs."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PacketTable:
    """Packets by presentation time; times are integers in units of the stream's time base.

    A packet's position is its place in decoding order, from 0.

    Attributes:
        times: presentation times of all packets, sorted, ``[P]``; each once.
        positions: the packet of each time, ``[P]``.
        sizes: bytes of each packet, ``[P]``; time and size together recognise a packet after a seek.
        governing: position of the key frame at which decoding must start for each time, ``[P]``; -1 where none serves.
        keys: positions of the key frames, sorted, ``[K]``.
        key_times: presentation time of each key frame.
        key_seek_times: the time to give to the demuxer's seek for each key frame: its decoding time where it has one.
    """

    times: Times
    positions: Times
    sizes: Times
    governing: Times
    keys: Times
    key_times: Times
    key_seek_times: Times

    @classmethod
    def empty(cls) -> PacketTable:
        """The table of a file without usable times: no seeking."""
        return cls(*(np.empty(0, np.int64) for _ in range(7)))

    @property
    def nbytes(self) -> int:
        return sum(getattr(self, column.name).nbytes for column in fields(self))

    @property
    def first_key(self) -> int:
        """Position of the first key frame; 0 in an empty table."""
        return int(self.keys[0]) if len(self.keys) else 0

    def position_at(self, time: int) -> int | None:
        """The packet shown at ``time``, or None."""
        place = self._place(time)
        return None if place is None else int(self.positions[place])

    def recognise(self, time: int, size: int) -> int | None:
        """The position of a packet by its time and size, or None where no listed packet has both."""
        place = self._place(time)
        return None if place is None or self.sizes[place] != size else int(self.positions[place])

    def governing_key(self, time: int) -> int:
        """Where decoding must start for the picture shown at ``time``; -1 where nothing serves."""
        place = self._place(time)
        return -1 if place is None else int(self.governing[place])

    def group_of(self, position: int) -> int:
        """The last key frame at or before a packet in decoding order, or -1."""
        place = bisect.bisect_right(self.keys, position) - 1
        return int(self.keys[place]) if place >= 0 else -1

    def _place(self, time: int) -> int | None:
        place = bisect.bisect_left(self.times, time)
        return place if place < len(self.times) and self.times[place] == time else None

    def seek_times(self, key: int) -> Iterator[int]:
        """Times to seek to for a key frame, best first: its own, then that of the key frame before it."""
        place = bisect.bisect_left(self.keys, key)
        for candidate in (place, place - 1):
            if 0 <= candidate < len(self.keys):
                yield int(self.key_seek_times[candidate])


@dataclass
class PacketList:
    """What demuxing a file tells, packet by packet in decoding order.

    Attributes:
        times: presentation times; None where a packet has none.
        sizes: in bytes.
        seek_times: decoding times, or presentation times where there are none.
        shown: the packet becomes a picture that is presented.
        keys: positions of key frames.
        suspicious: a packet was cut off or damaged in transport.
    """

    times: list[int | None] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    seek_times: list[int | None] = field(default_factory=list)
    shown: list[bool] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    suspicious: bool = False

    def __len__(self) -> int:
        return len(self.times)

    @property
    def has_usable_times(self) -> bool:
        """Every shown packet has a presentation time, and no two packets share one."""
        known = [time for time in self.times if time is not None]
        complete = all(time is not None for time, shown in zip(self.times, self.shown, strict=True) if shown)
        return complete and len(set(known)) == len(known)

    @property
    def is_reordered(self) -> bool:
        """Decoding order is not presentation order."""
        known = [time for time in self.times if time is not None]
        return any(later < earlier for earlier, later in pairwise(known))

    def table(self) -> PacketTable:
        """Sort by presentation time. A stream that marks no key frame is decoded from its first packet."""
        timed = [position for position, time in enumerate(self.times) if time is not None]
        keys = [key for key in self.keys if self.times[key] is not None] or timed[:1]
        times, positions = _integers([self.times[position] for position in timed]), _integers(timed)
        key_times = _integers([self.times[key] for key in keys])
        order = np.argsort(times, kind="stable")
        return PacketTable(
            times=times[order],
            positions=positions[order],
            sizes=_integers(self.sizes)[positions[order]],
            governing=_governing_keys(times[order], positions[order], _integers(keys), key_times),
            keys=_integers(keys),
            key_times=key_times,
            key_seek_times=_integers([self.seek_times[key] for key in keys]),
        )


def _governing_keys(times: Times, positions: Times, keys: Times, key_times: Times) -> Times:
    """For each packet the last key frame before it in decoding order that is not shown after it, or -1.

    Pictures that follow an open group's key frame in the file, yet are shown before it, also need the group before.
    """
    places = np.searchsorted(keys, positions, side="right") - 1
    late = (places >= 0) & (key_times[places] > times)
    while late.any():
        places[late] -= 1
        late = (places >= 0) & (key_times[places] > times)
    return np.where(places >= 0, keys[places], -1)


def _integers(values: Sequence[int | None]) -> Times:
    return np.array(values, dtype=np.int64)
