"""The same files through torchcodec, where it is installed: which kinds it reads, and that the frames are ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lift_core.benchmarks.video_readers import torchcodec, torchcodec_decoder, torchcodec_missing
from lift_core.data.video_file import VideoFileSource
from tests.data.numbered_video import read_number
from tests.data.video_corpus import COUNT, FILES

pytestmark = pytest.mark.skipif(torchcodec_decoder is None, reason=f"torchcodec is not there: {torchcodec_missing}")

# What BENCHMARKS.md says of torchcodec 0.13, and why it is no backend.
REFUSED = {
    *("mpeg_ts", "mpeg_ts_open_groups", "hevc_ts", "times_wrap_ts", "program_stream"),
    *("avi_without_times", "mpeg4_avi", "bare_h264", "bare_hevc", "gradual_refresh", "interlaced"),
}


@pytest.mark.parametrize("kind", FILES)
def test_every_kind_but_those_it_refuses_is_read_alike(kind: str, build: Callable[[str], Path]) -> None:
    path = build(kind)
    if kind in REFUSED:
        with pytest.raises((RuntimeError, ValueError, IndexError)):
            torchcodec(path)(range(COUNT))
        return
    frames = torchcodec(path)(range(COUNT))
    assert [read_number(frame) for frame in frames] == list(range(COUNT))
    assert np.abs(frames.astype(int) - VideoFileSource(path).frames(range(COUNT))).mean() < 4
