"""Frame-exact decoding: seek to the governing key frame, decode forward, match presentation times exactly."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import av
import numpy as np
from numpy.typing import NDArray

from lift_core.data.video_container import VideoPacket, open_container, packets, video_stream
from lift_core.data.video_references import ReferenceReader
from lift_core.data.video_table import PacketTable
from lift_core.errors import FrameReadError

# Decoding a few more packets is cheaper than a seek, which flushes the decoder.
_PACKETS_WORTH_A_SEEK = 8


class Decoder(Protocol):
    """Reads the wanted frames of one open file."""

    def pictures(self, wanted: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield frame numbers and pictures for ``wanted``, which is sorted and without repeats.

        Raises:
            FrameReadError: a frame that cannot be decoded, or that depends on damaged data.
        """

    def close(self) -> None:
        """Close the file."""


class ForwardPass:
    """An open file and its decoder, running forward from one key frame.

    Args:
        path: the file.
        table: its packets.
        threads: of the decoder; 0 lets FFmpeg choose.
        warn: is told that the file cannot be sought in, each time that this is met.
    """

    def __init__(self, path: Path, table: PacketTable, threads: int, warn: Callable[[str], None] | None = None) -> None:
        self._path = path
        self._table = table
        self._threads = threads
        self._warn = warn
        self.fed = -1
        """Decoding position of the last packet that the decoder was given."""
        self.damage_seen = False
        """Damage was met since the caller last set this to False."""
        self._damage: dict[int, int] = {}
        self._wanted: Collection[int] = ()
        self._last_wanted = -math.inf
        self._open()

    def _open(self) -> None:
        self._untouched = True
        self._container = open_container(self._path)
        self._stream = video_stream(self._container, self._path)
        self._stream.codec_context.thread_count = self._threads
        if self._threads != 1:
            self._stream.codec_context.thread_type = "AUTO"
        self._references = ReferenceReader(self._stream.codec_context.name, self._stream.codec_context.extradata)

    def close(self) -> None:
        self._container.close()

    def expect(self, times: Collection[int]) -> None:
        """Say which pictures are wanted: up to the last of them, pictures that no other refers to may be left out."""
        self._wanted = times
        self._last_wanted = max(times)

    def pictures_from(self, key: int) -> Iterator[av.VideoFrame]:
        """Decode from the key packet at decoding position ``key`` to the end, in presentation order.

        Damage in the data does not end the pass: the pictures lost are left out.
        """
        self._damage = {}
        for packet in self._packets_from(key):
            if not self._may_be_left_out(packet):
                yield from self._decoded(packet)
        yield from self._decoded(None)

    def is_damaged(self, time: int) -> bool:
        """Whether the picture shown at ``time`` comes, in decoding order, at or after damage to its group.

        That is known of all damage that made decoding fail. Where the decoder conceals it, it says so with the picture
        concerned, so pictures that refer to that one and are shown before it are not called damaged.
        """
        position = self._table.position_at(time)
        if position is None:
            return True
        return position >= self._damage.get(self._table.group_of(position), position + 1)

    def _may_be_left_out(self, packet: VideoPacket) -> bool:
        if packet.pts is None or packet.pts >= self._last_wanted or packet.pts in self._wanted:
            return False
        return self._references.is_unreferenced(bytes(packet))

    def _decoded(self, packet: VideoPacket | None) -> list[av.VideoFrame]:
        try:
            pictures = self._stream.codec_context.decode(packet)
        except av.FFmpegError:
            self._note_damage(self.fed)
            return []
        for picture in pictures:
            position = None if picture.pts is None else self._table.position_at(picture.pts)
            if picture.is_corrupt:
                self._note_damage(self.fed if position is None else position)
        return list(pictures)

    def _note_damage(self, position: int) -> None:
        self.damage_seen = True
        group = self._table.group_of(position)
        self._damage[group] = min(position, self._damage.get(group, position))

    def _packets_from(self, key: int) -> Iterator[VideoPacket]:
        for position, packet in self._landed_packets(key):
            # Packets before the key frame are read, not decoded: a container may seek farther back than it was asked.
            if position >= key:
                self.fed = position
                yield packet

    def _landed_packets(self, key: int) -> Iterator[tuple[int, VideoPacket]]:
        """Packets with their decoding positions, from ``key`` or somewhere before it."""
        if not (self._untouched and key <= self._table.first_key):
            for time in self._table.seek_times(key):
                numbered = self._numbered(self._sought(time), first=None)
                first = next(numbered, None)
                if first is not None and first[0] <= key:
                    yield first
                    yield from numbered
                    return
            self._reopen()
        self._untouched = False
        yield from self._numbered(packets(self._container, self._stream), first=0)

    def _reopen(self) -> None:
        if self._warn is not None and len(self._table.keys):
            self._warn(f"{self._path} cannot be sought in: it is read from its start")
        self._container.close()
        self._open()

    def _sought(self, time: int) -> Iterator[VideoPacket]:
        self._untouched = False
        try:
            self._container.seek(time, stream=self._stream)
        except av.FFmpegError:
            return iter(())
        return packets(self._container, self._stream)

    def _numbered(self, source: Iterator[VideoPacket], first: int | None) -> Iterator[tuple[int, VideoPacket]]:
        """Decoding positions, from the presentation times; a packet without one counts on from the one before it.

        ``first`` is the position of the first packet, or None after a seek. Then the first packets may be pieces, with
        times that belong to later ones (MPEG program streams): what comes before a listed packet is left out.
        """
        position = -1 if first is None else first - 1
        landed = first is not None
        for packet in source:
            if not landed:
                found = None if packet.pts is None else self._table.recognise(packet.pts, packet.size)
                landed = found is not None
            else:
                found = None if packet.pts is None else self._table.position_at(packet.pts)
            position = position + 1 if found is None else found
            if landed:
                yield position, packet


