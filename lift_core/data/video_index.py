"""VideoIndex: which frames of a video file can be decoded, when they are shown, and how their pictures are stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from lift_core.data.video_colour import StoredPictures, describe
from lift_core.data.video_container import FileMark, VideoPacket, file_mark, open_container, packets, video_stream
from lift_core.data.video_decoder import Decoder, ForwardPass, SeekingDecoder, SequentialDecoder
from lift_core.data.video_table import PacketList, PacketTable
from lift_core.errors import SourceError

# These say how long each packet is, so a cut-off one is marked; elsewhere a partial last picture looks like any other.
_LENGTH_KEEPING = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")
_HEAD_PICTURES = 4


@dataclass(frozen=True, eq=False)
class VideoIndex:
    """The frames of one video file.

    Attributes:
        table: its packets; empty where the file has no usable presentation times.
        times: presentation time of every frame in units of ``time_base``, strictly increasing; None where unknown.
        count: number of frames.
        time_base: seconds per unit.
        frame_rate: average frames per second, None where the file does not tell.
        aspect_ratio: width over height of a stored pixel; 1 where the file does not tell.
        pictures: how they are stored.
        mark: of the file that was indexed.
        warning: what the user should know of the file, or nothing.
    """

    table: PacketTable
    times: NDArray[np.int64] | None
    count: int
    time_base: Fraction
    frame_rate: Fraction | None
    aspect_ratio: Fraction
    pictures: StoredPictures
    mark: FileMark
    warning: str = ""

    @property
    def nbytes(self) -> int:
        """Of its arrays."""
        return self.table.nbytes + (0 if self.times is None else self.times.nbytes)

    def open_decoder(self, path: Path, threads: int, warn: Callable[[str], None]) -> Decoder:
        if self.times is None:
            return SequentialDecoder(path, threads)
        return SeekingDecoder(path, self.table, self.times, threads, warn)


def build_index(path: Path) -> VideoIndex:
    """Index a file: demux it without decoding, then decode what tells whether the packets can be believed.

    The first pictures are decoded always. The last group of pictures is decoded where the file may be cut off: then
    what cannot be decoded is left out. A damaged frame in the middle keeps its number and fails when it is read.

    Raises:
        SourceError: no video stream, or no frame that can be decoded.
    """
    # Looked at first: a file that is written to in the meantime is indexed anew when it is next opened.
    mark = file_mark(path)
    with open_container(path) as container:
        stream = video_stream(container, path)
        listed = _list_packets(container, stream)
        time_base = stream.time_base or Fraction(1, 90000)
        aspect_ratio = stream.sample_aspect_ratio or Fraction(1)
        cut_off = listed.suspicious or container.format.name not in _LENGTH_KEEPING or len(listed) < stream.frames
        # AVI has no presentation times: what FFmpeg makes up is wrong where pictures are reordered.
        # (It also counts fields as frames there, which the guess corrects.)
        made_up = container.format.name == "avi" and stream.codec_context.has_b_frames and not listed.is_reordered
        average, guessed = stream.average_rate, stream.guessed_rate
    table = listed.table() if listed.has_usable_times else PacketTable.empty()
    pictures, head = _decode_head(path, table)
    index = VideoIndex(table, None, 0, time_base, average or guessed, aspect_ratio, pictures, mark)
    if made_up or not _are_believable(listed, head):
        # An average of times that mean nothing means nothing: raw H.264 of any rate averages 25.
        return _count_frames(path, replace(index, frame_rate=guessed or average))
    return _keep_decodable(path, index, listed, head, cut_off)


def _list_packets(container: av.container.InputContainer, stream: av.VideoStream) -> PacketList:
    listed = PacketList()
    is_vp8 = stream.codec_context.name in ("vp8", "libvpx")
    for packet in packets(container, stream):
        if packet.is_keyframe:
            listed.keys.append(len(listed))
        hidden = is_vp8 and _is_hidden_vp8(packet)
        # A hidden picture may carry the time of the one shown next.
        listed.times.append(None if hidden else packet.pts)
        listed.sizes.append(packet.size)
        listed.seek_times.append(packet.pts if packet.dts is None else packet.dts)
        listed.shown.append(not packet.is_discard and not hidden)
        listed.suspicious |= packet.is_corrupt
    return listed


def _is_hidden_vp8(packet: VideoPacket) -> bool:
    # RFC 6386, 9.1: bit 4 of a frame's first byte is show_frame. A hidden frame is only referred to by others.
    return not memoryview(packet)[0] & 0x10


def _decode_head(path: Path, table: PacketTable) -> tuple[StoredPictures, list[int | None]]:
    """How the first picture is stored, and when the first few are shown; the pictures themselves are let go."""
    head_pass = ForwardPass(path, table, threads=1)
    try:
        head = [(describe(picture), picture.pts) for picture in islice(head_pass.pictures_from(0), _HEAD_PICTURES)]
    finally:
        head_pass.close()
    if not head:
        raise SourceError("no frame can be decoded", where=path, fix="Fetch or convert the file again.")
    return head[0][0], [time for _, time in head]


def _are_believable(listed: PacketList, head: list[int | None]) -> bool:
    """Whether the packets' times are the times at which pictures are shown."""
    shown = [time for time in head if time is not None]
    if not listed.has_usable_times or len(shown) < len(head):
        return False
    return all(earlier < later for earlier, later in pairwise(shown)) and set(shown) <= set(listed.times)


def _count_frames(path: Path, index: VideoIndex) -> VideoIndex:
    warning = f"{path} has no usable timestamps: its frames are counted, and each is reached from the start"
    decoder = SequentialDecoder(path, threads=1)
    try:
        return replace(index, table=PacketTable.empty(), count=decoder.count(), warning=warning)
    finally:
        decoder.close()


def _keep_decodable(
    path: Path, index: VideoIndex, listed: PacketList, head: list[int | None], cut_off: bool
) -> VideoIndex:
    table = index.table
    shown = np.array(listed.shown)[table.positions]
    decodable = (table.governing >= 0) & (table.times >= (head[0] or 0))
    if cut_off:
        decodable &= (table.positions < table.keys[-1]) | np.isin(table.times, _clean_tail(path, table))
    lost = int((shown & ~decodable).sum())
    warning = f"{path}: {lost} frames at its ends cannot be decoded and are left out" if lost else ""
    times = table.times[shown & decodable]
    if not len(times):
        raise SourceError("no frame can be decoded", where=path, fix="Fetch or convert the file again.")
    return replace(index, times=times, count=len(times), warning=warning)


def _clean_tail(path: Path, table: PacketTable) -> list[int]:
    """Presentation times of the pictures that decode without damage in the last two groups of the file."""
    tail_pass = ForwardPass(path, table, threads=1)
    try:
        # The group before the last is there for what the last one needs of it (open groups, gradual refresh).
        times = [picture.pts for picture in tail_pass.pictures_from(int(table.keys[-2:][0]))]
        return [time for time in times if time is not None and not tail_pass.is_damaged(time)]
    finally:
        tail_pass.close()
