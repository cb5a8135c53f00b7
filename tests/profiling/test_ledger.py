"""The ledger predicts what torch allocates, reproduces the course's figures, and refuses nonsense."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lift_core.data.augmentation import whole_frames
from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.data.sample import build_sample, collate
from lift_core.data.window import FrameWindow
from lift_core.errors import ConfigError
from lift_core.model.config import preset
from lift_core.model.lift import LIFT
from lift_core.profiling.ledger import (
    DTYPE_BYTES,
    batch_bytes,
    feature_bytes,
    frames_bytes,
    itemsize,
    megabytes,
    pyramid_bytes,
    sample_bytes,
    score_bytes,
    tensor_bytes,
    token_bytes,
    training_state,
    window_pairs,
)

PYRAMID = {4: 128, 8: 192, 16: 256}
SIZE = st.integers(1, 9)


def pyramid(frames_by_scale):
    """Bytes of the features of 256 × 256 frames at the published widths."""
    return sum(feature_bytes(n, PYRAMID[scale], 256, 256, scale) for scale, n in frames_by_scale.items())


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (frames_bytes(15, 256, 448), "20.6 MB"),
        (frames_bytes(15, 256, 448, "uint8"), "5.2 MB"),
        (feature_bytes(15, 128, 256, 256, 4), "31.5 MB"),
        (feature_bytes(15, 192, 256, 256, 8), "11.8 MB"),
        (feature_bytes(15, 256, 256, 256, 16), "3.9 MB"),
        (pyramid({4: 15, 8: 15, 16: 15}), "47.2 MB"),
        (pyramid({4: 2, 8: 2, 16: 15}), "9.7 MB"),
        (4 * frames_bytes(64, 256, 256), "201 MB"),
        (4 * frames_bytes(15, 256, 256, "uint8"), "11.8 MB"),
        (4 * frames_bytes(15, 256, 256), "47.2 MB"),
    ],
)
def test_figures_that_the_course_states(count, said):
    assert megabytes(count) == said


def test_keeping_fine_features_of_the_references_alone_saves_79_percent():
    saved = 1 - pyramid({4: 2, 8: 2, 16: 15}) / pyramid({4: 15, 8: 15, 16: 15})
    assert round(100 * saved) == 79


@pytest.mark.parametrize("name", DTYPE_BYTES)
def test_itemsize_is_torchs(name):
    assert itemsize(name) == getattr(torch, name).itemsize


@given(st.lists(st.integers(0, 6), max_size=5), st.sampled_from(sorted(DTYPE_BYTES)))
def test_tensor_bytes_are_torchs(shape, name):
    assert tensor_bytes(shape, itemsize(name)) == torch.empty(shape, dtype=getattr(torch, name)).nbytes


@given(SIZE, SIZE, SIZE, SIZE, st.sampled_from(["uint8", "float16", "float32"]))
def test_frames_and_features_are_torchs(count, height, width, channels, name):
    dtype = getattr(torch, name)
    frames = torch.empty(count, channels, height, width, dtype=dtype)
    assert frames_bytes(count, height, width, name, channels) == frames.nbytes
    assert feature_bytes(count, channels, 8 * height, 8 * width, 8, name) == frames.nbytes


@given(SIZE, SIZE, SIZE)
def test_uint8_is_a_quarter_and_two_batches_are_twice_one(count, height, width):
    assert 4 * frames_bytes(count, height, width, "uint8") == frames_bytes(count, height, width)
    assert 2 * batch_bytes(count, 6, height, width) == batch_bytes(2 * count, 6, height, width)


@pytest.mark.parametrize("name", ["uint8", "float32"])
def test_batch_bytes_are_those_of_a_real_batch(name):
    clip = ProceduralClip(ClipConfig(frames=11, height=32, width=48, layers=1))
    window = FrameWindow.uniform(6, 2).at(4, len(clip))
    sample = build_sample(clip, window, whole_frames(clip.size), key="k", dtype=getattr(torch, name))
    batch = collate([sample, sample])
    parts = [batch["frames"], batch["gt"], batch["times"], batch["valid"], batch["timestep"]]
    assert sum(part.nbytes for part in parts) == batch_bytes(2, 6, 32, 48, name)
    assert batch["ref_frames"].untyped_storage().data_ptr() == batch["frames"].untyped_storage().data_ptr()


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0.000 MB"), (344_064, "0.344 MB"), (999_600, "1.0 MB"), (99_960_000, "100 MB"), (-2_500_000, "-2.5 MB")],
)
def test_megabytes_keep_about_three_digits(count, said):
    assert megabytes(count) == said


@pytest.mark.parametrize(
    "call",
    [
        lambda: frames_bytes(0, 256, 448),
        lambda: frames_bytes(15, -1, 448),
        lambda: frames_bytes(15, 256.0, 448),
        lambda: frames_bytes(True, 256, 448),
        lambda: frames_bytes(15, 256, 448, "float23"),
        lambda: sample_bytes(0, 256, 448),
        lambda: batch_bytes("4", 6, 256, 448),
        lambda: tensor_bytes([2, -3], 4),
        lambda: tensor_bytes([2, 3], 0),
        lambda: feature_bytes(2, 128, 256, 256, 0),
    ],
)
def test_nonsense_is_a_config_error_that_says_what_to_give(call):
    with pytest.raises(ConfigError, match=r"Give a whole number|Name one of"):
        call()


def test_a_size_that_the_scale_does_not_divide_is_refused():
    with pytest.raises(ConfigError, match="width of 450 is not a multiple of the scale 16"):
        feature_bytes(2, 128, 256, 450, 16)


def test_whole_numbers_of_numpy_are_taken():
    assert frames_bytes(np.int64(15), 256, 448) == frames_bytes(15, 256, 448)


def test_a_window_keeps_what_the_ledger_says_of_its_features():
    config = preset("lift_tiny")
    with torch.device("meta"):
        features = LIFT(config).encode(torch.empty(1, 6, 3, 64, 96))
    pyramids = features.reference_0.pyramid, features.reference_1.pyramid
    kept = {4: sum(p.s4.nbytes for p in pyramids), 8: sum(p.s8.nbytes for p in pyramids), 16: features.s16.nbytes}
    assert pyramid_bytes(6, config.widths, 64, 96) == kept


def test_a_pyramid_of_which_all_frames_keep_everything():
    whole = pyramid_bytes(15, (128, 192, 256), 256, 256, references=15)
    assert megabytes(sum(whole.values())) == "47.2 MB"
    assert [megabytes(size) for size in whole.values()] == ["31.5 MB", "11.8 MB", "3.9 MB"]


def test_windows_of_15_frames_make_113_pairs_and_the_saving_grows():
    assert window_pairs(15, 8) == 113
    assert window_pairs(15, 15) == 225
    assert window_pairs(64, 64) == 8 * window_pairs(64, 8)


@given(st.integers(1, 40), st.integers(1, 12), st.booleans())
def test_window_pairs_are_those_that_share_a_window(frames, window, shifted):
    lead = window // 2 if shifted and frames > window else 0
    place = [(index + lead) // window if frames > window else 0 for index in range(frames)]
    assert window_pairs(frames, window, shifted=shifted) == sum(a == b for a in place for b in place)


@given(SIZE, SIZE, SIZE, SIZE)
def test_scores_are_what_the_plain_formula_of_attention_makes(batch, places, heads, frames):
    queries = torch.empty(batch, places, heads, frames, 4)
    scores = queries @ queries.transpose(-1, -2)
    assert score_bytes(window_pairs(frames, 99), places, heads, batch) == scores.nbytes
    references = queries[..., :1, :] @ queries.transpose(-1, -2)
    assert score_bytes(frames, places, heads, batch) == references.nbytes


def test_tokens_are_those_of_the_model():
    config = preset("lift_tiny")
    with torch.device("meta"):
        temporal = LIFT(config).temporal
        s16 = torch.empty(2, 6, config.widths[2], 4, 6)
        _, tokens = temporal.attend(s16, torch.empty(2, 6), torch.ones(2, 6, dtype=torch.bool))
    assert token_bytes(6, config.token_width, 64, 96, batch=2) == tokens.nbytes


def test_the_training_state_is_what_adamw_and_an_average_hold():
    model = torch.nn.Linear(300, 200)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 300)).sum().backward()
    optimizer.step()
    state = training_state(sum(p.numel() for p in model.parameters()))
    moments = [v for values in optimizer.state.values() for v in values.values() if v.ndim]
    assert state.parameters == state.average == sum(p.nbytes for p in model.parameters())
    assert state.gradients == sum(p.grad.nbytes for p in model.parameters())
    assert state.optimizer == sum(moment.nbytes for moment in moments)
    assert state.total == 5 * state.parameters


@pytest.mark.parametrize(
    "call",
    [
        lambda: window_pairs(0, 8),
        lambda: window_pairs(8, 0),
        lambda: score_bytes(4, 0, 8),
        lambda: token_bytes(6, 96, 64, 64, batch=0),
        lambda: training_state(-1),
        lambda: pyramid_bytes(6, (32, 64), 64, 64),
    ],
)
def test_nonsense_about_attention_and_training_is_a_config_error(call):
    with pytest.raises(ConfigError):
        call()