class SeekingDecoder:
    """Decodes wanted frames of a file whose packets carry presentation times.

    Args:
        path: the file.
        table: its packets.
        times: presentation time of every frame, sorted, in units of the stream's time base.
        threads: of the decoder; 0 lets FFmpeg choose.
        warn: see ForwardPass.
    """

    def __init__(
        self,
        path: Path,
        table: PacketTable,
        times: NDArray[np.int64],
        threads: int,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        self._path = path
        self._table = table
        self._times = times
        self._pass = ForwardPass(path, table, threads, warn)
        self._pictures: Iterator[av.VideoFrame] | None = None
        self._shown = 0

    def close(self) -> None:
        self._pictures = None
        self._pass.close()

    def pictures(self, wanted: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        times = self._times[list(wanted)].tolist()
        if times:
            self._pass.expect(frozenset(times))
        for index, time in zip(wanted, times, strict=True):
            yield index, self._find(index, time)

    def _find(self, index: int, time: int) -> av.VideoFrame:
        for key in self._starts(time):
            if key is not None:
                self._pictures = self._pass.pictures_from(key)
            picture = self._advance(time)
            if picture is not None:
                return picture
        raise FrameReadError(
            f"frame {index} cannot be decoded: its data are damaged or missing",
            where=self._path,
            fix="Leave this part out, or repair a copy: ffmpeg -i IN -c:v libx264 -crf 15 OUT.mp4",
        )

    def _starts(self, time: int) -> Iterator[int | None]:
        """Where decoding may start, best first: going on (None), the governing key frame, the one before it."""
        key = self._table.governing_key(time)
        if self._pictures is not None and time > self._shown and key <= self._pass.fed + _PACKETS_WORTH_A_SEEK:
            yield None
        yield key
        place = bisect.bisect_left(self._table.keys, key)
        if place > 0:
            yield int(self._table.keys[place - 1])

    def _advance(self, time: int) -> av.VideoFrame | None:
        """Go forward to the picture shown at ``time``; None where it does not come, or comes damaged."""
        assert self._pictures is not None
        for picture in self._pictures:
            if picture.pts is not None:
                self._shown = picture.pts
                if picture.pts == time:
                    return None if self._pass.is_damaged(time) else picture
                if picture.pts > time:
                    return None
            # The decoder uses a picture's memory again once nobody holds it.
            del picture
        self._pictures = None
        return None


class SequentialDecoder:
    """Counts pictures from the start of the file: for files whose packets carry no usable presentation times.

    Args:
        path: the file.
        threads: of the decoder; 0 lets FFmpeg choose.
    """

    def __init__(self, path: Path, threads: int) -> None:
        self._path = path
        self._threads = threads
        self._pass: ForwardPass | None = None
        self._next = 0

    def close(self) -> None:
        if self._pass is not None:
            self._pass.close()
            self._pass = None

    def pictures(self, wanted: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        for index in wanted:
            if self._pass is None or index < self._next:
                self._restart()
            yield index, self._skip_to(index)

    def _restart(self) -> None:
        self.close()
        self._pass = ForwardPass(self._path, PacketTable.empty(), self._threads)
        self._pictures = self._pass.pictures_from(0)
        self._next = 0

    def count(self) -> int:
        """Decode the file to its end: the number of frames up to the last one that is not damaged."""
        self._restart()
        return max((number + 1 for number, picture in enumerate(self._judged()) if picture is not None), default=0)

    def _skip_to(self, index: int) -> av.VideoFrame:
        for picture in self._judged():
            self._next += 1
            if self._next > index:
                if picture is not None:
                    return picture
                break
        raise FrameReadError(f"frame {index} cannot be decoded: its data are damaged or missing", where=self._path)

    def _judged(self) -> Iterator[av.VideoFrame | None]:
        """The pictures that follow; None for those that come between damage and the next key frame."""
        assert self._pass is not None
        for picture in self._pictures:
            self._pass.damage_seen = self._pass.damage_seen and not picture.key_frame
            yield None if self._pass.damage_seen else picture
