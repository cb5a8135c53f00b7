"""A panel to explore interpolation by hand: a clip, a place in it, a time t, and the frame made for them."""

from __future__ import annotations

import base64
import html
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ipywidgets as widgets  # type: ignore[import-untyped]
import numpy as np
from IPython.display import display
from numpy.typing import NDArray

from lift_core.errors import ConfigError, LiftError, SourceError
from lift_core.viz.figures import contact_sheet
from lift_core.viz.notebook import picture

Image = NDArray[np.uint8]
Clip = Sequence[Image]

_STRIP_TIMES = (0.0, 0.25, 0.5, 0.75, 1.0)
_STRIP_CELL = 158
_STYLE = {"description_width": "110px"}


class FrameExplorer:
    """A panel of widgets that shows the frame between two frames of a clip.

    The last value of a cell, or ``show()``. A page that runs no widgets gets a strip of five frames in its place.

    Args:
        between: makes the frame at time ``t`` strictly between 0 and 1 from two frames, RGB uint8 ``[H, W, 3]``.
        clips: by name what gives the clip's frames, two or more; called when the clip is chosen.
        open_file: gives the frames of a file that the user names, ``~`` expanded; without, there is no field for it.
        width: of the picture on the page, in pixels.

    A ``LiftError`` of any of these is said in the panel, and the picture before it stays.

    Raises:
        ConfigError: no clips.
    """

    def __init__(
        self,
        between: Callable[[Image, Image, float], Image],
        clips: Mapping[str, Callable[[], Clip]],
        *,
        open_file: Callable[[str], Clip] | None = None,
        width: int = 512,
    ) -> None:
        if not clips:
            raise ConfigError("there are no clips to explore.", fix="Give at least one.")
        self._between, self._clips, self._open_file = between, dict(clips), open_file
        self._name, self._quiet = "", False
        self._frames: Clip = []
        self._make_widgets(width)
        self._choose(next(iter(self._clips)))

    def show(self) -> None:
        """Display the panel from anywhere in a cell."""
        display(self)

    def _make_widgets(self, width: int) -> None:
        wide = widgets.Layout(width=f"{width}px")
        self.clip = widgets.Dropdown(options=list(self._clips), description="clip", style=_STYLE, layout=wide)
        self.pair = widgets.IntSlider(
            value=0, min=0, max=0, description="after frame", continuous_update=False, style=_STYLE, layout=wide
        )
        self.t = widgets.FloatSlider(
            value=0.5,
            min=0,
            max=1,
            step=0.05,
            description="time t",
            continuous_update=False,
            style=_STYLE,
            layout=wide,
        )
        self.path = widgets.Text(description="your own file", placeholder="path of a video", style=_STYLE)
        self.button = widgets.Button(description="open", tooltip="Open the file named on the left")
        self.image = widgets.Image(format="jpeg", layout=wide)
        self.caption = widgets.HTML()
        own = [] if self._open_file is None else [widgets.HBox([self.path, self.button])]
        self.panel = widgets.VBox([self.clip, *own, self.pair, self.t, self.image, self.caption])
        self.clip.observe(lambda change: self._choose(change["new"]), names="value")
        self.pair.observe(lambda _: self._update(), names="value")
        self.t.observe(lambda _: self._update(), names="value")
        self.button.on_click(lambda _: self._open())

    def _choose(self, name: str) -> None:
        """Load a clip and show its first pair; where that fails the clip before stays."""
        if self._quiet:
            return
        with self._reporting(f"Loading {name} …"):
            frames = _of_two_or_more(self._clips[name](), name)
            self._name, self._frames = name, frames
            with self._silently():
                self.pair.value = 0
                self.pair.max = len(frames) - 2
            self._update()
        if self._name:
            with self._silently():
                self.clip.value = self._name

    def _open(self) -> None:
        assert self._open_file is not None
        # File managers copy a path with quotes around it.
        path = os.path.expanduser(self.path.value.strip(" \t'\""))
        if not path:
            self._say("Write the path of a file into the field first.")
            return
        with self._reporting(f"Opening {path} …"):
            frames = _of_two_or_more(self._open_file(path), path)
            name = Path(path).name if Path(path).name not in self._clips else path
            self._clips[name] = lambda: frames
            with self._silently():
                self.clip.options = list(self._clips)
                self.clip.value = name
            self._choose(name)

    def _update(self) -> None:
        """Make the frame that the sliders ask for, and say what it is."""
        if self._quiet:
            return
        first, t = self.pair.value, self.t.value
        place = f"{self._name}, frames {first} and {first + 1}, t = {t:.2f}"
        with self._reporting(f"{place}: computing …"):
            self.image.value = picture(self._frame_at(t)).data
            self._say(f"{place}. {_meaning(first, t)}")

    def _frame_at(self, t: float) -> Image:
        a, b = self._frames[self.pair.value], self._frames[self.pair.value + 1]
        return a if t <= 0 else b if t >= 1 else self._between(a, b, t)

    def _say(self, text: str) -> None:
        self.caption.value = f'<div role="status" aria-live="polite" style="line-height: 1.5">{html.escape(text)}</div>'

    @contextmanager
    def _reporting(self, working: str) -> Iterator[None]:
        """Say what is going on, and put an error that the user can mend in its place."""
        self._say(working)
        try:
            yield
        except LiftError as error:
            kept = f" (The picture is still of {self._name}.)" if self.image.value else ""
            self._say(f"✗ {error}{kept}")

    @contextmanager
    def _silently(self) -> Iterator[None]:
        """Set widgets without an answer to their change."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def __str__(self) -> str:
        if not self._frames:
            return "Frame explorer: no clip could be loaded."
        first = self.pair.value
        times = ", ".join(f"{t:g}" for t in _STRIP_TIMES)
        return (
            f"Frame explorer: {self._name}, {len(self._frames)} frames. Without widgets this is a strip of the frames"
            f" at t = {times} from frame {first} to frame {first + 1}; the first and the last are known."
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """The panel, and for pages without widgets a strip and a sentence."""
        bundle: dict[str, Any] = dict(self.panel._repr_mimebundle_())
        bundle["text/plain"] = str(self)
        try:
            strip = [self._frame_at(t) for t in _STRIP_TIMES] if self._frames else []
        except LiftError as error:
            bundle["text/plain"] += f" They could not be made: {error}"
            strip = []
        if strip:
            labels = [f"t = {t:g}" + (" (known)" if t in (0, 1) else "") for t in _STRIP_TIMES]
            sheet = contact_sheet(strip, columns=len(strip), cell_width=_STRIP_CELL, labels=labels)
            bundle["image/jpeg"] = base64.b64encode(picture(sheet).data).decode()
        return bundle


def _of_two_or_more(frames: Clip, name: str) -> Clip:
    if len(frames) < 2:
        raise SourceError(
            f"this clip has {len(frames)} frame{'' if len(frames) == 1 else 's'}.",
            where=name,
            fix="Choose a clip of two or more.",
        )
    return frames


def _meaning(first: int, t: float) -> str:
    if t <= 0 or t >= 1:
        return f"This is frame {first if t <= 0 else first + 1} itself, which was known."
    return f"This frame was made: it lies {t:.0%} of the way from frame {first} to frame {first + 1}."
