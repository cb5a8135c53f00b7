"""Pictures for notebooks: what a cell shows is the frame or figure, in a size fit to be committed."""

from __future__ import annotations

import cv2
import numpy as np
from matplotlib.figure import Figure

from lift_core.viz.notebook import picture


def decoded(shown):
    """The picture as OpenCV reads it from what IPython would send to the browser, RGB."""
    return cv2.imdecode(np.frombuffer(shown.data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def test_a_frame_is_shown_as_it_is_apart_from_jpeg_noise():
    y, x = np.mgrid[:45, :71]
    frame = np.stack([3 * x, 5 * y, 200 - 2 * x], axis=-1).astype(np.uint8)
    shown = decoded(picture(frame))
    assert shown.shape == frame.shape
    assert np.abs(shown.astype(int) - frame).mean() < 3


def test_a_figure_is_drawn_at_its_dpi():
    figure = Figure(figsize=(4, 3))
    figure.set_facecolor((1.0, 0.0, 0.0))
    shown = decoded(picture(figure, dpi=50))
    assert shown.shape == (150, 200, 3)
    assert np.abs(shown.astype(int) - (255, 0, 0)).max() < 8


def test_width_stretches_the_picture_on_the_page_only():
    frame = np.zeros((20, 30, 3), np.uint8)
    shown = picture(frame, width=300)
    assert decoded(shown).shape == frame.shape
    assert shown._repr_mimebundle_()[1]["image/jpeg"]["width"] == 300
