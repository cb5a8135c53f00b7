"""A player for notebooks: labelled clips side by side, in step, as one video inside the page."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import chain

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from matplotlib import get_data_path
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from lift_core.errors import ConfigError, ShapeError

Image = NDArray[np.uint8]

_FONT_PIXELS = 15
_LABEL_HEIGHT = 24
_GAP = 8
_GROUND = 24
_LETTERS = 235
_CRF = 24
"""Quality of libx264: a clip of two seconds is to stay small enough to be committed with a notebook."""


@dataclass(frozen=True)
class Player:
    """What a cell shows: a video that plays at once, in a loop, without sound, and can be paused.

    Attributes:
        mp4: the file, H.264 in 4:2:0.
        size: height and width in pixels.
        caption: shown below; the text for those who do not see the video.
    """

    mp4: bytes
    size: tuple[int, int]
    caption: str

    def __str__(self) -> str:
        return f"Video: {self.caption}"

    def to_html(self) -> str:
        """The video with its data inside, its caption below."""
        said = html.escape(self.caption, quote=True)
        data = base64.b64encode(self.mp4).decode()
        height, width = self.size
        return (
            '<figure style="margin: 4px 0">'
            f'<video controls autoplay loop muted playsinline width="{width}" height="{height}"'
            f' style="max-width: 100%; height: auto" aria-label="{said}">'
            f'<source src="data:video/mp4;base64,{data}" type="video/mp4">'
            f"This page cannot play the video. It shows: {said}</video>"
            f"<figcaption>{said}</figcaption></figure>"
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self.to_html()}


def player(clips: Mapping[str, Sequence[Image]], *, fps: float, caption: str) -> Player:
    """Play labelled clips side by side in a notebook.

    H.264 is lossy: measure on the frames, never on what this shows.

    Args:
        clips: by label RGB uint8 frames ``[H, W, 3]``, as many of one size in each clip.
        fps: frames per second.
        caption: a sentence that says what is to be seen; the labels and the length are added to it.

    Returns:
        Something to show: the last value of a cell, or an argument of ``display``.

    Raises:
        ShapeError: no clips, no frames, or clips of different lengths or sizes.
        ConfigError: an ``fps`` that is not positive, or no caption.
    """
    if not 0 < fps <= 1000:
        raise ConfigError(f"a video of {fps} frames per second.", fix="Give a number above 0, at most 1000.")
    if not caption.strip():
        raise ConfigError("a video without a caption.", fix="Say in a sentence what is to be seen.")
    count = _common_length(clips)
    pictures = (_side_by_side({label: frames[number] for label, frames in clips.items()}) for number in range(count))
    mp4, size = _encode(pictures, Fraction(fps).limit_denominator(1001))
    places = "From left to right: " if len(clips) > 1 else "Shown: "
    said = f"{caption.strip()} {places}{' | '.join(clips)}. {count / fps:.1f} seconds, in a loop."
    return Player(mp4, size, said)


def _common_length(clips: Mapping[str, Sequence[Image]]) -> int:
    lengths = {label: len(frames) for label, frames in clips.items()}
    shapes = {np.shape(frame) for frames in clips.values() for frame in frames}
    if len(set(lengths.values())) != 1 or 0 in lengths.values():
        raise ShapeError(f"clips of these lengths do not play in step: {lengths}.", fix="Give as many frames in each.")
    if len(shapes) != 1 or len(shape := next(iter(shapes))) != 3 or shape[2] != 3:
        raise ShapeError(f"frames of shapes {sorted(shapes)}.", fix="Give RGB uint8 [H, W, 3] of one size.")
    return next(iter(lengths.values()))


def _side_by_side(frames: Mapping[str, Image]) -> Image:
    """One picture of the video: each frame under its label; both sides are even, as 4:2:0 asks."""
    height, width = next(iter(frames.values())).shape[:2]
    cell = max(width, *(_label(label).width + 8 for label in frames))
    total_height, total_width = _LABEL_HEIGHT + height, len(frames) * (cell + _GAP) - _GAP
    sheet = Pillow.new("RGB", (total_width + total_width % 2, total_height + total_height % 2), (_GROUND,) * 3)
    for number, (label, frame) in enumerate(frames.items()):
        left = number * (cell + _GAP)
        sheet.paste(_label(label), (left + 4, 0))
        sheet.paste(Pillow.fromarray(np.ascontiguousarray(frame)), (left, _LABEL_HEIGHT))
    return np.asarray(sheet)


@cache
def _label(text: str) -> Pillow.Image:
    font = ImageFont.truetype(f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf", _FONT_PIXELS)
    picture = Pillow.new("RGB", (max(1, round(font.getlength(text)) + 1), _LABEL_HEIGHT), (_GROUND,) * 3)
    ImageDraw.Draw(picture).text((0, _LABEL_HEIGHT / 2), text, font=font, fill=(_LETTERS,) * 3, anchor="lm")
    return picture


def _encode(pictures: Iterator[Image], rate: Fraction) -> tuple[bytes, tuple[int, int]]:
    """Pictures of one even size as MP4: H.264, BT.709, limited range."""
    buffer = io.BytesIO()
    first = next(pictures)
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": str(_CRF), "preset": "slow"})
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuv420p"
        # x264's bits depend on the number of threads: one makes equal clips equal outputs, whatever the machine.
        stream.thread_count = 1
        # Numbers of ITU-T H.273: 1 is BT.709, 1 in the range field is limited.
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = context.color_range = 1
        for picture in chain([first], pictures):
            container.mux(stream.encode(_converted(picture)))
        container.mux(stream.encode())
    return buffer.getvalue(), (first.shape[0], first.shape[1])


def _converted(picture: Image) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
        format="yuv420p",
        src_colorspace=Colorspace.ITU709,
        dst_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
    )
