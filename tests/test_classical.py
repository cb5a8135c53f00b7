"""Tests of the baselines: known motion is recovered, and every size is served."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lift_core.classical import PairFlow, PairPath, blend, dis_flow, interpolate_dis
from lift_core.errors import ConfigError, ShapeError

Image = NDArray[np.uint8]


def texture(height: int, width: int, seed: int = 0) -> Image:
    noise = np.random.default_rng(seed).standard_normal((height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.0)
    return np.clip(128 + 50 * smooth / smooth.std(), 0, 255).astype(np.uint8)


def shifted(dx: int, dy: int, height: int = 96, width: int = 128) -> Image:
    """A view of one large texture whose content has moved by (dx, dy) pixels."""
    return np.ascontiguousarray(texture(192, 224)[48 - dy : 48 - dy + height, 48 - dx : 48 - dx + width])


def squared_error(a: Image, b: Image) -> float:
    return float(np.square(a.astype(np.float64) - b).mean())


@pytest.mark.parametrize("preset", ["ultrafast", "fast", "medium"])
@pytest.mark.parametrize(("dx", "dy"), [(5, 0), (0, 5), (-6, 3)])
def test_flow_points_where_the_content_went(preset, dx, dy):
    flow = dis_flow(shifted(0, 0), shifted(dx, dy), preset=preset)
    assert flow.shape == (96, 128, 2)
    assert flow.dtype == np.float32
    inner = flow[16:-16, 16:-16]
    assert np.abs(inner - (dx, dy)).mean() < 0.3


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 40), (7, 5), (8, 8), (16, 200), (31, 33)])
def test_small_images_are_served(height, width):
    a, b = texture(height, width, 1), texture(height, width, 2)
    assert dis_flow(a, b).shape == (height, width, 2)
    assert np.isfinite(dis_flow(a, b)).all()
    assert interpolate_dis(a, b, 0.5).shape == (height, width, 3)


@pytest.mark.parametrize("t", [0.25, 0.5, 0.75])
def test_translated_content_is_found_where_it_is_at_time_t(t):
    middle = interpolate_dis(shifted(0, 0), shifted(8, 4), t)
    truth = shifted(round(8 * t), round(4 * t))
    inner = np.s_[16:-16, 16:-16]
    assert squared_error(middle[inner], truth[inner]) < 20
    faded = blend(shifted(0, 0), shifted(8, 4), t)
    assert squared_error(faded[inner], truth[inner]) > 500


def test_an_object_in_front_of_a_still_background_keeps_its_shape():
    background, square = texture(128, 160, 3), texture(40, 40, 4)

    def picture(x: int) -> Image:
        image = background.copy()
        image[44:84, x : x + 40] = square
        return image

    middle = interpolate_dis(picture(56), picture(64), 0.5)
    assert squared_error(middle, picture(60)) < 0.25 * squared_error(blend(picture(56), picture(64), 0.5), picture(60))


@pytest.mark.parametrize("interpolate", [blend, interpolate_dis])
def test_the_ends_are_the_references(interpolate):
    a, b = texture(40, 48, 5), texture(40, 48, 6)
    assert np.array_equal(interpolate(a, b, 0.0), a)
    assert np.array_equal(interpolate(a, b, 1.0), b)


@pytest.mark.parametrize("t", [0.0, 0.2, 0.5, 1.0])
def test_flow_found_once_serves_every_time(t):
    a, b = shifted(0, 0), shifted(5, -3)
    assert np.array_equal(PairFlow.find(a, b).frame(t), interpolate_dis(a, b, t))


def test_identical_references_are_reproduced():
    a = texture(64, 64, 7)
    assert np.abs(interpolate_dis(a, a, 0.5).astype(int) - a).max() <= 1


def test_time_reversal_changes_nothing():
    a, b = shifted(0, 0), shifted(7, -2)
    forth, back = interpolate_dis(a, b, 0.3), interpolate_dis(b, a, 0.7)
    assert np.abs(forth.astype(int) - back).max() <= 1


def test_blend_is_the_formula_rounded():
    a, b = texture(33, 29, 8), texture(33, 29, 9)
    exact = 0.7 * a.astype(np.float64) + 0.3 * b.astype(np.float64)
    assert np.abs(blend(a, b, 0.3) - exact).max() <= 0.5 + 1e-4


@pytest.mark.parametrize("interpolate", [blend, interpolate_dis])
@pytest.mark.parametrize("t", [-0.1, 1.5, float("nan")])
def test_a_time_outside_the_pair_is_refused(interpolate, t):
    with pytest.raises(ConfigError, match="from 0 to 1"):
        interpolate(texture(8, 8), texture(8, 8), t)
    with pytest.raises(ConfigError, match="from 0 to 1"):
        PairFlow.find(texture(8, 8), texture(8, 8)).frame(t)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.zeros((8, 8, 3), np.uint8), np.zeros((8, 9, 3), np.uint8)),
        (np.zeros((8, 8), np.uint8), np.zeros((8, 8), np.uint8)),
        (np.zeros((8, 8, 3), np.float32), np.zeros((8, 8, 3), np.float32)),
        (np.zeros((0, 8, 3), np.uint8), np.zeros((0, 8, 3), np.uint8)),
    ],
)
def test_what_is_no_pair_of_images_is_refused(a, b):
    with pytest.raises(ShapeError):
        dis_flow(a, b)


def test_an_unknown_preset_is_refused():
    with pytest.raises(ConfigError, match="ultrafast, fast, medium"):
        dis_flow(texture(32, 32), texture(32, 32), preset="slow")


@pytest.mark.parametrize("t", [0.25, 0.5])
def test_the_motion_leads_from_time_t_back_to_both_references(t):
    a, b = shifted(0, 0), shifted(8, 4)
    to_a, to_b, seen_in_a = PairPath(PairFlow.find(a, b)).at(t)
    assert to_a.shape == to_b.shape == (96, 128, 2)
    assert {array.dtype for array in (to_a, to_b, seen_in_a)} == {np.dtype(np.float32)}
    assert seen_in_a.shape == (96, 128)
    inner = np.s_[16:-16, 16:-16]
    assert np.abs(to_a[inner] + np.multiply(t, (8, 4))).mean() < 0.3
    assert np.abs(to_b[inner] - np.multiply(1 - t, (8, 4))).mean() < 0.3
    assert np.abs(seen_in_a[inner]).mean() < 0.1


def accelerated(moment: float) -> Image:
    """The texture where it is after moving by (8, 4) from time 0 to 1 with an acceleration of (8, -8) all the time."""
    dx, dy = (moment * v - moment * (1 - moment) / 2 * c for v, c in ((8, 8), (4, -8)))
    return shifted(round(dx), round(dy))


def path(before: float | None, after: float | None) -> PairPath:
    """Between times 0 and 1, with the frames at these times around them."""
    flow = PairFlow.find(accelerated(0), accelerated(1))
    known = [None if moment is None else accelerated(moment) for moment in (before, after)]
    return PairPath.find(
        flow,
        None if known[0] is None else (known[0], -before),
        None if known[1] is None else (known[1], after - 1),
    )


# The texture moves by whole pixels at these times.
@pytest.mark.parametrize(("before", "after"), [(-1, 1.5), (-0.5, 1.5)])
@pytest.mark.parametrize("t", [0.25, 0.5, 0.75])
def test_the_frames_around_a_pair_bend_the_way_as_far_apart_in_time_as_they_are(before, after, t):
    inner = np.s_[24:-24, 24:-24]
    truth = [t * v - t * (1 - t) / 2 * c for v, c in ((8, 8), (4, -8))]
    errors = {}
    for name, found in (("straight", path(None, None)), ("bent", path(before, after))):
        to_a, to_b, _ = found.at(t)
        errors[name] = np.abs(to_a[inner] + truth).mean() + np.abs(to_b[inner] - np.subtract((8, 4), truth)).mean()
    assert errors["bent"] < 0.35 * errors["straight"]


def test_acceleration_seen_from_one_side_is_half_believed():
    known = ((None, None), (-1, None), (None, 1.5), (-1, 1.5))
    straight, early, late, both = (path(*around).at(0.5)[0] for around in known)
    inner = np.s_[24:-24, 24:-24]
    whole = (both - straight)[inner].mean(axis=(0, 1))
    for one in (early, late):
        assert (one - straight)[inner].mean(axis=(0, 1)) == pytest.approx(0.5 * whole, rel=0.15)


def test_accelerations_that_disagree_are_not_believed():
    flow = PairFlow.find(shifted(0, 0), shifted(8, 4))
    apart = PairPath(flow, np.full((96, 128, 2), 20, np.float32), np.full((96, 128, 2), -20, np.float32))
    assert np.abs(apart.at(0.4)[0] - PairPath(flow).at(0.4)[0]).max() < 0.2


def test_a_frame_on_a_bent_way_is_where_things_are_then():
    truth = shifted(3, 3)  # At 0.5: half of (8, 4), and an eighth of (8, -8) behind.
    inner = np.s_[24:-24, 24:-24]
    made = (path(*around).frame(0.5) for around in ((None, None), (-1, 1.5)))
    straight, bent = (squared_error(image[inner], truth[inner]) for image in made)
    assert bent < 0.3 * straight
    known = path(-1, 1.5)
    assert np.array_equal(known.frame(0.0), accelerated(0))
    assert np.array_equal(known.frame(1.0), accelerated(1))
    with pytest.raises(ConfigError, match="from 0 to 1"):
        known.frame(1.5)


def test_a_bent_way_is_the_same_backwards():
    forth = path(-1, 1.5).at(0.3)
    flow = PairFlow.find(accelerated(1), accelerated(0))
    back = PairPath.find(flow, (accelerated(1.5), 0.5), (accelerated(-1), 1.0)).at(0.7)
    inner = np.s_[24:-24, 24:-24]
    assert np.abs(forth[0][inner] - back[1][inner]).mean() < 0.1
    assert np.abs(forth[1][inner] - back[0][inner]).mean() < 0.1
    assert np.abs(forth[2][inner] + back[2][inner]).mean() < 0.02


def test_what_only_one_reference_shows_is_said_to_be_seen_there():
    background, square = texture(128, 160, 3), texture(48, 48, 4)
    a, b = background.copy(), background.copy()
    a[40:88, 40:88] = square
    b[40:88, 50:98] = square
    _, _, seen_in_a = PairPath(PairFlow.find(a, b)).at(0.5)
    # Half way, the square covers columns 45 to 93: it has just left 40 to 45, and is about to cover 93 to 98.
    just_uncovered, about_to_be_covered = seen_in_a[46:82, 40:44], seen_in_a[46:82, 94:98]
    assert just_uncovered.mean() < -0.1
    assert about_to_be_covered.mean() > 0.1
