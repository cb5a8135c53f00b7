"""What a video file's header claims of its length, against the packets that the file holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer

from lift_core.data.video_container import open_container, packets, video_stream

_CLOCK = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")
# A last frame may be shown for longer or shorter than the others.
_FRAMES_OF_TOLERANCE = 2


@dataclass(frozen=True)
class HeaderClaims:
    """The claims of a header, and what of them the file lacks.

    Attributes:
        frames: as announced; 0 where it says nothing.
        missing: why the file is cut off, in words; empty where nothing tells that it is.
    """

    frames: int
    missing: str


def header_claims(path: Path) -> HeaderClaims:
    """Demux a video from end to end, without decoding.

    MP4 announces frames; Matroska states when each stream ends, where the program that wrote it did so. MPEG streams
    claim nothing, so that one that is cut off looks like a shorter one.

    Raises:
        SourceError: no video file.
    """
    with open_container(path) as container:
        stream = video_stream(container, path)
        count, cut_off, end = 0, False, 0
        for packet in packets(container, stream):
            count += 1
            cut_off = packet.is_corrupt
            end = max(end, (packet.pts or 0) + (packet.duration or 0))
        missing = "its last packet is cut off" if cut_off else ""
        # AVI may count fields as frames.
        if count < stream.frames and container.format.name != "avi":
            missing = f"{count} frames of {stream.frames} are in the file"
        stated, last = _stated_end(container, stream.metadata), end * (stream.time_base or Fraction(0))
        if stated is not None and stream.average_rate and last < stated - _FRAMES_OF_TOLERANCE / stream.average_rate:
            missing = f"it ends at {float(last):.2f} s, not at {float(stated):.2f} s"
        return HeaderClaims(stream.frames, missing)


def _stated_end(container: InputContainer, metadata: dict[str, str]) -> Fraction | None:
    found = _CLOCK.fullmatch(metadata.get("DURATION", "")) if "matroska" in container.format.name else None
    return None if found is None else int(found[1]) * 3600 + int(found[2]) * 60 + Fraction(found[3])
