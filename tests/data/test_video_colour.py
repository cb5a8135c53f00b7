"""Colours of videos: within one level of the standards' formulas, whatever the matrix, range and pixel format."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from lift_core.data.source import Crop, scaled
from lift_core.data.video_colour import Matrix, Orientation, Range, RgbConverter, choose_colour, describe
from lift_core.data.video_file import VideoFileSource
from lift_core.errors import ConfigError
from tests.data.numbered_video import HEIGHT, WIDTH, numbered_frame, write_numbered


def flat_video(path: Path, planes: tuple[int, int, int], pixel_format: str, space: int, full: bool) -> Path:
    """A lossless video of one colour given as Y'CbCr numbers, tagged with code points of H.273 (2: untagged)."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"qp": "0"})
        stream.height, stream.width, stream.pix_fmt = 32, 32, pixel_format
        context = stream.codec_context
        context.colorspace, context.color_range = space, 2 if full else 1
        picture = av.VideoFrame(32, 32, pixel_format)
        for plane, value in zip(picture.planes, planes, strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def exact_rgb(
    planes: tuple[float, float, float] | list[NDArray[np.float64]], matrix: Matrix, colour_range: Range
) -> NDArray[np.float64]:
    """ITU-R BT.601/709/2020 in float64, from 8-bit levels or planes of them: ``[..., 3]``."""
    weights = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
    red, blue = weights[matrix]
    low, luma, chroma = (0, 255, 255) if colour_range == "full" else (16, 219, 224)
    y, cb, cr = (planes[0] - low) / luma, (planes[1] - 128) / chroma, (planes[2] - 128) / chroma
    r, b = y + 2 * (1 - red) * cr, y + 2 * (1 - blue) * cb
    g = (y - red * r - blue * b) / (1 - red - blue)
    return np.clip(255 * np.stack([r, g, b], axis=-1), 0, 255)


def waves(height: int, width: int, top: float) -> list[NDArray[np.float64]]:
    """Three smooth planes with values from about 30 to 220 of 255, in levels of 0 to ``top``, rounded."""
    y, x = np.mgrid[:height, :width]
    shapes = [
        np.sin(2 * np.pi * (x / width + phase)) * np.cos(2 * np.pi * (y / height + phase)) for phase in (0, 0.2, 0.5)
    ]
    return [
        np.rint((mid + swing * shape) * top / 255)
        for mid, swing, shape in zip((125, 128, 128), (85, 55, 45), shapes, strict=True)
    ]


def smooth_video(
    path: Path, pixel_format: str, space: int, full: bool, size: tuple[int, int]
) -> list[NDArray[np.float64]]:
    """Write one lossless picture of waves; returns its planes as 8-bit levels (with fractions, of 10 bits)."""
    ten = pixel_format.endswith("10le")
    kind, scale = (np.uint16, 4) if ten else (np.uint8, 1)
    picture = av.VideoFrame(size[1], size[0], pixel_format)
    planes = []
    for number, plane in enumerate(picture.planes):
        values = waves(plane.height, plane.width, 255 * scale)[number]
        rows = np.zeros((plane.height, plane.line_size // np.dtype(kind).itemsize), kind)
        rows[:, : plane.width] = values
        plane.update(rows.tobytes())
        planes.append(values / scale)
    with av.open(str(path), "w") as container:
        # Quantiser 0 is lossless at 8 bits; at 10 bits the option counts from -12.
        options = {"x264-params": "qp=0"}
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.height, stream.width, stream.pix_fmt = *size, pixel_format
        stream.codec_context.colorspace, stream.codec_context.color_range = space, 2 if full else 1
        container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return planes


def enlarged(plane: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
    """Chroma at every luma sample: linear, samples at the left column and between the rows, as H.264 lays them."""
    rows, columns = (np.arange(size[0]) + 0.5) / 2 - 0.5, np.arange(size[1]) / 2
    tall = np.stack([np.interp(rows, np.arange(plane.shape[0]), column) for column in plane.T], axis=1)
    return np.stack([np.interp(columns, np.arange(plane.shape[1]), row) for row in tall])


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p", "yuv420p10le", "yuv444p10le"])
@pytest.mark.parametrize(("matrix", "space"), [("bt601", 5), ("bt709", 1)])
@pytest.mark.parametrize("colour_range", ["limited", "full"])
def test_smooth_pictures_are_within_a_level_of_the_formula(
    pixel_format: str, matrix: Matrix, space: int, colour_range: Range, tmp_path: Path
) -> None:
    size = (64, 96)
    planes = smooth_video(tmp_path / "smooth.mp4", pixel_format, space, colour_range == "full", size)
    if "420" in pixel_format:
        planes[1:] = [enlarged(plane, size) for plane in planes[1:]]
    frame = VideoFileSource(tmp_path / "smooth.mp4").frame(0)
    error = frame - exact_rgb(planes, matrix, colour_range)
    assert np.abs(error).max() <= 1
    assert abs(error.mean()) < 0.05


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p"])
@pytest.mark.parametrize("planes", [(120, 100, 160), (200, 150, 110), (40, 120, 135)])
@pytest.mark.parametrize(("matrix", "space"), [("bt601", 5), ("bt709", 1), ("bt2020", 9)])
@pytest.mark.parametrize("colour_range", ["limited", "full"])
def test_colours_follow_the_tags(
    pixel_format: str, planes: tuple[int, int, int], matrix: Matrix, space: int, colour_range: Range, tmp_path: Path
) -> None:
    path = flat_video(tmp_path / "flat.mp4", planes, pixel_format, space, colour_range == "full")
    source = VideoFileSource(path)
    assert (source.colour.matrix, source.colour.range) == (matrix, colour_range)
    assert source.colour.matrix_tagged
    error = np.abs(source.frame(0) - exact_rgb(planes, matrix, colour_range))
    assert error.max() <= 1


def test_matrix_and_range_can_be_given(tmp_path: Path) -> None:
    planes = (120, 100, 160)
    path = flat_video(tmp_path / "flat.mp4", planes, "yuv444p", space=2, full=False)
    guessed = VideoFileSource(path)
    assert (guessed.colour.matrix, guessed.colour.matrix_tagged) == ("bt601", False)
    given = VideoFileSource(path, matrix="bt709", colour_range="full")
    assert np.abs(given.frame(0) - exact_rgb(planes, "bt709", "full")).max() <= 1
    with pytest.raises(ConfigError, match="bt709"):
        len(VideoFileSource(path, matrix="rec709"))  # type: ignore[arg-type]


def test_untagged_high_definition_is_bt709(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "hd.mp4", count=1, size=(720, 96))
    assert VideoFileSource(path).colour.matrix == "bt709"


@pytest.mark.parametrize(("rotation", "turns"), [(90, 1), (180, 2), (-90, 3)])
def test_rotation_is_applied(tmp_path: Path, rotation: int, turns: int) -> None:
    plain = VideoFileSource(write_numbered(tmp_path / "upright.mp4", count=3))
    turned = VideoFileSource(write_numbered(tmp_path / f"turned_{turns}.mp4", count=3, rotation=rotation))
    assert turned.size == ((WIDTH, HEIGHT) if turns % 2 else (HEIGHT, WIDTH))
    assert np.array_equal(turned.frame(1), np.rot90(plain.frame(1), k=turns))
    crop = Crop(2, 3, 20, 25)
    assert np.array_equal(turned.frames([1], crop=crop)[0], crop.apply(turned.frame(1)))


def test_an_orientation_transposes_then_mirrors() -> None:
    image = numbered_frame(5)
    assert np.array_equal(Orientation(mirror_columns=True).apply(image), image[:, ::-1])
    assert np.array_equal(Orientation(transpose=True, mirror_columns=True).apply(image), np.rot90(image, k=-1))


@pytest.mark.parametrize("size", [(45, 80), (37, 51), (30, 53), (200, 250), (12, 400), (112, 112)])
@pytest.mark.parametrize("orientation", [Orientation(), Orientation(True, True, False), Orientation(False, True, True)])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p"])
def test_scaling_plane_by_plane_gives_the_pixels_of_scaling_the_picture(
    size: tuple[int, int], orientation: Orientation, pixel_format: str
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (104, 176, 3), dtype=np.uint8)
    picture = av.VideoFrame.from_ndarray(noise, format="rgb24").reformat(format=pixel_format)
    convert = RgbConverter(choose_colour(describe(picture), None, None), orientation)
    crop = Crop(3, 5, 90, 98) if orientation.transpose else Crop(3, 5, 90, 160)
    whole, small = np.empty((crop.height, crop.width, 3), np.uint8), np.empty((*size, 3), np.uint8)
    convert(picture, crop, whole)
    convert(picture, crop, small)
    assert np.array_equal(small, scaled(whole, size))
