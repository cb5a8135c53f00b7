"""Videos for tests, with chosen times, tags and sound, and what FFmpeg finds in those that were made of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from lift_core.data.procedural import ClipConfig, ProceduralClip
from tests.conftest import needs_program

Image = NDArray[np.uint8]


def moving(count: int, height: int = 48, width: int = 64, speed: float = 2.0, **settings: int) -> list[Image]:
    """Frames without fine detail, which 4:2:0 and the encoder would not keep."""
    clip = ProceduralClip(ClipConfig(frames=count, height=height, width=width, max_speed=speed, **settings))
    return [cv2.GaussianBlur(image, (0, 0), 2.0) for image in clip.frames(range(count))]


def write_clip(
    path: Path,
    images: Sequence[Image],
    *,
    pts: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 600),
    last_duration: int = 20,
    audio_seconds: float = 0,
    tags: tuple[int, int, int, int] = (1, 1, 1, 1),
    aspect: Fraction = Fraction(1),
    rotation: int = 0,
) -> Path:
    """H.264 with chosen times and tags (matrix, primaries, transfer, range), and perhaps a tone as AAC."""
    times = [20 * k for k in range(len(images))] if pts is None else list(pts)
    matrix = Colorspace.ITU601 if tags[0] in (2, 5, 6) else Colorspace.ITU709
    colour_range = ColorRange.JPEG if tags[3] == 2 else ColorRange.MPEG
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "4", "bf": "0", "preset": "veryfast"})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv444p"
        context = stream.codec_context
        stream.time_base = context.time_base = time_base
        context.colorspace, context.color_primaries, context.color_trc, context.color_range = tags
        context.sample_aspect_ratio = aspect
        stream.set_display_rotation(rotation)
        tone = container.add_stream("aac", rate=48000, layout="mono") if audio_seconds else None
        ends = [*times[1:], times[-1] + last_duration]
        durations = {time: end - time for time, end in zip(times, ends, strict=True)}
        for image, time in [*zip(images, times, strict=True), (None, 0)]:
            frame = None
            if image is not None:
                frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(
                    format="yuv444p",
                    src_colorspace=matrix,
                    dst_colorspace=matrix,
                    src_color_range=ColorRange.JPEG,
                    dst_color_range=colour_range,
                )
                frame.pts, frame.time_base = time, time_base
            for packet in stream.encode(frame):
                packet.duration = durations[packet.pts]
                container.mux(packet)
        if tone is not None:
            add_tone(container, tone, audio_seconds)
    return path


def add_tone(container: av.container.OutputContainer, stream: av.AudioStream, seconds: float) -> None:
    samples = np.sin(np.arange(int(48000 * seconds)) * 0.05).astype(np.float32)[None]
    for start in range(0, samples.shape[1], 1024):
        frame = av.AudioFrame.from_ndarray(samples[:, start : start + 1024].copy(), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def shown_times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return sorted(p.pts * stream.time_base for p in container.demux(stream) if p.pts is not None)


def audio_packets(path: Path) -> list[tuple[Fraction, bytes]]:
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        return [(p.pts * stream.time_base, bytes(p)) for p in container.demux(stream) if p.pts is not None]


def probed(path: Path, entries: str) -> dict[str, object]:
    command = [needs_program("ffprobe"), "-v", "error", "-of", "json", "-show_entries", entries, str(path)]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def write_avi(path: Path, images: Sequence[Image], title: str = "", audio: str = "") -> Path:
    with av.open(str(path), "w") as container:
        container.metadata["title"] = title
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width = images[0].shape[:2]
        tone = container.add_stream(audio, rate=44100, layout="mono", bit_rate=64000) if audio else None
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
        if tone is not None:
            add_tone(container, tone, 0.1)
    return path
