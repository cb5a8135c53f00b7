"""Tests of the figure of the worst and best frames: what it shows where, what it says, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from lift_core.errors import ShapeError
from lift_core.viz.figures import save_figure
from lift_core.viz.worst_and_best import ComparedFrame, MadeFrame, worst_and_best


def compared(clip: str, number: int, values: dict[str, float], *, size: tuple[int, int] = (24, 36)) -> ComparedFrame:
    rng = np.random.default_rng(number)

    def made(value: float) -> MadeFrame:
        return MadeFrame(
            rng.integers(0, 256, (*size, 3), dtype=np.uint8), rng.uniform(0, 90, size).astype(np.float32), value
        )

    truth = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    return ComparedFrame(clip, number, "motion 3.0 px (small)", truth, {name: made(v) for name, v in values.items()})


WORST = [compared("a.mp4", 7, {"lift": 20.125, "dis": 23.0}), compared("b.mp4", 9, {"lift": 21.0, "dis": 20.0})]
BEST = [compared("c.mp4", 3, {"lift": 44.0, "dis": 45.5}, size=(36, 24))]


def pictures(figure):
    return [axis.images[0].get_array() for axis in figure.axes if axis.images]


def texts(figure):
    return [text.get_text() for text in figure.texts]


def test_every_frame_has_a_row_with_the_truth_and_each_method_s_frame_and_error():
    figure, _ = worst_and_best(WORST, BEST, "lift")
    shown = iter(pictures(figure))
    for frame in (*WORST, *BEST):
        assert np.array_equal(next(shown), frame.truth)
        for made in frame.made.values():
            assert np.array_equal(next(shown), made.image)
            assert np.array_equal(next(shown), made.error)
    assert next(shown, None) is None


def test_a_row_names_clip_frame_and_motion_and_every_value():
    figure, _ = worst_and_best(WORST, BEST, "lift")
    found = texts(figure)
    assert "made worst by lift" in found
    assert "made best by lift" in found
    assert "1. a.mp4, frame 7; motion 3.0 px (small)" in found
    assert "2. b.mp4, frame 9; motion 3.0 px (small)" in found
    assert "1. c.mp4, frame 3; motion 3.0 px (small)" in found
    for value in ("lift: 20.12 dB", "dis: 23.00 dB", "lift: 44.00 dB", "dis: 45.50 dB"):
        assert value in found


def test_the_sentence_says_the_same():
    _, text = worst_and_best(WORST, BEST, "lift")
    assert text.endswith(
        "Worst: a.mp4 frame 7 (lift 20.12 dB, dis 23.00 dB); b.mp4 frame 9 (lift 21.00 dB, dis 20.00 dB)."
        " Best: c.mp4 frame 3 (lift 44.00 dB, dis 45.50 dB)."
    )


def test_pictures_and_words_lie_within_the_page_and_do_not_cover_each_other():
    figure, _ = worst_and_best(WORST, BEST, "lift")
    figure.draw_without_rendering()
    page = figure.bbox
    boxes = [axis.get_window_extent() for axis in figure.axes] + [text.get_window_extent() for text in figure.texts]
    for box in boxes:
        assert page.x0 <= box.x0 < box.x1 <= page.x1
        assert page.y0 <= box.y0 < box.y1 <= page.y1
    for place, box in enumerate(boxes):
        for other in boxes[place + 1 :]:
            assert not (
                min(box.x1, other.x1) - max(box.x0, other.x0) > 1 and min(box.y1, other.y1) - max(box.y0, other.y0) > 1
            )


def test_pictures_keep_their_shape():
    figure, _ = worst_and_best(WORST, BEST, "lift")
    for axis in figure.axes:
        if axis.images:
            height, width = axis.images[0].get_array().shape[:2]
            box = axis.get_window_extent()
            assert box.height / box.width == pytest.approx(height / width, rel=1e-6)


def test_a_narrow_tower_of_a_clip_stays_on_a_page_of_usual_size():
    tower = compared("a.mp4", 1, {"lift": 20.0}, size=(960, 11))
    figure, _ = worst_and_best([tower], [], "lift")
    figure.draw_without_rendering()
    assert figure.get_figheight() < 9
    shown = figure.axes[0].get_window_extent()
    assert shown.height / shown.width == pytest.approx(960 / 11)


def test_all_errors_share_one_scale():
    figure, _ = worst_and_best(WORST, BEST, "lift")
    limits = {axis.images[0].get_clim() for axis in figure.axes if axis.images and axis.images[0].get_array().ndim == 2}
    top = max(np.quantile(made.error, 0.999) for frame in (*WORST, *BEST) for made in frame.made.values())
    assert len(limits) == 1
    assert limits.pop() == pytest.approx((0.0, top))


def test_without_a_best_frame_there_is_no_heading_for_it():
    figure, text = worst_and_best(WORST, [], "lift")
    assert "made best by lift" not in texts(figure)
    assert "Best:" not in text


def test_strange_and_long_names_are_drawn(tmp_path):
    name = "runs/a_very_long_folder/$x^{/weights.safetensors"
    frame = compared("a$x^{b$.mp4", 1, {name: 20.0})
    figure, text = worst_and_best([frame], [], name)
    assert any(shown.startswith("…") and shown.endswith("weights.safetensors: 20.00 dB") for shown in texts(figure))
    save_figure(figure, tmp_path / "figure.png", text)
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_frames_give_the_same_picture(tmp_path):
    for name in ("one.png", "two.png"):
        save_figure(*(lambda drawn: (drawn[0], tmp_path / name, drawn[1]))(worst_and_best(WORST, BEST, "lift")))
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


@pytest.mark.parametrize(
    "frames", [[], [compared("a", 1, {})], [compared("a", 1, dict.fromkeys("abcde", 20.0))]], ids=["none", "no", "five"]
)
def test_what_cannot_be_drawn_is_refused(frames):
    with pytest.raises(ShapeError, match="one to four"):
        worst_and_best(frames, [], "lift")
