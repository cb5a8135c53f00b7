"""Pictures for notebooks: frames and figures as JPEG, small enough to be committed with the notebook."""

from __future__ import annotations

import io

import numpy as np
from IPython.display import Image as Shown
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image as Pillow

Image = NDArray[np.uint8]

_ENCODING = {"quality": 85, "subsampling": "4:2:0"}


def picture(content: Image | Figure, *, width: int | None = None, dpi: int = 80) -> Shown:
    """Make something to show in a notebook: the last value of a cell, or an argument of ``display``.

    JPEG is lossy: measure on the frames, never on what this shows.

    Args:
        content: RGB uint8 ``[H, W, 3]``, or a matplotlib figure.
        width: of the picture on the page, in pixels; by default its own.
        dpi: pixels per inch of a figure.
    """
    buffer = io.BytesIO()
    if isinstance(content, Figure):
        content.savefig(buffer, format="jpeg", dpi=dpi, pil_kwargs=_ENCODING)
    else:
        Pillow.fromarray(content).save(buffer, "jpeg", **_ENCODING)
    return Shown(data=buffer.getvalue(), format="jpeg", width=width)
