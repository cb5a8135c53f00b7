"""Tests of the figures: what they say, what they show where, and what they refuse."""

from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest

from lift_core.errors import OutputError, ShapeError
from lift_core.metrics import psnr
from lift_core.viz.figures import before_after, contact_sheet, save_figure


@pytest.fixture
def frames():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (24, 36, 3), dtype=np.uint8) for _ in range(5)]


def texts(figure):
    return [axis.get_title() for axis in figure.axes]


def test_before_after_names_every_method_with_its_psnr(frames):
    before, truth, after, worse = frames[:4]
    better = np.clip(truth.astype(int) + 3, 0, 255).astype(np.uint8)
    figure, alt = before_after((before, after), truth, {"blend": worse, "lift, T=6": better}, title="a clip")
    assert f"blend: {psnr(worse, truth):.2f} dB" in texts(figure)
    assert f"lift, T=6: {psnr(better, truth):.2f} dB" in texts(figure)
    assert alt.index("lift, T=6") < alt.index("blend")
    assert f"{psnr(worse, truth):.2f}" in alt


def test_before_after_shows_the_frames_themselves_and_true_errors(frames):
    before, truth, after, made = frames[:4]
    figure, _ = before_after((before, after), truth, {"blend": made})
    shown = {axis.get_title(): axis.images[0].get_array() for axis in figure.axes if axis.images}
    assert np.array_equal(shown["reference before"], before)
    assert np.array_equal(shown["reference after"], after)
    assert np.array_equal(shown["true frame (hidden)"], truth)
    error = next(array for title, array in shown.items() if title.startswith("error of blend"))
    expected = np.abs(made.astype(np.float64) - truth.astype(np.float64)).mean(axis=2)
    assert np.abs(error - expected).max() < 1e-4


def test_all_error_maps_share_one_scale(frames):
    before, truth, after, bad = frames[:4]
    figure, _ = before_after((before, after), truth, {"bad": bad, "exact": truth})
    limits = {a.images[0].get_clim() for a in figure.axes if a.get_title().startswith("error of")}
    assert len(limits) == 1


@pytest.mark.parametrize("count", [1, 4])
def test_saved_figure_is_a_png_that_carries_its_sentence(frames, tmp_path, count):
    before, truth, after = frames[:3]
    made = {f"method {k}": frames[3] for k in range(count)}
    figure, alt = before_after((before, after), truth, made)
    save_figure(figure, tmp_path / "figure.png", alt)
    data = (tmp_path / "figure.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    assert alt.encode("latin-1") in data
    assert [p.name for p in tmp_path.iterdir()] == ["figure.png"]


def test_a_figure_that_cannot_be_written_is_an_output_error(frames, tmp_path):
    (tmp_path / "file").write_text("in the way")
    figure, alt = before_after((frames[0], frames[1]), frames[2], {"a": frames[3]})
    with pytest.raises(OutputError):
        save_figure(figure, tmp_path / "file" / "figure.png", alt)


@pytest.mark.parametrize("made", [{}, {str(k): np.zeros((24, 36, 3), np.uint8) for k in range(5)}])
def test_before_after_refuses_no_method_and_too_many(frames, made):
    with pytest.raises(ShapeError, match="one to four"):
        before_after((frames[0], frames[1]), frames[2], made)


def test_before_after_refuses_frames_of_different_sizes(frames):
    with pytest.raises(ShapeError, match="cannot be compared"):
        before_after((frames[0], frames[1]), frames[2], {"a": frames[3][:-1]})


def test_contact_sheet_places_frames_in_reading_order(frames):
    sheet = contact_sheet(frames, columns=3, cell_width=36)
    cell_height = 22 + 24 + 4
    for number, frame in enumerate(frames):
        top, left = 4 + number // 3 * cell_height + 22, 4 + number % 3 * 40
        assert np.array_equal(sheet[top : top + 24, left : left + 36], frame)
    assert sheet.shape == (2 * cell_height + 4, 3 * 40 + 4, 3)


def test_contact_sheet_scales_to_the_cell_and_labels_it(frames):
    sheet = contact_sheet(frames[:1], cell_width=72, labels=["t=0.5"])
    expected = cv2.resize(frames[0], (72, 48), interpolation=cv2.INTER_CUBIC)
    assert np.array_equal(sheet[26:74, 4:76], expected)
    assert sheet[4:26, 4:76].max() > 200


@pytest.mark.parametrize(("count", "labels"), [(0, None), (2, ["one"])])
def test_contact_sheet_refuses_no_frames_and_missing_labels(frames, count, labels):
    with pytest.raises(ShapeError):
        contact_sheet(frames[:count], labels=labels)


def test_figures_use_neither_inference_nor_training():
    code = "import sys, lift_core.viz.figures; print([m for m in sys.modules if m.startswith('lift_core')])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "inference" not in loaded
    assert "training" not in loaded
