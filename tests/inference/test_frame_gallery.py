"""Tests of the gallery: the worst and the best are kept, in bounded memory, and those of a failed clip are not."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lift_core.errors import ConfigError
from lift_core.inference.evaluation_rows import FrameRow
from lift_core.inference.frame_gallery import FrameGallery


def row(clip: str, frame: int, psnr: float, method: str = "lead") -> FrameRow:
    return FrameRow(method, 2, clip, frame, 0.5, 5.0, "medium", psnr, 0.9, 0.0)


def picture(shade: int, width: int = 24) -> np.ndarray:
    return np.full((16, width, 3), shade, np.uint8)


def show(gallery: FrameGallery, clip: str, values: list[float], methods: tuple[str, ...] = ("lead",)) -> None:
    for method in methods:
        for place, value in enumerate(values):
            gallery.show(row(clip, 2 * place + 1, value, method), picture(place), picture(0))


@settings(max_examples=50, deadline=None)
@given(
    clips=st.lists(st.lists(st.integers(10, 20).map(float), min_size=1, max_size=8), min_size=1, max_size=4),
    count=st.integers(1, 4),
)
def test_they_are_those_of_the_sorted_list(clips, count):
    gallery = FrameGallery("lead", count)
    for number, values in enumerate(clips):
        show(gallery, str(number), values)
        gallery.keep()
    every = [(value, str(number), 2 * k + 1) for number, values in enumerate(clips) for k, value in enumerate(values)]
    worst = sorted(every, key=lambda one: one[0])[:count]
    best = [one for one in sorted(every, key=lambda one: -one[0])[:count] if one not in worst]

    def found(frames):
        return [(frame.made["lead"].psnr, frame.clip, frame.number) for frame in frames]

    assert found(gallery.worst()) == worst
    assert found(gallery.best()) == best


def test_what_other_methods_made_of_the_same_frames_is_kept_too():
    gallery = FrameGallery("lead", 1)
    show(gallery, "a", [30.0, 20.0, 25.0], ("lead", "other"))
    gallery.keep()
    (worst,) = gallery.worst()
    assert (worst.number, list(worst.made)) == (3, ["lead", "other"])
    assert worst.note == "motion 5.0 px (medium)"
    assert np.array_equal(worst.made["other"].image, picture(1))
    assert np.array_equal(worst.made["other"].error, np.ones((16, 24)))


def test_a_failed_clip_leaves_nothing_and_displaces_nothing():
    gallery = FrameGallery("lead", 1)
    show(gallery, "a", [30.0, 31.0])
    gallery.keep()
    show(gallery, "failed", [1.0, 99.0])
    gallery.forget()
    assert [frame.clip for frame in (*gallery.worst(), *gallery.best())] == ["a", "a"]


def test_no_more_pictures_are_held_than_it_says():
    gallery = FrameGallery("lead", 2)
    seen: list[weakref.ref[np.ndarray]] = []

    def held() -> int:
        gc.collect()
        return sum(picture() is not None for picture in seen)

    for clip in range(3):
        for place in range(50):
            truth = picture(place)
            seen.append(weakref.ref(truth))
            gallery.show(row(str(clip), place, float((place * 37) % 50)), picture(place), truth)
        del truth
        assert held() <= 8
        gallery.keep()
    assert held() == 4


def test_pictures_are_kept_small_and_errors_are_of_the_full_size():
    gallery = FrameGallery("lead", 1)
    made = np.random.default_rng(0).integers(0, 256, (600, 960, 3), dtype=np.uint8)
    gallery.show(row("a", 1, 10.0), made, picture(0, 960)[:1].repeat(600, axis=0))
    gallery.keep()
    (frame,) = gallery.worst()
    assert frame.truth.shape == frame.made["lead"].image.shape == (300, 480, 3)
    assert frame.made["lead"].error.mean() == pytest.approx(made.mean(), abs=0.01)


def test_a_tower_of_a_picture_is_kept_small_too():
    gallery = FrameGallery("lead", 1)
    tower = np.zeros((4000, 20, 3), np.uint8)
    gallery.show(row("a", 1, 10.0), tower, tower)
    gallery.keep()
    assert gallery.worst()[0].truth.shape == (960, 5, 3)


def test_a_name_that_is_no_utf8_can_be_drawn():
    gallery = FrameGallery("lead", 1)
    show(gallery, "caf\udce9", [10.0])
    gallery.keep()
    assert gallery.worst()[0].clip == "caf?"


def test_a_gallery_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="0 frames"):
        FrameGallery("lead", 0)
