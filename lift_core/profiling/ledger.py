"""The ledger: bytes of frames, features, attention and training state, predicted before anything is made."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from lift_core.errors import ConfigError

DTYPE_BYTES = MappingProxyType({"uint8": 1, "bool": 1, "float16": 2, "bfloat16": 2, "float32": 4, "float64": 8})
"""Bytes of one number, by the name of its type."""

_MEGABYTE = 10**6


def itemsize(dtype: str) -> int:
    """Bytes of one number of a type named as in ``DTYPE_BYTES``.

    Raises:
        ConfigError: an unknown name.
    """
    if dtype not in DTYPE_BYTES:
        raise ConfigError(f"the ledger knows no dtype {dtype!r}.", fix=f"Name one of {', '.join(DTYPE_BYTES)}.")
    return DTYPE_BYTES[dtype]


def tensor_bytes(shape: Sequence[int], itemsize: int) -> int:
    """Bytes of a dense tensor: the product of its shape times the bytes of one number.

    Raises:
        ConfigError: a size that is not a whole number of 0 or more, or an ``itemsize`` below 1.
    """
    sizes = [_whole(f"size {place} of a shape", size, least=0) for place, size in enumerate(shape)]
    return math.prod(sizes) * _whole("itemsize", itemsize)


def frames_bytes(count: int, height: int, width: int, dtype: str = "float32", channels: int = 3) -> int:
    """Bytes of ``count`` frames of ``height`` × ``width`` pixels.

    Raises:
        ConfigError: a number below 1 or not whole, or an unknown dtype.
    """
    shape = [
        _whole("count", count),
        _whole("channels", channels),
        _whole("height", height),
        _whole("width", width),
    ]
    return tensor_bytes(shape, itemsize(dtype))


def sample_bytes(context: int, height: int, width: int, dtype: str = "float32") -> int:
    """Bytes of one sample: ``context`` frames and the true one between them, and what is known of their times.

    For each context frame the time (float32) and whether it is valid (bool), once the timestep (float32). The two
    references are a view of the context and cost nothing.

    Raises:
        ConfigError: a number below 1 or not whole, or an unknown dtype.
    """
    pictures = frames_bytes(_whole("context", context) + 1, height, width, dtype)
    times = tensor_bytes([context], itemsize("float32"))
    valid = tensor_bytes([context], itemsize("bool"))
    return pictures + times + valid + itemsize("float32")


def batch_bytes(batch: int, context: int, height: int, width: int, dtype: str = "float32") -> int:
    """Bytes of ``batch`` samples, see ``sample_bytes``.

    Raises:
        ConfigError: a number below 1 or not whole, or an unknown dtype.
    """
    return _whole("batch", batch) * sample_bytes(context, height, width, dtype)


def feature_bytes(frames: int, channels: int, height: int, width: int, scale: int, dtype: str = "float32") -> int:
    """Bytes of the features of ``frames`` frames on the grid of ``1/scale`` of their size.

    Args:
        frames: how many.
        channels: of the features.
        height, width: of the frames in pixels, multiples of ``scale``: the encoder sees padded frames.
        scale: 4, 8, 16, …
        dtype: of the features.

    Raises:
        ConfigError: a number below 1 or not whole, a size that ``scale`` does not divide, or an unknown dtype.
    """
    _whole("scale", scale)
    for name, size in (("height", height), ("width", width)):
        if _whole(name, size) % scale:
            raise ConfigError(
                f"a {name} of {size} is not a multiple of the scale {scale}.",
                fix="Give the size after padding, a multiple of 32.",
            )
    return frames_bytes(frames, height // scale, width // scale, dtype, channels)


def pyramid_bytes(
    frames: int,
    widths: Sequence[int],
    height: int,
    width: int,
    dtype: str = "float32",
    *,
    scales: Sequence[int] = (4, 8, 16),
    references: int = 2,
) -> dict[int, int]:
    """Bytes of what a window keeps of its features, by scale: of all frames the deepest, of the references all.

    Args:
        frames: of the window.
        widths: channels at each scale.
        height, width: of the frames in pixels, multiples of every scale.
        dtype: of the features.
        scales: finest first.
        references: frames that keep every scale; as many as ``frames`` for a pyramid that keeps everything.

    Raises:
        ConfigError: see ``feature_bytes``; or not as many widths as scales.
    """
    if len(widths) != len(scales):
        raise ConfigError(f"{len(widths)} widths for {len(scales)} scales.", fix="Give each scale its channels.")
    kept = dict.fromkeys(scales, references) | {max(scales): frames}
    return {
        scale: feature_bytes(kept[scale], channels, height, width, scale, dtype)
        for scale, channels in zip(scales, widths, strict=True)
    }


def window_pairs(frames: int, window: int, *, shifted: bool = False) -> int:
    """Pairs of frames that attend to each other within windows: the sum of the squares of the windows' lengths.

    15 frames in windows of 8 make 8² + 7² = 113 pairs, where full attention (a window of 15 or more) makes 225.

    Args:
        frames: T.
        window: frames of one window.
        shifted: the first window starts half a window before the first frame; with all frames in one window there
            is nothing to shift.

    Raises:
        ConfigError: a number below 1 or not whole.
    """
    _whole("frames", frames)
    if frames <= _whole("window", window):
        return frames**2
    lead = window // 2 if shifted else 0
    ends = [0, *range(window - lead, frames, window), frames]
    return sum((end - start) ** 2 for start, end in pairwise(ends))


def score_bytes(pairs: int, places: int, heads: int, batch: int = 1, dtype: str = "float32") -> int:
    """Bytes of one layer's attention scores, were they written out; fused attention never does.

    Args:
        pairs: of frames, see ``window_pairs``; for cross attention queries times keys: 2 references that look at
            every frame make ``2 * T``.
        places: of tokens in one frame: one for each 32 x 32 pixels in LIFT.
        heads: of the attention.
        batch: samples.
        dtype: of the scores.

    Raises:
        ConfigError: a number below 1 or not whole, or an unknown dtype.
    """
    shape = [_whole("batch", batch), _whole("places", places), _whole("heads", heads), _whole("pairs", pairs)]
    return tensor_bytes(shape, itemsize(dtype))


def token_bytes(
    frames: int, channels: int, height: int, width: int, batch: int = 1, dtype: str = "float32", *, patch: int = 32
) -> int:
    """Bytes of the tokens of ``batch`` windows of ``frames`` frames, one for each ``patch`` x ``patch`` pixels.

    Raises:
        ConfigError: see ``feature_bytes``.
    """
    return _whole("batch", batch) * feature_bytes(frames, channels, height, width, patch, dtype)


@dataclass(frozen=True)
class TrainingState:
    """Bytes that training holds for the weights, whatever the batch.

    Attributes:
        parameters: the weights. gradients: one for each. optimizer: AdamW's two moments of each.
        average: the moving average that is validated and exported.
    """

    parameters: int
    gradients: int
    optimizer: int
    average: int

    @property
    def total(self) -> int:
        return self.parameters + self.gradients + self.optimizer + self.average


def training_state(parameters: int, dtype: str = "float32") -> TrainingState:
    """What AdamW with a moving average holds for ``parameters`` weights: five times their bytes.

    Mixed precision keeps all of it in float32; only activations are halved.

    Raises:
        ConfigError: a number below 1 or not whole, or an unknown dtype.
    """
    size = tensor_bytes([_whole("parameters", parameters)], itemsize(dtype))
    return TrainingState(size, size, 2 * size, size)


def megabytes(count: float) -> str:
    """Write a number of bytes as text in MB of 10^6 bytes: ``20.6 MB``, ``201 MB``, ``0.344 MB``."""
    value = count / _MEGABYTE
    size = abs(value)
    decimals = 0 if size >= 99.95 else 1 if size >= 0.9995 else 3
    return f"{value:.{decimals}f} MB"


def _whole(name: str, value: int, least: int = 1) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or isinstance(value, bool):
        raise ConfigError(f"{name} is {value!r}.", fix=f"Give a whole number of {least} or more.")
    return number
