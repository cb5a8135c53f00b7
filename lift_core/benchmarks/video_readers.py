"""Ways to read frames of a video file, to be measured beside each other; light, for processes of their own."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from lift_core.data.video_file import VideoFileSource

Reader = Callable[[Sequence[int]], NDArray[np.uint8]]


def read(path: Path, indices: Sequence[int], size: tuple[int, int] | None) -> NDArray[np.uint8]:
    """Read frames of a video file that is opened for it; another process can be asked for this."""
    return VideoFileSource(path).frames(indices, size=size)


def read_with_torchcodec(path: Path, indices: Sequence[int]) -> NDArray[np.uint8]:
    """The same with torchcodec."""
    return torchcodec(path)(indices)


def read_each_twice(paths: Sequence[Path], indices: Sequence[int]) -> None:
    """Read the same frames of each file, in two rounds, and keep what was opened."""
    _in_two_rounds([VideoFileSource(path).frames for path in paths], indices)


def read_each_twice_with_torchcodec(paths: Sequence[Path], indices: Sequence[int]) -> None:
    """The same with torchcodec."""
    _in_two_rounds([torchcodec(path) for path in paths], indices)


def _in_two_rounds(readers: Sequence[Reader], indices: Sequence[int]) -> None:
    for _ in range(2):
        for reader in readers:
            reader(indices)


def seeking_for_each(path: Path) -> Reader:
    """PyAV with one seek for each frame, exact where pictures are reordered by four at most."""
    container = av.open(str(path))
    stream = container.streams.video[0]
    stream.codec_context.thread_count = 1
    times = VideoFileSource(path).pts
    assert times is not None
    # A key frame's decoding time may lie before pictures that are shown before it.
    margin = 4 * int(times[1] - times[0])

    def read_one(index: int) -> NDArray[np.uint8]:
        container.seek(max(int(times[index]) - margin, 0), stream=stream)
        picture = next(picture for picture in container.decode(stream) if picture.pts == times[index])
        return np.asarray(picture.to_ndarray(format="rgb24"), np.uint8)

    return lambda indices: np.stack([read_one(index) for index in indices])


def opencv(path: Path) -> Reader:
    """OpenCV with one seek for a window."""
    capture = cv2.VideoCapture(str(path))

    def read(indices: Sequence[int]) -> NDArray[np.uint8]:
        capture.set(cv2.CAP_PROP_POS_FRAMES, indices[0])
        frames = []
        for index in range(indices[0], indices[-1] + 1):
            capture.grab()
            if index in indices:
                frames.append(cv2.cvtColor(capture.retrieve()[1], cv2.COLOR_BGR2RGB))
        return np.asarray(np.stack(frames), np.uint8)

    return read


def torchcodec(path: Path) -> Reader:
    """torchcodec in its exact mode, which indexes the file when it is opened."""
    assert torchcodec_decoder is not None
    decoder = torchcodec_decoder(str(path), seek_mode="exact", num_ffmpeg_threads=1, dimension_order="NHWC")
    return lambda indices: np.asarray(decoder.get_frames_at(list(indices)).data.numpy())


def _find_torchcodec() -> tuple[Callable[..., Any] | None, str]:
    try:
        return importlib.import_module("torchcodec.decoders").VideoDecoder, ""
    except (ImportError, OSError, RuntimeError) as error:
        return None, str(error).partition("\n")[0]


# Looked for here, so that a measured process has loaded it before it is measured.
torchcodec_decoder, torchcodec_missing = _find_torchcodec()
