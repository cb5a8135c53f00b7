"""The explorer makes the frame that its widgets ask for, says what goes wrong, and has a picture without widgets."""

from __future__ import annotations

import base64
import html
import re

import cv2
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from lift_core.errors import ConfigError, FrameReadError, ShapeError, SourceError
from lift_core.viz.explorer import FrameExplorer

WIDGET = "application/vnd.jupyter.widget-view+json"


def clip(count, base):
    """Flat grey frames: JPEG keeps them, and a blend is told from both ends."""
    return [np.full((24, 40, 3), base + 10 * number, np.uint8) for number in range(count)]


class Blend:
    """A method that counts its calls and notes what the panel said meanwhile."""

    def __init__(self):
        self.calls, self.said, self.explorer = [], [], None

    def __call__(self, a, b, t):
        self.calls.append((int(a[0, 0, 0]), int(b[0, 0, 0]), t))
        if self.explorer is not None:
            self.said.append(caption(self.explorer))
        return np.rint((1 - t) * a + t * b).astype(np.uint8)


def decoded(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def grey(explorer):
    return float(decoded(explorer.image.value).mean())


def caption(explorer):
    return html.unescape(re.sub("<[^>]*>", "", explorer.caption.value))


def missing():
    raise SourceError("there is no such <clip>.", where="b.mp4", fix="Look again.")


def opened(path):
    if path.endswith(".txt"):
        raise SourceError("this is no video.", where=path)
    return clip(1 if "still" in path else 4, 200)


@pytest.fixture
def blend():
    return Blend()


@pytest.fixture
def explorer(blend):
    made = FrameExplorer(
        blend,
        {"first": lambda: clip(5, 50), "second": lambda: clip(9, 100), "gone": missing, "one": lambda: clip(1, 0)},
        open_file=opened,
    )
    blend.explorer = made
    return made


def test_it_begins_with_the_middle_of_the_first_pair(explorer, blend):
    assert blend.calls == [(50, 60, 0.5)]
    assert grey(explorer) == pytest.approx(55, abs=1)
    assert caption(explorer) == (
        "first, frames 0 and 1, t = 0.50. This frame was made: it lies 50% of the way from frame 0 to frame 1."
    )
    assert explorer.pair.max == 3


def test_sliders_choose_pair_and_time(explorer, blend):
    explorer.pair.value = 2
    explorer.t.value = 0.9
    assert blend.calls[1:] == [(70, 80, 0.5), (70, 80, 0.9)]
    assert grey(explorer) == pytest.approx(79, abs=1)
    assert "frames 2 and 3, t = 0.90" in caption(explorer)


@pytest.mark.parametrize(("t", "value", "frame"), [(0, 50, 0), (1, 60, 1)])
def test_the_ends_are_the_clips_own_frames(explorer, blend, t, value, frame):
    explorer.t.value = t
    assert len(blend.calls) == 1
    assert grey(explorer) == pytest.approx(value, abs=1)
    assert f"This is frame {frame} itself" in caption(explorer)


def test_a_chosen_clip_is_loaded_then_and_computed_once(blend):
    loaded = []
    clips = {name: lambda name=name: loaded.append(name) or clip(5, 50) for name in ("a", "b")}
    explorer = FrameExplorer(blend, clips)
    explorer.pair.value = 3
    assert loaded == ["a"]
    calls = len(blend.calls)
    explorer.clip.value = "b"
    assert loaded == ["a", "b"]
    assert len(blend.calls) == calls + 1
    assert explorer.pair.value == 0


def test_a_longer_clip_widens_the_slider_and_a_shorter_one_narrows_it(explorer):
    explorer.clip.value = "second"
    assert explorer.pair.max == 7
    explorer.pair.value = 7
    explorer.clip.value = "first"
    assert explorer.pair.max == 3
    assert "frames 0 and 1" in caption(explorer)


def test_while_it_computes_the_panel_says_so(explorer, blend):
    explorer.t.value = 0.25
    assert blend.said == ["first, frames 0 and 1, t = 0.25: computing …"]


def test_a_clip_that_cannot_be_loaded_is_said_and_the_old_one_stays(explorer):
    before = explorer.image.value
    explorer.clip.value = "gone"
    assert caption(explorer) == ("✗ there is no such <clip>. [b.mp4] Look again. (The picture is still of first.)")
    assert "&lt;clip&gt;" in explorer.caption.value
    assert explorer.clip.value == "first"
    assert explorer.image.value == before
    explorer.t.value = 0.75
    assert "first, frames 0 and 1, t = 0.75" in caption(explorer)


def test_a_clip_of_one_frame_is_refused_in_words(explorer):
    explorer.clip.value = "one"
    assert "this clip has 1 frame." in caption(explorer)
    assert explorer.clip.value == "first"


def test_an_error_of_the_method_is_said(explorer, blend):
    def refuse(a, b, t):
        raise ShapeError("frames of two sizes.")

    explorer._between = refuse
    explorer.t.value = 0.3
    assert caption(explorer).startswith("✗ frames of two sizes.")


def test_another_error_is_not_hidden(explorer):
    explorer._between = lambda a, b, t: 1 / 0
    with pytest.raises(ZeroDivisionError):
        explorer.t.value = 0.3


def test_an_own_file_becomes_a_clip(explorer):
    explorer.path.value = "/somewhere/mine.mp4"
    explorer.button.click()
    assert explorer.clip.value == "mine.mp4"
    assert explorer.clip.options[-1] == "mine.mp4"
    assert grey(explorer) == pytest.approx(205, abs=1)
    assert caption(explorer).startswith("mine.mp4, frames 0 and 1")
    explorer.clip.value = "first"
    explorer.clip.value = "mine.mp4"
    assert explorer.pair.max == 2


@pytest.mark.parametrize("written", ["'/a b/mine.mp4'", ' "/a b/mine.mp4" ', "/a b/mine.mp4\t", '"~/mine.mp4"'])
def test_a_pasted_path_may_have_quotes_spaces_and_a_tilde(blend, monkeypatch, written):
    monkeypatch.setenv("HOME", "/a b")
    monkeypatch.setenv("USERPROFILE", "/a b")
    asked = []
    made = FrameExplorer(blend, {"a": lambda: clip(2, 0)}, open_file=lambda path: asked.append(path) or clip(3, 9))
    made.path.value = written
    made.button.click()
    assert asked == ["/a b/mine.mp4"]
    assert made.clip.value == "mine.mp4"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("notes.txt", "✗ this is no video. [notes.txt]"),
        ("still.mp4", "✗ this clip has 1 frame. [still.mp4]"),
        ("  ", "Write the path"),
        ("''", "Write the path"),
    ],
)
def test_a_file_that_cannot_be_opened_is_said(explorer, path, said):
    explorer.path.value = path
    explorer.button.click()
    assert caption(explorer).startswith(said)
    assert explorer.clip.value == "first"
    assert explorer.clip.options == ("first", "second", "gone", "one")
    assert grey(explorer) == pytest.approx(55, abs=1)


