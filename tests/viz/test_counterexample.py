"""Counterexamples: what is drawn of a wrong answer, where it is marked, what is said, and when there is no picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lift_core.viz.counterexample import counterexample

RNG = np.random.default_rng(0)


def panels(figure):
    """What the axes show, by title; the colour bar has none."""
    return {axis.get_title(): axis for axis in figure.axes if axis.get_title()}


def shown(figure, title):
    return np.asarray(panels(figure)[title].images[0].get_array())


def texts(figure):
    return [text.get_text() for axis in figure.axes for text in axis.texts]


def count(figure, gid):
    return sum(artist.get_gid() == gid for axis in figure.axes for artist in (*axis.patches, *axis.lines))


def test_a_frame_is_drawn_four_times_with_its_largest_error():
    right = RNG.integers(0, 200, (13, 29, 3), dtype=np.uint8)
    wrong = right.copy()
    wrong[4, 7, 1] += 50
    wrong[9, 2, 0] += 20
    figure, sentence = counterexample(right, wrong, right)
    assert list(panels(figure)) == ["yours", "expected", "input", "difference"]
    assert np.allclose(shown(figure, "yours") * 255, wrong)
    assert np.allclose(shown(figure, "expected") * 255, right)
    errors = shown(figure, "difference")
    assert errors[4, 7] == 50
    assert errors[9, 2] == 20
    assert np.count_nonzero(errors) == 2
    (circle,) = [line for line in panels(figure)["difference"].lines if line.get_gid() == "largest"]
    assert (circle.get_xdata()[0], circle.get_ydata()[0]) == (7, 4)
    assert "row 4, column 7" in panels(figure)["difference"].get_xlabel()
    assert "2 of 1131 numbers; the largest difference is 50 at row 4, column 7" in sentence


@pytest.mark.parametrize("as_torch", [False, True])
def test_the_first_item_of_a_batch_that_differs_is_drawn(as_torch):
    right = RNG.random((3, 3, 13, 29), dtype=np.float32)
    wrong = right.copy()
    wrong[2] = wrong[2][:, :, ::-1]
    wrong[1, 2, 5, 11] = 0 if right[1, 2, 5, 11] > 0.5 else 1
    make = (lambda array: torch.from_numpy(array).requires_grad_()) if as_torch else np.asarray
    figure, sentence = counterexample(make(right), make(wrong), make(right))
    assert "input, item [1]" in panels(figure)
    assert np.allclose(shown(figure, "yours"), wrong[1].transpose(1, 2, 0))
    assert np.allclose(shown(figure, "input, item [1]"), right[1].transpose(1, 2, 0))
    assert "item [1] of [3, 3, 13, 29]" in sentence
    assert "1 of 1131 numbers" in sentence
    assert "row 5, column 11" in sentence


def test_differences_within_the_tolerance_do_not_choose_the_item():
    right = np.full((2, 13, 29), 0.5)
    wrong = right + 1e-6
    wrong[1, 0, 0] = 1
    _, sentence = counterexample(None, wrong, right)
    assert "item [1]" in sentence
    assert "1 of 377" in sentence


def test_tiny_pictures_are_drawn_large_and_sharp():
    right = RNG.random((3, 13, 29))
    figure, _ = counterexample(right, right[:, ::-1], right)
    assert panels(figure)["yours"].images[0].get_interpolation() == "nearest"
    figure.draw_without_rendering()
    assert panels(figure)["yours"].get_window_extent().width > 300 * figure.dpi / 80


def test_an_input_in_a_tuple_with_other_arguments_is_found():
    image, flow = RNG.random((2, 3, 13, 29)), RNG.normal(size=(2, 2, 13, 29))
    figure, _ = counterexample((0.5, image, flow), image + 0.2, image)
    assert np.allclose(shown(figure, "input, item [0]"), image[0].transpose(1, 2, 0))


def test_flow_is_drawn_by_channel_on_the_scale_of_the_expected_numbers():
    right = RNG.normal(size=(2, 2, 13, 29)) * 5
    wrong = right.copy()
    wrong[:, 1] += 3
    figure, sentence = counterexample(None, wrong, right)
    assert "item [0, 1]" in sentence
    plane = right[0, 1]
    low, high = right.min(), right.max()
    assert np.allclose(shown(figure, "expected"), (plane - low) / (high - low))
    assert np.allclose(shown(figure, "difference"), 3)


def test_a_wrong_shape_is_said_in_place_of_the_picture():
    right = RNG.integers(0, 256, (13, 29, 3), dtype=np.uint8)
    figure, sentence = counterexample(right, right.transpose(2, 0, 1), right)
    assert "shape [3, 13, 29],\nexpected [13, 29, 3]" in texts(figure)
    assert not panels(figure)["yours"].images
    assert np.allclose(shown(figure, "expected") * 255, right)
    assert sentence == "Yours is shape [3, 13, 29], expected [13, 29, 3]."


@pytest.mark.parametrize(("yours", "said"), [(None, "None"), ("text", "a str"), ([[1], [1, 2]], "a list")])
def test_what_is_no_array_is_named(yours, said):
    _, sentence = counterexample(None, yours, np.zeros((5, 5)))
    assert sentence == f"Yours is {said}, expected an array."


def test_what_is_not_a_number_is_the_largest_difference():
    right = np.full((20, 20), 0.5)
    wrong = right.copy()
    wrong[0, 0], wrong[6, 4] = 0.9, np.nan
    figure, sentence = counterexample(None, wrong, right)
    assert "not a number at row 6, column 4: yours nan" in sentence
    assert "1 not finite" in panels(figure)["yours"].get_xlabel()


def test_a_wrong_dtype_shows_below_the_pictures():
    right = np.full((8, 8, 3), 200, np.uint8)
    figure, _ = counterexample(None, right.astype(np.float32) / 255, right)
    assert panels(figure)["yours"].get_xlabel().startswith("float32, 0.7843")
    assert panels(figure)["expected"].get_xlabel().startswith("uint8, 200")


def test_a_list_becomes_a_table_with_the_wrong_cells_marked():
    figure, sentence = counterexample([-4, -2, 0, 2, 9], [-4, 0, 0, 2, 9], [0, 0, 0, 2, 7])
    assert count(figure, "wrong") == 2
    assert count(figure, "cell") == 13
    assert texts(figure).count("≠") == 2
    assert {"index", "input", "yours", "expected", "−4"} <= set(texts(figure))
    assert "2 of 5 items (index 0, 4); at index 0 yours is −4, expected 0" in sentence


def test_items_that_one_list_lacks_are_wrong():
    figure, sentence = counterexample(None, torch.tensor([True, False]), [True, False, True])
    assert count(figure, "wrong") == 1
    assert "—" in texts(figure)
    assert sentence.startswith("Yours has 2 items, expected are 3.")


def test_numbers_that_four_digits_do_not_tell_apart_get_more():
    figure, _ = counterexample(None, [1.00001, 2.0], [1.0002, 2.0])
    assert {"1.00001", "1.0002"} <= set(texts(figure))


@given(st.lists(st.integers(-99, 99), min_size=1, max_size=64), st.data())
def test_exactly_the_cells_that_differ_are_marked(expected, data):
    yours = [data.draw(st.sampled_from([number, number + 1])) for number in expected]
    figure, _ = counterexample(None, yours, expected)
    differing = sum(a != b for a, b in zip(yours, expected, strict=True))
    assert count(figure, "wrong") == texts(figure).count("≠") == differing
    assert figure.get_figwidth() <= 10.01


@pytest.mark.parametrize(
    ("yours", "expected"),
    [
        (3, 4),
        (np.float32(1), np.float32(2)),
        ("a", "b"),
        (None, [1, 2]),
        ([1, 2], "text"),
        ({"a": 1}, {"a": 2}),
        ([], []),
        (["a"], ["b"]),
        ([0] * 65, [1] * 65),
        (object(), object()),
    ],
)
def test_there_is_no_picture_where_it_would_say_nothing(yours, expected):
    assert counterexample([1, 2], yours, expected) is None


def test_text_is_at_least_nine_points_at_800_pixels():
    right = RNG.random((2, 3, 13, 29))
    for figure in (counterexample(right, right + 0.1, right)[0], counterexample(None, [1, 2], [1, 3])[0]):
        drawn = [text for axis in figure.axes for text in axis.texts]
        drawn += [label for axis in figure.axes for label in (axis.title, axis.xaxis.label)]
        ticks = [label for axis in figure.axes if axis.axison for label in axis.get_yticklabels()]
        assert min(text.get_fontsize() for text in [*drawn, *ticks] if text.get_text()) >= 10.8
