"""The player: clips in step under their labels, in a video that browsers play, with the same said in words."""

from __future__ import annotations

import base64
import io
import re

import av
import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from lift_core.data.procedural import ClipConfig, ProceduralClip
from lift_core.errors import ConfigError, ShapeError
from lift_core.viz.player import player
from tests.conftest import needs_program


def clip(count, height=45, width=71, seed=0):
    source = ProceduralClip(ClipConfig(frames=count, height=height, width=width, seed=seed, layers=2, max_speed=6))
    return [source.frame(number) for number in range(count)]


def decoded(made):
    with av.open(io.BytesIO(made.mp4)) as container:
        stream = container.streams.video[0]
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        return frames, stream


@pytest.fixture(scope="module")
def shown():
    frames = clip(6)
    return frames, player({"still": frames[:1] * 6, "moving (σ)": frames}, fps=7.5, caption="Two <clips>.")


def test_the_video_holds_the_clips_side_by_side_and_in_step(shown):
    frames, made = shown
    pictures, _ = decoded(made)
    assert len(pictures) == 6
    second = made.size[1] // 2 + 4
    for number, picture in enumerate(pictures):
        # Below the labels; the second clip begins where the gap in the middle ends.
        body = picture[24 : 24 + 45].astype(int)
        assert np.abs(body[:, :71] - frames[0]).mean() < 8
        assert np.abs(body[:, second : second + 71] - frames[number]).mean() < 8


def test_labels_are_drawn_above_the_clips(shown):
    _, made = shown
    head = decoded(made)[0][0][:24].max(axis=2)
    middle = head.shape[1] // 2
    assert head[:, :middle].max() > 150
    assert head[:, middle:].max() > 150


def test_the_format_is_what_every_browser_plays(shown):
    _, made = shown
    pictures, stream = decoded(made)
    assert stream.codec_context.name == "h264"
    assert stream.codec_context.pix_fmt == "yuv420p"
    assert float(stream.average_rate) == 7.5
    assert pictures[0].shape == (*made.size, 3)
    assert made.size[0] % 2 == made.size[1] % 2 == 0


def test_the_page_gets_the_data_controls_and_words(shown):
    _, made = shown
    bundle = made._repr_mimebundle_()
    page = bundle["text/html"]
    tag = re.search(r"<video ([^>]*)>", page)[1]
    assert {"controls", "autoplay", "loop", "muted"} <= set(tag.split())
    assert base64.b64decode(re.search(r"base64,([^\"]+)", page)[1]) == made.mp4
    said = "Two &lt;clips&gt;. From left to right: still | moving (σ). 0.8 seconds, in a loop."
    assert f'aria-label="{said}"' in page
    assert f"<figcaption>{said}</figcaption>" in page
    assert f"It shows: {said}</video>" in page
    assert bundle["text/plain"] == (
        "Video: Two <clips>. From left to right: still | moving (σ). 0.8 seconds, in a loop."
    )


def test_two_seconds_are_small_enough_for_a_notebook():
    frames = clip(60, 156, 252, seed=21)
    made = player({"every second frame": [frames[n // 2 * 2] for n in range(60)], "all": frames}, fps=30, caption="x")
    assert made.size == (180, 512)
    assert len(made.to_html()) < 300_000


def test_equal_clips_make_equal_outputs_whatever_the_threads(shown):
    frames, made = shown
    again = player({"still": frames[:1] * 6, "moving (σ)": frames}, fps=7.5, caption="Two <clips>.")
    assert again == made
    assert b" threads=1 " in made.mp4


def test_a_long_label_widens_its_clip(shown):
    frames, _ = shown
    narrow = player({"a": frames}, fps=5, caption="x")
    wide = player({"a label that is much wider than the frames of the clip": frames}, fps=5, caption="x")
    assert narrow.size[1] == 72
    assert wide.size[1] > 300


def test_it_plays_in_a_browser(shown, tmp_path):
    _, made = shown
    page_file = tmp_path / "page.html"
    page_file.write_text(f"<!doctype html><meta charset='utf-8'><body>{made.to_html()}", encoding="utf-8")
    arguments = ["--no-sandbox", "--disable-gpu"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=needs_program("chromium"), args=arguments)
        try:
            page = browser.new_page()
            page.goto(page_file.as_uri())
            page.wait_for_function("document.querySelector('video').currentTime > 0.05", timeout=10_000)
            video = page.query_selector("video")
            state = video.evaluate("v => [v.readyState, v.paused, v.videoHeight, v.videoWidth]")
        finally:
            browser.close()
    assert state[0] >= 2
    assert state[1:] == [False, *made.size]


@pytest.mark.parametrize(
    ("clips", "what"),
    [
        ({}, "do not play in step"),
        ({"a": []}, "do not play in step"),
        ({"a": clip(2), "b": clip(3)}, "'a': 2, 'b': 3"),
        ({"a": clip(2), "b": clip(2, 46)}, "frames of shapes"),
        ({"a": [np.zeros((8, 8), np.uint8)]}, "frames of shapes"),
    ],
)
def test_clips_that_do_not_go_together_are_refused(clips, what):
    with pytest.raises(ShapeError, match=what):
        player(clips, fps=5, caption="x")


@pytest.mark.parametrize(("fps", "caption"), [(0, "x"), (-1, "x"), (float("nan"), "x"), (30, " ")])
def test_no_rate_and_no_caption_are_refused(fps, caption):
    with pytest.raises(ConfigError):
        player({"a": clip(2)}, fps=fps, caption=caption)
