"""Numbered videos of many kinds: containers, codecs, groups of pictures, times, pixel formats."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np

from tests.data.numbered_video import write_numbered

COUNT = 60
B_FRAMES = {"x264-params": "bframes=3:b-adapt=0:scenecut=0"}
OPEN_GROUPS = {"x264-params": "bframes=3:b-adapt=0:scenecut=0:open-gop=1"}
FAST_AV1 = {"preset": "12", "svtav1-params": "keyint=12"}
FAST_VP9 = {"deadline": "realtime", "cpu-used": "8"}
UNEVEN = [int(time) for time in np.cumsum(np.random.default_rng(0).integers(5, 120, COUNT))]
MILLISECONDS = Fraction(1, 1000)

Builder = Callable[[Path], Path]

FILES: dict[str, Builder] = {
    "short_groups": lambda d: write_numbered(d / "a.mp4", options=B_FRAMES),
    "one_group": lambda d: write_numbered(d / "b.mp4", options=B_FRAMES, gop=250),
    "no_b_frames": lambda d: write_numbered(d / "c.mp4", options={"x264-params": "bframes=0"}),
    "all_key_frames": lambda d: write_numbered(d / "d.mp4", gop=1),
    "open_groups": lambda d: write_numbered(d / "e.mkv", options=OPEN_GROUPS),
    "non_zero_start": lambda d: write_numbered(d / "f.mp4", options=B_FRAMES, times=[n + 250 for n in range(COUNT)]),
    "variable_rate_mp4": lambda d: write_numbered(d / "g.mp4", options=B_FRAMES, times=UNEVEN, time_base=MILLISECONDS),
    "variable_rate_offset_mkv": lambda d: write_numbered(
        d / "h.mkv", options=B_FRAMES, times=[time + 777 for time in UNEVEN], time_base=MILLISECONDS
    ),
    "mpeg_ts": lambda d: write_numbered(d / "i.ts", options=B_FRAMES),
    "mpeg_ts_open_groups": lambda d: write_numbered(d / "j.ts", options=OPEN_GROUPS),
    "gradual_refresh": lambda d: write_numbered(d / "k.ts", options={"x264-params": "intra-refresh=1:keyint=12"}),
    "program_stream": lambda d: write_numbered(d / "l.mpg", codec="mpeg2video", options={"bf": "2"}),
    "hevc_open_groups": lambda d: write_numbered(
        d / "m.mp4", codec="libx265", options={"x265-params": "log-level=none:open-gop=1:keyint=12:bframes=3"}
    ),
    "ten_bit": lambda d: write_numbered(
        d / "n.mkv", codec="libx265", pixel_format="yuv420p10le", options={"x265-params": "log-level=none"}
    ),
    "vp9": lambda d: write_numbered(
        d / "o.webm", codec="libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"}
    ),
    "vp8": lambda d: write_numbered(d / "p.webm", codec="libvpx", options={"deadline": "realtime"}),
    "odd_size_420": lambda d: write_numbered(d / "q.webm", codec="libvpx-vp9", size=(49, 81), options=FAST_VP9),
    "odd_size_444": lambda d: write_numbered(d / "r.mp4", size=(49, 81), pixel_format="yuv444p", options=B_FRAMES),
    "avi_without_times": lambda d: write_numbered(d / "s.avi", options=B_FRAMES),
    "bare_h264": lambda d: write_numbered(d / "t.h264", options=B_FRAMES),
    "mpeg4_avi": lambda d: write_numbered(d / "u.avi", codec="mpeg4", options={"bf": "2"}),
    "av1": lambda d: write_numbered(d / "v.mp4", codec="libsvtav1", size=(64, 80), options=FAST_AV1),
    "av1_mkv": lambda d: write_numbered(d / "w.mkv", codec="libsvtav1", size=(64, 80), options=FAST_AV1, gop=250),
    "vp9_hidden_references": lambda d: write_numbered(
        d / "x.webm",
        codec="libvpx-vp9",
        gop=30,
        options={"deadline": "good", "cpu-used": "5", "auto-alt-ref": "1", "lag-in-frames": "16"},
    ),
    "ivf": lambda d: write_numbered(d / "y.ivf", codec="libvpx-vp9", options=FAST_VP9),
    "ten_bit_h264": lambda d: write_numbered(d / "z.mp4", pixel_format="yuv420p10le", options=B_FRAMES),
    "ten_bit_444": lambda d: write_numbered(
        d / "aa.mp4", codec="libx265", pixel_format="yuv444p10le", options={"x265-params": "log-level=none"}
    ),
    "422": lambda d: write_numbered(d / "ab.mp4", pixel_format="yuv422p", options=B_FRAMES),
    "rgb": lambda d: write_numbered(d / "ac.mkv", codec="ffv1", pixel_format="bgr0"),
    "full_range_mjpeg": lambda d: write_numbered(d / "ad.avi", codec="mjpeg", pixel_format="yuvj420p"),
    "flash": lambda d: write_numbered(d / "ae.flv", options=B_FRAMES),
    "fragmented_mp4": lambda d: write_numbered(
        d / "af.mp4", options=B_FRAMES, container_options={"movflags": "frag_keyframe+empty_moov"}
    ),
    "mkv_without_cues": lambda d: write_numbered(d / "ag.mkv", options=B_FRAMES, container_options={"live": "1"}),
    "b_pyramid_open_groups": lambda d: write_numbered(
        d / "ah.mkv",
        gop=30,
        options={"x264-params": "bframes=8:b-adapt=0:b-pyramid=normal:open-gop=1:scenecut=0"},
    ),
    "interlaced": lambda d: write_numbered(
        d / "ai.ts", size=(64, 80), options={"x264-params": "tff=1:bframes=3:b-adapt=0"}
    ),
    "times_wrap_ts": lambda d: write_numbered(
        d / "aj.ts",
        options=B_FRAMES,
        times=[2**33 - 90000 + 3600 * n for n in range(COUNT)],
        time_base=Fraction(1, 90000),
        container_options={"mpegts_copyts": "1"},
    ),
    "hevc_ts": lambda d: write_numbered(
        d / "ak.ts", codec="libx265", options={"x265-params": "log-level=none:open-gop=1:keyint=12:bframes=3"}
    ),
    "bare_hevc": lambda d: write_numbered(
        d / "al.hevc", codec="libx265", options={"x265-params": "log-level=none:keyint=12"}
    ),
    "nut": lambda d: write_numbered(d / "am.nut", options=B_FRAMES),
}
