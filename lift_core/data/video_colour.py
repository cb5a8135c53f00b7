"""From a decoded picture to RGB as it is displayed: colour matrix, range and orientation."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, cast, get_args

import av
import cv2
import numpy as np
from av.sidedata.sidedata import SideData
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from numpy.typing import NDArray

from lift_core.data.source import Crop, scaled
from lift_core.data.video_crop import PictureCutter
from lift_core.errors import ConfigError

Matrix = Literal["bt601", "bt709", "bt2020", "smpte240m"]
Range = Literal["limited", "full"]

# Code points of ITU-T H.273, which containers and codecs use.
_MATRIX_OF_CODE: dict[int, Matrix] = {
    1: "bt709",
    4: "bt601",
    5: "bt601",
    6: "bt601",
    7: "smpte240m",
    9: "bt2020",
    10: "bt2020",
}
_CODE_OF_MATRIX: dict[Matrix, int] = {"bt709": 1, "bt601": 5, "smpte240m": 7, "bt2020": 9}
_RANGES: dict[int, Range] = {1: "limited", 2: "full"}
_HD_HEIGHT = 720
_ACCURATE = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT


@dataclass(frozen=True)
class Colour:
    """How the numbers of a video's planes mean colours.

    Attributes:
        matrix: from Y'CbCr to R'G'B'.
        range: limited (luma 16–235) or full (0–255).
        matrix_tagged, range_tagged: the file says so; False where it was set or guessed.
        primaries, transfer: code points of ITU-T H.273 for keeping (2 is unspecified); pixels are not changed by them.
    """

    matrix: Matrix
    range: Range
    matrix_tagged: bool
    range_tagged: bool
    primaries: int
    transfer: int


@dataclass(frozen=True)
class Orientation:
    """How a stored picture is turned for display: transposed first, then mirrored."""

    transpose: bool = False
    mirror_columns: bool = False
    mirror_rows: bool = False

    def apply(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn ``[H, W, 3]`` or ``[H, W]``; a view, not a copy."""
        turned = image.swapaxes(0, 1) if self.transpose else image
        return turned[:: -1 if self.mirror_rows else 1, :: -1 if self.mirror_columns else 1]

    def displayed_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of a stored picture of that height and width when it is displayed."""
        return (width, height) if self.transpose else (height, width)

    def stored(self, crop: Crop, height: int, width: int) -> Crop:
        """Where a rectangle of the displayed picture lies in the stored one of that height and width."""
        rows, columns = self.displayed_size(height, width)
        top = rows - crop.top - crop.height if self.mirror_rows else crop.top
        left = columns - crop.left - crop.width if self.mirror_columns else crop.left
        if self.transpose:
            return Crop(left, top, crop.width, crop.height)
        return Crop(top, left, crop.height, crop.width)


@dataclass(frozen=True)
class StoredPictures:
    """How a video's pictures are stored, as its first one says.

    Attributes:
        height, width: in pixels, before they are turned for display.
        pixel_format: FFmpeg's name of it.
        matrix, range, primaries, transfer: code points of ITU-T H.273, range as FFmpeg counts it; 2 and 0: no tag.
        orientation: how they are turned.
    """

    height: int
    width: int
    pixel_format: str
    matrix: int
    range: int
    primaries: int
    transfer: int
    orientation: Orientation

    @property
    def displayed_size(self) -> tuple[int, int]:
        """Height and width as displayed."""
        return self.orientation.displayed_size(self.height, self.width)


def describe(picture: av.VideoFrame) -> StoredPictures:
    """Read how a picture is stored."""
    return StoredPictures(
        height=picture.height,
        width=picture.width,
        pixel_format=picture.format.name,
        matrix=int(picture.colorspace),
        range=int(picture.color_range),
        primaries=int(picture.color_primaries),
        transfer=int(picture.color_trc),
        orientation=read_orientation(picture),
    )


def choose_colour(stored: StoredPictures, matrix: Matrix | None, colour_range: Range | None) -> Colour:
    """What the pictures' tags say, overruled by ``matrix`` and ``colour_range`` where they are given.

    Without a tag and an argument: BT.709 from 720 stored rows on, BT.601 below; full range for the pixel formats that
    are defined so (``yuvj…``), limited for all others.

    Raises:
        ConfigError: an unknown name.
    """
    _check_choice("matrix", matrix, get_args(Matrix))
    _check_choice("colour_range", colour_range, get_args(Range))
    tagged_matrix = _MATRIX_OF_CODE.get(stored.matrix)
    tagged_range = _RANGES.get(stored.range)
    guessed_matrix: Matrix = "bt709" if stored.height >= _HD_HEIGHT else "bt601"
    guessed_range: Range = "full" if stored.pixel_format.startswith("yuvj") else "limited"
    return Colour(
        matrix=matrix or tagged_matrix or guessed_matrix,
        range=colour_range or tagged_range or guessed_range,
        matrix_tagged=matrix is None and tagged_matrix is not None,
        range_tagged=colour_range is None and tagged_range is not None,
        primaries=stored.primaries,
        transfer=stored.transfer,
    )


def _check_choice(option: str, value: str | None, choices: tuple[str, ...]) -> None:
    if value is not None and value not in choices:
        raise ConfigError(f"{option} {value!r} is not known", fix=f"Choose one of {', '.join(choices)}.")


def read_orientation(picture: av.VideoFrame) -> Orientation:
    """The display matrix of the file, taken to the nearest of its eight right-angled orientations."""
    for side_data in cast("Iterable[SideData]", picture.side_data):
        if side_data.type.name == "DISPLAYMATRIX":
            # Rows of the matrix map stored x and y: x' = a x + c y, y' = b x + d y.
            a, b, _, c, d = struct.unpack("<5i", bytes(side_data)[:20])
            if abs(a) + abs(d) >= abs(b) + abs(c):
                return Orientation(False, mirror_columns=a < 0, mirror_rows=d < 0)
            return Orientation(True, mirror_columns=c < 0, mirror_rows=b < 0)
    return Orientation()


class RgbConverter:
    """Converts decoded pictures of any pixel format to displayed RGB.

    libswscale's accurate path with full chroma interpolation: within one level of the exact formula, where its default
    is up to four levels off, and one too dark on average. Planar output, because its packed one takes twice as long.
    """

    def __init__(self, colour: Colour, orientation: Orientation) -> None:
        self._matrix = _CODE_OF_MATRIX[colour.matrix]
        self._range = ColorRange.JPEG if colour.range == "full" else ColorRange.MPEG
        self._orientation = orientation
        self._reformatter = VideoReformatter()
        self._cut = PictureCutter()

    def __call__(self, picture: av.VideoFrame, crop: Crop, out: NDArray[np.uint8]) -> None:
        """Write the rectangle ``crop`` of the picture as displayed to ``out``.

        Args:
            picture: of any pixel format.
            crop: inside the displayed picture.
            out: becomes RGB; uint8 ``[H, W, 3]``, contiguous. Another size than the rectangle's: see `scaled`.
        """
        part, stored = self._cut(picture, self._orientation.stored(crop, picture.height, picture.width))
        planar = self._reformatter.reformat(
            part,
            format="gbrp",
            src_colorspace=self._matrix,
            dst_colorspace=self._matrix,
            src_color_range=self._range,
            dst_color_range=ColorRange.JPEG,
            interpolation=_ACCURATE,
            threads=1,
        )
        green, blue, red = (stored.apply(_pixels(plane)) for plane in planar.planes)
        height, width, _ = out.shape
        if (height, width) != (crop.height, crop.width):
            # Scaled one by one the planes give the same pixels, and no whole picture is put together.
            turned = (self._orientation.apply(plane) for plane in (red, green, blue))
            cv2.merge([scaled(plane, (height, width)) for plane in turned], out)
        elif self._orientation == Orientation():
            cv2.merge([red, green, blue], out)
        else:
            out[:] = self._orientation.apply(np.asarray(cv2.merge([red, green, blue]), np.uint8))


def _pixels(plane: VideoPlane) -> NDArray[np.uint8]:
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width]
