"""Tests of scene cuts: found where shots change, and nowhere else, and found once per file."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lift_core.data.cache_folder import cache_folder
from lift_core.data.clip_writer import write_image
from lift_core.data.cut_cache import cached_cuts
from lift_core.data.image_folder import ImageFilesSource, ImageFolderSource
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.data.scene_cuts import CutDetector, find_cuts, in_order
from lift_core.errors import ConfigError
from tests.data.clip_trees import ArraySource, write_clip


def texture(seed: int, height: int = 72, width: int = 400) -> NDArray[np.uint8]:
    """Coloured blobs, different for each seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 50, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def pan(seed: int, frames: int, speed: int) -> list[NDArray[np.uint8]]:
    picture = texture(seed)
    return [picture[:, i * speed : i * speed + 128] for i in range(frames)]


@pytest.mark.parametrize("seed", range(6))
def test_cuts_between_procedural_shots_are_found_and_no_others(seed: int) -> None:
    clip = ProceduralClip(ClipConfig(frames=24, height=72, width=128, seed=seed, cuts=2, max_speed=6.0))
    assert find_cuts(clip) == clip.cut_frames


def test_a_fast_pan_is_not_a_cut() -> None:
    assert find_cuts(pan(1, 20, speed=13)) == ()


def test_frame_numbers_are_those_that_begin_a_shot() -> None:
    frames = pan(1, 5, 2) + pan(2, 1, 2) * 4 + pan(3, 6, 2)
    assert find_cuts(frames) == (5, 9)


@pytest.mark.parametrize("length", [1, 2])
def test_a_lone_flash_is_not_a_cut(length: int) -> None:
    white = np.full((72, 128, 3), 255, dtype=np.uint8)
    frames = pan(1, 12, 2)
    frames[5 : 5 + length] = [white] * length
    assert find_cuts(frames) == ()
    assert find_cuts(frames, CutDetector(longest_flash=0)) == (5, 5 + length)


def test_a_short_shot_between_different_shots_is_no_flash() -> None:
    assert find_cuts(pan(1, 5, 2) + pan(2, 1, 2) + pan(3, 6, 2)) == (5, 6)


def test_a_cut_to_black_is_a_cut_and_noise_in_the_dark_is_none() -> None:
    noise = np.random.default_rng(0)
    dark = [noise.integers(0, 8, (72, 128, 3), dtype=np.uint8) for _ in range(6)]
    assert find_cuts(pan(1, 5, 2) + dark) == (5,)


def test_cuts_to_and_from_a_flat_picture_are_cuts() -> None:
    flat = [np.full((72, 128, 3), 90, dtype=np.uint8)] * 4
    assert find_cuts(pan(1, 5, 2) + flat + pan(1, 5, 2)) == (5, 9)


def test_a_change_of_exposure_is_not_a_cut() -> None:
    frames = pan(1, 10, 2)
    frames[5:] = [(f * 0.6).astype(np.uint8) for f in frames[5:]]
    assert find_cuts(frames) == ()


def test_a_fade_is_not_a_cut() -> None:
    first, second = texture(1)[:, :128].astype(float), texture(2)[:, :128].astype(float)
    frames = [(first + (second - first) * i / 15).astype(np.uint8) for i in range(16)]
    assert find_cuts(frames) == ()


def test_two_frames_are_compared_alone() -> None:
    detector = CutDetector()
    first, second = pan(1, 2, 3)
    assert not detector.is_cut(first, second)
    assert detector.is_cut(second, texture(2)[:, :128])
    assert detector.difference(first, first) == 0


def test_a_clip_is_read_in_order_and_whole() -> None:
    clip = np.stack(pan(1, 7, 2))
    source = ArraySource(clip)
    np.testing.assert_array_equal(np.stack(list(in_order(source))), clip)
    assert [i for call in source.calls for i in call] == list(range(7))


def test_cuts_of_a_file_are_found_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFT_CACHE", str(tmp_path / "cache"))
    folder = write_clip(tmp_path / "clip", 6)
    cv2.imwrite(str(folder / "im04.png"), cv2.resize(texture(5), (32, 24)))
    found = cached_cuts(ImageFolderSource(folder))
    (stored,) = (tmp_path / "cache" / "cuts").iterdir()
    stored.write_text(json.dumps({"cuts": [2]}))
    assert cached_cuts(ImageFolderSource(folder)) == (2,)
    for damaged in ("", "{}", "[" * 100_000, '{"cuts": [9]}', '{"cuts": [3, 2]}'):
        stored.write_text(damaged)
        assert cached_cuts(ImageFolderSource(folder)) == found
    assert cached_cuts(ImageFolderSource(folder), CutDetector(threshold=1.0)) is not None
    assert len(list((tmp_path / "cache" / "cuts").iterdir())) == 2


def test_cuts_are_found_again_when_pictures_are_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFT_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "clip"
    folder.mkdir()
    first, second = (np.ascontiguousarray(texture(seed)[:, :128]) for seed in (1, 2))
    for number in range(6):
        write_image(folder / f"im{number}.png", first)
    before = os.stat(folder)
    assert cached_cuts(ImageFolderSource(folder)) == ()
    for number in range(3, 6):
        (folder / f"im{number}.png").write_bytes(cv2.imencode(".png", second[..., ::-1])[1].tobytes())
    after = os.stat(folder)
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert cached_cuts(ImageFolderSource(folder)) == (3,)


def test_clips_of_one_folder_have_cuts_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFT_CACHE", str(tmp_path / "cache"))
    first, second = (np.ascontiguousarray(texture(seed)[:, :128]) for seed in (1, 2))
    for name, picture in zip("abcdef", (first, first, first, first, second, second), strict=True):
        write_image(tmp_path / f"{name}.png", picture)
    assert cached_cuts(ImageFilesSource(tmp_path, ["a.png", "b.png", "c.png"])) == ()
    assert cached_cuts(ImageFilesSource(tmp_path, ["d.png", "e.png", "f.png"])) == (1,)


def test_computed_clips_of_one_name_have_cuts_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFT_CACHE", str(tmp_path / "cache"))
    clips = [ProceduralClip(ClipConfig(frames=24, height=72, width=128, cuts=2, max_speed=v)) for v in (4.0, 6.0)]
    assert clips[0].name == clips[1].name
    assert [cached_cuts(clip) for clip in clips] == [clip.cut_frames for clip in clips]
    assert len(list((tmp_path / "cache" / "cuts").iterdir())) == 2


def test_cuts_of_a_clip_that_cannot_be_told_apart_are_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIFT_CACHE", str(tmp_path / "cache"))
    assert cached_cuts(ArraySource(np.stack(pan(1, 6, 2)))) == ()
    assert cached_cuts(ArraySource(np.stack(pan(1, 3, 2) + pan(2, 3, 2)))) == (3,)
    assert not (tmp_path / "cache").exists()


def test_a_cache_that_cannot_be_written_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LIFT_CACHE", str(tmp_path / "file"))
    cached_cuts(ImageFolderSource(write_clip(tmp_path / "clip", 4)))
    assert "not remembered" in caplog.text


@pytest.mark.parametrize("arguments", [{"threshold": 0.0}, {"least_change": -1.0}, {"longest_flash": -1}])
def test_impossible_detectors_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        CutDetector(**arguments)  # type: ignore[arg-type]


def test_a_user_without_a_home_has_a_cache_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.setenv("LIFT_CACHE", "")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == Path(tempfile.gettempdir()) / "lift_core"
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert cache_folder() == Path("/caches/lift_core")
