"""JPEG decoding: the same pixels by either decoder, every kind of JPEG, orientation, and damage as an error."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from lift_core.data import image_decoding
from lift_core.data.image_decoding import decode_rgb, size_of
from lift_core.data.jpeg_orientation import jpeg_orientation

HEIGHT, WIDTH = 40, 56


def picture(seed: int = 0) -> NDArray[np.uint8]:
    """Smooth colour with some noise: what JPEG keeps well, and no two rows alike."""
    noise = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 2.0), np.uint8)


def jpeg(image: Image.Image | NDArray[np.uint8], **options: object) -> bytes:
    stored = io.BytesIO()
    made = image if isinstance(image, Image.Image) else Image.fromarray(image)
    made.save(stored, "JPEG", **{"quality": 95, **options})
    return stored.getvalue()


def reference(data: bytes) -> NDArray[np.int64]:
    """What Pillow shows: upright RGB."""
    shown = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    return np.asarray(shown.convert("RGB")).astype(np.int64)


@pytest.fixture(params=["simplejpeg", "opencv"])
def decoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "opencv":
        monkeypatch.setattr(image_decoding, "simplejpeg", None)
    return str(request.param)


KINDS = {
    "4:2:0": {"subsampling": 2},
    "4:2:2": {"subsampling": 1},
    "4:4:4": {"subsampling": 0},
    "progressive": {"progressive": True},
    "restart markers": {"restart_marker_blocks": 2},
}


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_are_those_of_another_decoder_within_one_level(kind: str, decoder: str) -> None:
    data = jpeg(picture(), **KINDS[kind])
    assert np.abs(decode_rgb(data) - reference(data)).max() <= 1


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_cmyk_become_rgb(mode: str, decoder: str) -> None:
    data = jpeg(Image.fromarray(picture()).convert(mode))
    image = decode_rgb(data)
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(image - reference(data)).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_a_camera_notes_is_applied(orientation: int, decoder: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    exif[0x0112] = orientation
    data = jpeg(picture(), exif=exif)
    assert jpeg_orientation(data) == orientation
    image = decode_rgb(data)
    assert image.flags.c_contiguous
    assert np.abs(image - reference(data)).max() <= 1


@pytest.mark.parametrize("order", [b"II", b"MM"])
def test_a_note_may_have_either_byte_order_and_may_be_cut_short(order: bytes) -> None:
    letter = "little" if order == b"II" else "big"

    def number(value: int, size: int) -> bytes:
        return value.to_bytes(size, letter)  # type: ignore[arg-type]

    entry = number(0x0112, 2) + number(3, 2) + number(1, 4) + number(6, 2) + bytes(2)
    tiff = order + number(42, 2) + number(8, 4) + number(1, 2) + entry
    for note, expected in ((tiff, 6), (tiff[:-8], 1), (tiff[:5], 1), (b"", 1)):
        body = b"Exif\0\0" + note
        data = jpeg(picture())
        assert (
            jpeg_orientation(data[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + data[2:]) == expected
        )


def test_a_picture_is_written_where_it_is_asked_for_when_it_fits(decoder: str) -> None:
    data = jpeg(picture())
    clip = np.zeros((3, HEIGHT, WIDTH, 3), np.uint8)
    assert np.shares_memory(decode_rgb(data, clip[1]), clip)
    assert np.array_equal(clip[1], decode_rgb(data))
    assert not clip[0].any()
    assert not clip[2].any()
    small = np.zeros((HEIGHT - 1, WIDTH, 3), np.uint8)
    assert decode_rgb(data, small).shape == (HEIGHT, WIDTH, 3)
    assert not small.any()


def test_a_turned_picture_is_written_where_it_is_asked_for(decoder: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = jpeg(picture(), exif=exif)
    out = np.zeros((WIDTH, HEIGHT, 3), np.uint8)
    assert decode_rgb(data, out) is out
    assert np.abs(out - reference(data)).max() <= 1


@pytest.mark.parametrize("keep", [1, 2, 30, 0.3, 0.6, 0.95, -2, -1])
@pytest.mark.parametrize("kind", ["4:2:0", "progressive"])
def test_a_truncated_file_is_an_error(keep: float, kind: str, decoder: str) -> None:
    data = jpeg(picture(), **KINDS[kind])
    cut = data[: int(keep * len(data)) if isinstance(keep, float) else keep]
    with pytest.raises(ValueError, match=r"truncated|damaged"):
        decode_rgb(cut)


def test_a_hole_in_the_middle_that_the_decoder_can_tell_is_an_error() -> None:
    pytest.importorskip("simplejpeg", reason="OpenCV says nothing of damage within a scan")
    data = jpeg(picture())
    middle = len(data) * 3 // 4
    assert data[middle:].count(b"\xff\xd9") == 1
    with pytest.raises(ValueError, match="damaged JPEG"):
        decode_rgb(data[:middle] + data[middle + 300 :])
    with pytest.raises(ValueError, match="damaged JPEG"):
        decode_rgb(data[:middle] + b"\xff\x54" + data[middle + 2 :])


def test_what_follows_the_end_of_a_picture_is_not_looked_at(decoder: str) -> None:
    data = jpeg(picture())
    assert np.array_equal(decode_rgb(data + b"maker's notes"), decode_rgb(data))


def test_a_header_that_promises_too_many_pixels_is_an_error(decoder: str) -> None:
    data = bytearray(jpeg(picture()))
    size = data.index(b"\xff\xc0") + 5
    data[size : size + 4] = (65_000).to_bytes(2, "big") * 2
    with pytest.raises(ValueError, match=r"too many|refuses"):
        decode_rgb(bytes(data))


def test_the_size_is_told_without_decoding_and_as_a_viewer_shows_it(decoder: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    turned = io.BytesIO()
    Image.fromarray(picture()).save(turned, "PNG", exif=exif)
    grey_png = cv2.imencode(".png", picture()[..., 0])[1].tobytes()
    for data in (jpeg(picture()), jpeg(picture(), exif=exif), turned.getvalue(), grey_png):
        assert size_of(data) == decode_rgb(data).shape[:2]
    for data in (b"", b"text", jpeg(picture())[:50]):
        with pytest.raises(ValueError, match=r"."):
            size_of(data)
