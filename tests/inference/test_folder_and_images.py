"""Tests of image folders and single images: what is written, and what is never touched."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lift_core.classical import blend
from lift_core.data.clip_writer import write_image
from lift_core.data.image_folder import ImageFolderSource
from lift_core.errors import ConfigError, FrameReadError, OutputError, ShapeError, SourceError
from lift_core.inference.interpolator import Interpolator


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    base = cv2.resize(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8), (40, 32), interpolation=cv2.INTER_CUBIC)
    return [np.roll(base, k, axis=1) for k in range(4)]


@pytest.fixture
def folder(tmp_path, images):
    (tmp_path / "in").mkdir()
    for number, image in enumerate(images):
        write_image(tmp_path / "in" / f"im{number:02d}.png", image)
    return tmp_path / "in"


def listed(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("factor", [2, 3])
def test_a_folder_gets_the_old_frames_and_the_new_ones(tmp_path, folder, images, factor):
    made = Interpolator("blend").folder(folder, tmp_path / "out", factor, progress=False)
    assert (made.frames_in, made.frames_out) == (4, 3 * factor + 1)
    assert listed(tmp_path / "out") == [f"{k:06d}.png" for k in range(3 * factor + 1)]
    written = ImageFolderSource(tmp_path / "out")
    assert len(written) == 3 * factor + 1
    for k in range(3 * factor):
        expected = blend(images[k // factor], images[k // factor + 1], k % factor / factor)
        assert np.array_equal(written.frame(k), expected)
    assert np.array_equal(written.frame(3 * factor), images[3])


def test_an_empty_folder_is_filled_and_an_earlier_result_replaced_when_forced(tmp_path, folder):
    (tmp_path / "out").mkdir()
    interpolator = Interpolator("blend")
    interpolator.folder(folder, tmp_path / "out", 3, progress=False)
    with pytest.raises(OutputError, match="--force"):
        interpolator.folder(folder, tmp_path / "out", progress=False)
    assert len(listed(tmp_path / "out")) == 10
    interpolator.folder(folder, tmp_path / "out", progress=False, force=True)
    assert len(listed(tmp_path / "out")) == 7


@pytest.mark.parametrize("names", [["notes.txt"], ["000000.png", "holiday.png"], ["000001.png"]])
def test_a_folder_with_other_files_is_never_touched(tmp_path, folder, names):
    (tmp_path / "out").mkdir()
    for name in names:
        (tmp_path / "out" / name).write_text("precious")
    with pytest.raises(OutputError, match="other files"):
        Interpolator("blend").folder(folder, tmp_path / "out", force=True, progress=False)
    assert listed(tmp_path / "out") == names
    assert all((tmp_path / "out" / name).read_text() == "precious" for name in names)


def test_the_output_folder_must_not_be_the_input_or_a_file(tmp_path, folder):
    (tmp_path / "file").write_text("precious")
    with pytest.raises(OutputError, match="is the input"):
        Interpolator("blend").folder(folder, folder, force=True, progress=False)
    with pytest.raises(OutputError, match="not a folder"):
        Interpolator("blend").folder(folder, tmp_path / "file", force=True, progress=False)
    assert len(listed(folder)) == 4


def test_a_damaged_frame_leaves_no_folder_behind(tmp_path, folder):
    (folder / "im02.png").write_bytes((folder / "im02.png").read_bytes()[:50])
    with pytest.raises(FrameReadError, match=r"im02\.png"):
        Interpolator("blend").folder(folder, tmp_path / "out", progress=False)
    assert listed(tmp_path) == ["in"]


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_images_are_refused(tmp_path, folder, count):
    for name in listed(folder)[count:]:
        (folder / name).unlink()
    with pytest.raises(SourceError):
        Interpolator("blend").folder(folder, tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("t", [0.5, 0.25])
def test_one_image_is_made_between_two(tmp_path, folder, images, t):
    Interpolator("blend").images(folder / "im00.png", folder / "im03.png", tmp_path / "middle.png", t)
    written = cv2.imread(str(tmp_path / "middle.png"), cv2.IMREAD_COLOR_RGB)
    assert np.array_equal(written, blend(images[0], images[3], t))


def test_an_existing_image_is_replaced_only_when_forced(tmp_path, folder):
    output = tmp_path / "middle.png"
    output.write_text("precious")
    with pytest.raises(OutputError, match="--force"):
        Interpolator("blend").images(folder / "im00.png", folder / "im01.png", output)
    assert output.read_text() == "precious"
    Interpolator("blend").images(folder / "im00.png", folder / "im01.png", output, force=True)
    assert cv2.imread(str(output)).shape == (32, 40, 3)


def test_an_image_is_never_written_over_its_inputs(folder):
    for output in ("im00.png", "im01.png"):
        with pytest.raises(OutputError, match="is the input"):
            Interpolator("blend").images(folder / "im00.png", folder / "im01.png", folder / output, force=True)


def test_bad_images_and_times_are_refused(tmp_path, folder):
    (tmp_path / "text.png").write_text("no picture")
    write_image(tmp_path / "small.png", np.zeros((8, 8, 3), np.uint8))
    interpolator, first = Interpolator("blend"), folder / "im00.png"
    for second, error in (("text.png", FrameReadError), ("missing.png", FrameReadError), ("small.png", ShapeError)):
        with pytest.raises(error):
            interpolator.images(first, tmp_path / second, tmp_path / "out.png")
    for t in (0.0, 1.0, -1.0):
        with pytest.raises(ConfigError, match="between 0 and 1"):
            interpolator.images(first, folder / "im01.png", tmp_path / "out.png", t)
    with pytest.raises(OutputError, match=r"\.png"):
        interpolator.images(first, folder / "im01.png", tmp_path / "out.gif")
    assert listed(tmp_path) == ["in", "small.png", "text.png"]


def test_a_link_to_a_folder_stays_and_the_folder_gets_the_frames(tmp_path, folder):
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk", target_is_directory=True)
    for _ in range(2):
        Interpolator("blend").folder(folder, tmp_path / "out", force=True, progress=False)
        assert (tmp_path / "out").is_symlink()
        assert len(listed(tmp_path / "disk")) == 7


@pytest.mark.parametrize("output", [".", ".."])
def test_the_folder_one_is_in_is_not_replaced(tmp_path, folder, monkeypatch, output):
    (tmp_path / "here" / "deeper").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here" / ("deeper" if output == ".." else ""))
    with pytest.raises(OutputError, match="you are in"):
        Interpolator("blend").folder(folder, output, progress=False)
    assert listed(tmp_path / "here") == ["deeper"]
