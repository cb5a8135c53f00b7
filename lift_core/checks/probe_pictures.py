"""Pictures for checks to try: small, different at every pixel, and smooth enough to see what went wrong with them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def probe_picture(height: int, width: int, *seed: int) -> NDArray[np.uint8]:
    """A blurred patchwork of colours with a little noise, RGB uint8 ``[height, width, 3]``, fixed by the seed."""
    rng = np.random.default_rng(seed)
    patches = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    smooth = cv2.resize(patches, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.int16)
    noisy = smooth + rng.integers(-6, 7, (height, width, 3), dtype=np.int16)
    return np.asarray(noisy.clip(0, 255), np.uint8)
