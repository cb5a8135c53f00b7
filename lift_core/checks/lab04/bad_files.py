"""Lab 04: the exercise on a loader that names the bad frame."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lift_core.checks.exercise import Call, Exercise, Probe
from lift_core.checks.isolation import Raised
from lift_core.checks.quiet import libraries_silenced
from lift_core.errors import FrameReadError


def _load_frame(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as image:
            frame = np.asarray(image.convert("RGB"))
    except OSError as error:
        raise FrameReadError(f"the frame cannot be read: {error}", where=path) from error
    if frame.shape[:2] != tuple(size):
        raise FrameReadError(f"the frame is {frame.shape[:2]}, not {tuple(size)}", where=path)
    return frame


_HEIGHT, _WIDTH = 48, 72


def _load(candidate: Callable[..., Any], name: str, condition: str) -> Any:
    with tempfile.TemporaryDirectory() as folder, libraries_silenced():
        path = Path(folder) / name
        _write_frame(path, condition)
        return candidate(path, (_HEIGHT, _WIDTH))


def _write_frame(path: Path, condition: str) -> None:
    height, width = (_WIDTH, _HEIGHT) if condition == "turned on its side" else (_HEIGHT, _WIDTH)
    height += condition == "a row too high"
    width += condition == "a column too wide"
    y, x = np.mgrid[:height, :width]
    picture = np.stack([x * 3, y * 4, 255 - x - y], axis=-1).clip(0, 255).astype(np.uint8)
    if condition == "sound, its lower part black":
        picture[height // 2 :] = 0
    data = cv2.imencode(path.suffix, picture[..., ::-1])[1].tobytes()
    if condition != "missing":
        path.write_bytes(data[: len(data) * 3 // 5] if condition == "truncated" else data)


_NAMES_THE_FILE = "the error's text holds the file's name, for example im09.jpg"

load_frame = Exercise(
    "04.7",
    "load_frame",
    _load_frame,
    lambda: [
        Probe(f"{name} ({condition})", (name, condition))
        for name, condition in (
            *(("im07.jpg", "sound"), ("im08.png", "sound"), ("im11.png", "missing"), ("im12.jpg", "truncated")),
            *(("im13.png", "truncated"), ("im14.jpg", "a row too high"), ("im15.png", "a column too wide")),
            *(("im16.png", "turned on its side"), ("im17.jpg", "sound, its lower part black")),
        )
    ],
    contract=(
        "returns the frame as RGB uint8 [H, W, 3]",
        "a file that is missing, of another size than (H, W), or truncated so that part of the picture is missing"
        " raises a FrameReadError",
        _NAMES_THE_FILE,
    ),
    # Decoders of JPEG may differ by a level or two.
    atol=4,
    drive=_load,
)


@load_frame.prop(_NAMES_THE_FILE)
def _names_the_file(call: Call) -> str | None:
    if not isinstance(call.outcome, Raised) or call.probe.args[0] in str(call.outcome.error):
        return None
    return f"the error says {str(call.outcome.error).splitlines()[0]!r}"


def _decode_with_opencv(path: Path) -> NDArray[np.uint8]:
    image = cv2.imread(str(path))
    if image is None:
        raise FrameReadError("the frame cannot be read", where=path)
    return np.asarray(image[..., ::-1], np.uint8)


def _of_size(frame: NDArray[np.uint8], size: tuple[int, int], path: Path) -> NDArray[np.uint8]:
    if frame.shape[:2] != size:
        raise FrameReadError("the frame has another size", where=path)
    return frame


@load_frame.mistake(
    "OpenCV is believed",
    "OpenCV fills what a truncated JPEG lacks with grey and says nothing. Read the file with PIL, or look for the end"
    " marker FF D9.",
)
def _opencv_believed(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    return _of_size(_decode_with_opencv(path), size, path)


@load_frame.mistake(
    "the pixels are read outside the try",
    "PIL opens a file at once and reads its pixels late: convert to RGB and to an array inside the try.",
)
def _read_too_late(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    try:
        image = Image.open(path)
    except OSError as error:
        raise FrameReadError("the frame cannot be read", where=path) from error
    with image:
        return _of_size(np.asarray(image.convert("RGB")), size, path)


@load_frame.mistake("the size is not checked", "An odd frame breaks the batch later, where nobody knows its name.")
def _size_unchecked(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    return _load_frame(path, _actual_size(path, size))


@load_frame.mistake("an odd frame is resized", "A frame of another size is a mistake in the data. Say so.")
def _resized(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    frame = _load_frame(path, _actual_size(path, size))
    return np.asarray(cv2.resize(frame, size[::-1]), np.uint8)


@load_frame.mistake("red and blue are exchanged", "OpenCV reads blue first. Turn the last axis round.")
def _blue_first(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    return _load_frame(path, size)[..., ::-1]


@load_frame.mistake("height and width are exchanged", "The size is (H, W), as in a frame's shape. PIL says (W, H).")
def _width_first(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    return _load_frame(path, size[::-1])


@load_frame.mistake("the error does not say which file", "Give where=path to the error.")
def _nameless(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    try:
        return _load_frame(path, size)
    except FrameReadError:
        raise FrameReadError("a frame cannot be read") from None


@load_frame.mistake("the number of pixels is compared", "48 x 72 and 72 x 48 hold as many pixels. Compare both sides.")
def _pixels_counted(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    frame = _load_frame(path, _actual_size(path, size))
    if frame.shape[0] * frame.shape[1] != size[0] * size[1]:
        raise FrameReadError("the frame has another size", where=path)
    return frame


def _actual_size(path: Path, size: tuple[int, int]) -> tuple[int, int]:
    """The size that the file says it has; ``size`` where it cannot be asked."""
    try:
        with Image.open(path) as image:
            return image.size[1], image.size[0]
    except OSError:
        return size
