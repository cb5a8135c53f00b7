"""H.264 pictures that no other picture refers to: they can be left undecoded without a trace in the others."""

from __future__ import annotations

from collections.abc import Iterator

# ITU-T H.264, 7.4.1: types of network abstraction layer units.
_SLICE = 1
_BESIDE_SLICES = (6, 9, 12)  # supplemental information, access unit delimiter, filler


class ReferenceReader:
    """Reads from a packet's headers whether its picture is referred to.

    Args:
        codec: FFmpeg's name of the codec. Only H.264 says it for certain: HEVC says it for one temporal layer alone.
        extradata: the stream's, which says how units are set apart: by their lengths, or by start codes.
    """

    def __init__(self, codec: str, extradata: bytes | None) -> None:
        self._known = codec == "h264"
        has_lengths = extradata is not None and len(extradata) > 4 and extradata[0] == 1
        self._length_bytes = (extradata[4] & 3) + 1 if extradata is not None and has_lengths else 0

    def is_unreferenced(self, packet: bytes) -> bool:
        """True where every slice of the packet says that nothing refers to it, and the packet holds nothing else.

        A packet that is not put together as it should be may be anything, so it is False for that.
        """
        if not self._known:
            return False
        headers = list(self._with_lengths(packet) if self._length_bytes else _with_start_codes(packet))
        slices = [header for header in headers if header & 31 == _SLICE]
        # A slice's header byte is its type alone where both the forbidden bit and the reference count are 0.
        harmless = all(header == _SLICE or header & 31 in _BESIDE_SLICES for header in headers)
        return bool(slices) and harmless

    def _with_lengths(self, packet: bytes) -> Iterator[int]:
        place = 0
        while place < len(packet):
            start = place + self._length_bytes
            place = start + int.from_bytes(packet[place:start], "big")
            # A unit that is empty or ends outside the packet is damage, told by a type that is not in use.
            yield packet[start] if start < place <= len(packet) else 0


def _with_start_codes(packet: bytes) -> Iterator[int]:
    start = packet.find(b"\0\0\1")
    while start >= 0:
        yield packet[start + 3] if start + 3 < len(packet) else 0
        start = packet.find(b"\0\0\1", start + 3)
