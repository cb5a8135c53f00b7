"""Files that are damaged as disks and networks damage them."""

from __future__ import annotations

from pathlib import Path


def flip_bit(path: Path, place: int, bit: int = 0) -> None:
    """Flip one bit of the byte at ``place``, which counts from the end where it is negative."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(content)