def test_without_open_file_there_is_no_field(blend):
    made = FrameExplorer(blend, {"a": lambda: clip(2, 0)})
    assert made.path not in [child for box in made.panel.children for child in getattr(box, "children", [box])]


def test_no_clips_are_refused(blend):
    with pytest.raises(ConfigError, match="no clips"):
        FrameExplorer(blend, {})


def test_the_bundle_holds_the_panel_a_strip_and_a_sentence(explorer):
    explorer.pair.value = 1
    bundle = explorer._repr_mimebundle_(include=None, exclude=None)
    assert set(bundle) == {WIDGET, "image/jpeg", "text/plain"}
    assert bundle[WIDGET]["model_id"] == explorer.panel.model_id
    strip = decoded(base64.b64decode(bundle["image/jpeg"]))
    cell = strip.shape[1] / 5
    greys = [float(strip[60:90, int((n + 0.5) * cell)].mean()) for n in range(5)]
    assert greys == pytest.approx([60, 62, 65, 68, 70], abs=2)
    assert bundle["text/plain"] == (
        "Frame explorer: first, 5 frames. Without widgets this is a strip of the frames at t = 0, 0.25, 0.5, 0.75, 1"
        " from frame 1 to frame 2; the first and the last are known."
    )


def test_a_panel_without_any_clip_still_says_why(blend):
    made = FrameExplorer(blend, {"gone": missing})
    assert caption(made).startswith("✗ there is no such <clip>.")
    assert made._repr_mimebundle_().keys() == {WIDGET, "text/plain"}


def test_a_strip_that_cannot_be_made_is_said(explorer):
    def refuse(a, b, t):
        raise FrameReadError("frame 3 is damaged.")

    explorer._between = refuse
    bundle = explorer._repr_mimebundle_()
    assert "image/jpeg" not in bundle
    assert bundle["text/plain"].endswith("They could not be made: frame 3 is damaged.")


def test_a_page_without_widgets_shows_the_strip():
    code = (
        "import numpy as np\n"
        "from lift_core.viz.explorer import FrameExplorer\n"
        "clip = [np.full((24, 40, 3), 50 + 10 * n, np.uint8) for n in range(4)]\n"
        "FrameExplorer(lambda a, b, t: a, {'grey': lambda: clip})"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=60, kernel_name="python3", store_widget_state=False).execute()
    (output,) = notebook.cells[0].outputs
    assert set(output.data) == {WIDGET, "image/jpeg", "text/plain"}
    page, _ = HTMLExporter().from_notebook_node(notebook)
    assert f"data:image/jpeg;base64,{output.data['image/jpeg'].strip()[:60]}" in page
    assert "application/vnd.jupyter.widget-view+json" not in page
