"""Image folders: order, names, sizes, conversions, and every kind of bad file as a named error."""

from __future__ import annotations

import io
import pickle
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lift_core.data.clip_writer import write_sequence
from lift_core.data.image_decoding import decode_rgb
from lift_core.data.image_folder import ImageFilesSource, ImageFolderSource
from lift_core.data.source import Crop
from lift_core.errors import ConfigError, FrameReadError, SourceError

HEIGHT, WIDTH = 20, 30


def numbered_frame(number: int) -> NDArray[np.uint8]:
    """A smooth picture that JPEG keeps well and that no other number shares."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([3 * x + number, 5 * y + 2 * number, 100 + x + y - number], axis=-1).astype(np.uint8)


def write_png(path: Path, number: int) -> None:
    assert cv2.imwrite(str(path), numbered_frame(number)[..., ::-1])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_sequence(tmp_path / "clip", [numbered_frame(n) for n in range(8)], 8)
    return tmp_path / "clip"


def test_frames_come_in_the_order_asked_and_may_repeat(folder: Path) -> None:
    source = ImageFolderSource(folder)
    frames = source.frames([5, 0, 5, 7])
    assert len(source) == 8
    assert source.size == (HEIGHT, WIDTH)
    assert source.timestamps is None
    for frame, number in zip(frames, (5, 0, 5, 7), strict=True):
        assert np.array_equal(frame, numbered_frame(number))


def test_the_crop_is_cut_and_the_array_contiguous(folder: Path) -> None:
    crop = Crop(3, 4, 10, 12)
    frames = ImageFolderSource(folder).frames([2, 1], crop=crop)
    assert frames.flags.c_contiguous
    assert np.array_equal(frames[0], numbered_frame(2)[3:13, 4:16])
    with pytest.raises(ConfigError, match="reaches beyond"):
        ImageFolderSource(folder).frames([0], crop=Crop(15, 0, 10, 10))


def test_no_indices_give_no_frames(folder: Path) -> None:
    assert ImageFolderSource(folder).frames([]).shape == (0, HEIGHT, WIDTH, 3)


def test_the_name_is_the_path_with_forward_slashes(folder: Path) -> None:
    assert ImageFolderSource(str(folder)).name == folder.as_posix()


@pytest.mark.parametrize(
    "names",
    [
        ["im1.png", "im2.png", "im10.png", "im11.png"],
        ["0000.png", "0010.png", "0020.png", "0030.png"],
        ["a2.png", "a10.png", "b1.png", "c.png"],
        ["f98.png", "f99.png", "f100.png", "f101.png"],
        ["1403636579763555584.png", "1403636579813555456.png", "1403636579863555584.png", "1403636579913555456.png"],
    ],
)
def test_order_is_natural(tmp_path: Path, names: list[str]) -> None:
    for number, name in reversed(list(enumerate(names))):
        write_png(tmp_path / name, number)
    source = ImageFolderSource(tmp_path)
    assert len(source) == 4
    assert [source.path_of(index).name for index in range(4)] == names
    assert np.array_equal(source.frame(2), numbered_frame(2))


def test_other_files_are_left_alone(folder: Path) -> None:
    (folder / "notes.txt").write_text("not a frame")
    (folder / ".im08.png").write_bytes(b"half written")
    assert len(ImageFolderSource(folder)) == 8


def test_jpeg_frames_are_close_to_what_was_written(tmp_path: Path) -> None:
    write_sequence(tmp_path / "clip", [numbered_frame(n) for n in range(3)], 3, image_format="jpg")
    frame = ImageFolderSource(tmp_path / "clip").frame(1)
    assert np.abs(frame.astype(int) - numbered_frame(1)).mean() < 3


def test_a_hole_in_the_numbers_keeps_its_place_and_is_named(folder: Path) -> None:
    (folder / "im02.png").unlink()
    source = ImageFolderSource(folder)
    assert len(source) == 8
    assert np.array_equal(source.frame(3), numbered_frame(3))
    with pytest.raises(FrameReadError, match=r"frame 2 is missing.*im02\.png"):
        source.frames([1, 2, 3])


def test_two_files_with_one_number_are_refused(folder: Path) -> None:
    (folder / "im03.jpg").write_bytes((folder / "im03.png").read_bytes())
    with pytest.raises(SourceError, match=r"im03\.jpg and im03\.png"):
        ImageFolderSource(folder)


@pytest.mark.parametrize("index", [-1, 8])
def test_a_frame_out_of_range_is_named(folder: Path, index: int) -> None:
    with pytest.raises(FrameReadError, match=f"frame {index} of a clip of 8"):
        ImageFolderSource(folder).frames([index])


def test_a_frame_of_another_size_is_named(folder: Path) -> None:
    cv2.imwrite(str(folder / "im04.png"), np.zeros((HEIGHT, WIDTH + 2, 3), np.uint8))
    with pytest.raises(FrameReadError, match=r"frame 4 is 20x32, but frame 0 is 20x30.*im04\.png"):
        ImageFolderSource(folder).frames([0, 4])


def test_folders_without_frames_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no PNG or JPEG"):
        ImageFolderSource(tmp_path)
    with pytest.raises(SourceError, match="cannot list"):
        ImageFolderSource(tmp_path / "absent")


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("keep", [0, 1, 0.2, 0.5, 0.9, -2, -1])
def test_truncated_files_are_errors_never_grey_pictures(tmp_path: Path, suffix: str, keep: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    write_sequence(tmp_path / "clip", [noise, noise], 2, image_format=suffix)  # type: ignore[arg-type]
    path = tmp_path / "clip" / f"im01.{suffix}"
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data)) if isinstance(keep, float) else keep])
    with pytest.raises(FrameReadError, match=f"frame 1.*im01.{suffix}"):
        ImageFolderSource(tmp_path / "clip").frames([0, 1])


def test_a_jpeg_whose_tail_was_never_written_is_an_error(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = cv2.imencode(".jpg", noise)[1].tobytes()
    half = data[: len(data) // 2] + bytes(len(data) - len(data) // 2)
    with pytest.raises(ValueError, match="truncated"):
        decode_rgb(half)


def test_a_jpeg_with_a_thumbnail_and_bytes_behind_its_end_is_read(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = cv2.imencode(".jpg", noise)[1].tobytes()
    thumbnail = cv2.imencode(".jpg", noise[:16, :16])[1].tobytes()
    segment = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    with_thumbnail = data[:2] + segment + data[2:]
    assert np.array_equal(decode_rgb(with_thumbnail + b"maker's notes"), decode_rgb(data))
    with pytest.raises(ValueError, match="truncated"):
        decode_rgb(with_thumbnail[:-200])


def test_text_called_png_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "im00.png").write_text("this is no picture")
    with pytest.raises(FrameReadError, match=r"frame 0.*no PNG or JPEG"):
        ImageFolderSource(tmp_path).frame(0)


def test_a_jpeg_called_png_is_read(tmp_path: Path) -> None:
    data = cv2.imencode(".jpg", numbered_frame(0)[..., ::-1])[1].tobytes()
    (tmp_path / "im00.png").write_bytes(data)
    assert np.array_equal(ImageFolderSource(tmp_path).frame(0), decode_rgb(data))


def test_grey_deep_and_transparent_pictures_become_8_bit_rgb() -> None:
    rng = np.random.default_rng(1)
    grey = rng.integers(0, 256, (6, 9), dtype=np.uint8)
    deep = rng.integers(0, 65536, (6, 9), dtype=np.uint16)
    transparent = rng.integers(0, 256, (6, 9, 4), dtype=np.uint8)
    assert np.array_equal(decode_rgb(cv2.imencode(".png", grey)[1].tobytes()), np.stack([grey] * 3, axis=-1))
    assert np.array_equal(decode_rgb(cv2.imencode(".png", deep)[1].tobytes())[..., 0], deep >> 8)
    assert np.array_equal(decode_rgb(cv2.imencode(".png", transparent)[1].tobytes()), transparent[..., 2::-1])


def test_the_orientation_a_camera_noted_is_applied() -> None:
    image = Image.fromarray(numbered_frame(0))
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = io.BytesIO()
    image.save(stored, "PNG", exif=exif)
    assert np.array_equal(decode_rgb(stored.getvalue()), np.rot90(numbered_frame(0), k=-1))


def test_a_pickled_source_is_small_and_reads_the_same(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"im{number:03d}.png").touch()
    write_png(tmp_path / "im120.png", 7)
    data = pickle.dumps(ImageFolderSource(tmp_path))
    assert len(data) < 1000
    assert np.array_equal(pickle.loads(data).frame(120), numbered_frame(7))


def test_a_header_that_promises_too_many_pixels_is_an_error() -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    with pytest.raises(ValueError, match="OpenCV refuses"):
        decode_rgb(b"\x89PNG\r\n\x1a\n" + header + body)


def test_numbers_of_any_length_may_be_names(tmp_path: Path) -> None:
    for name in ("11111111111111111111111.png", "99999999999999999999998.png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((4, 4, 3), np.uint8))
    assert len(ImageFolderSource(tmp_path)) == 2


def test_the_size_is_that_of_the_first_frame_that_can_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "im00.png").write_bytes(b"")
    (folder / "im01.png").write_text("no picture")
    monkeypatch.setattr("lift_core.data.image_folder.decode_rgb", None)
    assert ImageFolderSource(folder).size == (HEIGHT, WIDTH)
    for number in range(8):
        (folder / f"im{number:02d}.png").write_bytes(b"")
    with pytest.raises(FrameReadError, match=r"frame 0: empty file"):
        _ = ImageFolderSource(folder).size


def test_a_file_without_the_right_to_read_it_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    source = ImageFolderSource(folder)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(FrameReadError, match=r"frame 3 cannot be read: Permission denied.*im03\.png"):
        source.frames([3])


def test_a_directory_in_the_place_of_a_frame_is_named(folder: Path) -> None:
    (folder / "im03.png").unlink()
    (folder / "im03.png").mkdir()
    with pytest.raises(FrameReadError, match=r"frame 3 cannot be read: .*im03\.png"):
        ImageFolderSource(folder).frames([3])


@pytest.mark.parametrize("kind", ["grey", "deep", "transparent", "a JPEG called .png"])
def test_frames_of_any_kind_of_picture_stand_beside_each_other(folder: Path, kind: str) -> None:
    frame = numbered_frame(3)
    stored = {
        "grey": cv2.imencode(".png", frame[..., 0])[1],
        "deep": cv2.imencode(".png", frame[..., ::-1].astype(np.uint16) * 256 + 99)[1],
        "transparent": cv2.imencode(".png", np.dstack([frame[..., ::-1], frame[..., 0]]))[1],
        "a JPEG called .png": cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100])[1],
    }[kind]
    (folder / "im03.png").write_bytes(stored.tobytes())
    expected = np.stack([frame[..., 0]] * 3, axis=-1) if kind == "grey" else frame
    frames = ImageFolderSource(folder).frames([2, 3], crop=Crop(2, 3, 10, 11))
    tolerance = 40 if kind == "a JPEG called .png" else 0
    assert np.abs(frames[1].astype(int) - expected[2:12, 3:14]).max() <= tolerance
    assert np.array_equal(frames[0], numbered_frame(2)[2:12, 3:14])


def test_named_files_are_a_clip_in_the_order_given(folder: Path) -> None:
    source = pickle.loads(pickle.dumps(ImageFilesSource(folder, ["im05.png", "im02.png"])))
    assert len(source) == 2
    assert np.array_equal(source.frames([1, 0])[0], numbered_frame(2))
    with pytest.raises(FrameReadError, match=r"frame 1 is missing.*absent\.png"):
        ImageFilesSource(folder, ["im05.png", "absent.png"]).frames([1])


def test_a_bit_that_has_flipped_anywhere_in_a_png_is_found() -> None:
    data = cv2.imencode(".png", numbered_frame(0))[1].tobytes()
    rng = np.random.default_rng(0)
    for position in rng.integers(16, len(data) - 12, 40):
        damaged = bytearray(data)
        damaged[position] ^= 1 << int(rng.integers(8))
        with pytest.raises(ValueError, match=r"damaged|refuses"):
            decode_rgb(bytes(damaged))
