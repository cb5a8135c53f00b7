"""Pictures that nothing refers to: told by their headers, as FFmpeg's own decoder tells them; never from damage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from lift_core.data.video_decoder import ForwardPass
from lift_core.data.video_file import VideoFileSource
from lift_core.data.video_references import ReferenceReader
from tests.data.numbered_video import read_number, write_numbered
from tests.data.video_corpus import B_FRAMES, FILES


def packets(path: Path) -> Iterator[tuple[ReferenceReader, bytes]]:
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        reader = ReferenceReader(context.name, context.extradata)
        for packet in container.demux(video=0):
            if packet.size:
                yield reader, bytes(packet)


@pytest.mark.parametrize(
    "kind", ["short_groups", "mpeg_ts", "b_pyramid_open_groups", "no_b_frames", "interlaced", "flash", "all_key_frames"]
)
def test_as_many_pictures_are_unreferenced_as_ffmpeg_skips(kind: str, tmp_path: Path) -> None:
    path = FILES[kind](tmp_path)
    found = [reader.is_unreferenced(data) for reader, data in packets(path)]
    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.skip_frame = "NONREF"
        decoded = sum(1 for _ in container.decode(video=0))
    assert len(found) - sum(found) == decoded
    assert (sum(found) > 0) == (kind not in ("no_b_frames", "all_key_frames"))


@pytest.mark.parametrize("kind", ["hevc_open_groups", "vp9", "program_stream"])
def test_of_other_codecs_nothing_is_claimed(kind: str, tmp_path: Path) -> None:
    assert not any(reader.is_unreferenced(data) for reader, data in packets(FILES[kind](tmp_path)))


def test_a_packet_that_is_not_whole_is_never_called_unreferenced(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    told = [(reader, data) for reader, data in packets(FILES["short_groups"](tmp_path))]
    unreferenced = [(reader, data) for reader, data in told if reader.is_unreferenced(data)]
    for reader, data in unreferenced[:10]:
        assert not reader.is_unreferenced(data[: int(rng.integers(1, len(data)))])
        assert not reader.is_unreferenced(data + b"\0")
        assert not reader.is_unreferenced(bytes(len(data)))
    for reader, data in told:
        assert not reader.is_unreferenced(b"")
        assert not reader.is_unreferenced(data[:4] + bytes(len(data) - 4))


def test_a_window_leaves_out_what_nothing_refers_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_numbered(tmp_path / "a.mp4", options=B_FRAMES, count=90, gop=90)
    source = VideoFileSource(path)
    decoded: list[object] = []
    decode = ForwardPass._decoded
    monkeypatch.setattr(ForwardPass, "_decoded", lambda self, packet: decoded.append(packet) or decode(self, packet))
    assert [read_number(frame) for frame in source.frames([60, 64])] == [60, 64]
    assert len(decoded) < 45
    source.close()
    decoded.clear()
    # Frame by frame nothing may be missing that the next reading asks for.
    assert [read_number(source.frame(number)) for number in range(30)] == list(range(30))
    assert len(decoded) < 40
