"""A card says its result in plain text and in HTML, and holds a record for programs."""

from __future__ import annotations

import base64
import json
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lift_core.checks import card as card_module
from lift_core.checks.card import Card, Picture, show


class Reader(HTMLParser):
    """Collects the tags and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(card: Card) -> Reader:
    reader = Reader()
    reader.feed(card.to_html())
    reader.close()
    return reader


words = st.text(st.characters(exclude_categories=["C"]), max_size=30) | st.sampled_from(
    ["<b>x</b>", "a < b & c", '" onerror="x', "</div><script>alert(1)</script>", "expected <object object>"]
)


@given(words, words, words)
def test_whatever_the_text_it_stays_text_in_html(headline: str, paragraph: str, alt: str) -> None:
    page = read(Card(headline, "bad", (paragraph, f"{paragraph}\nsecond line"), Picture(b"png", alt)))
    assert [tag for tag, _ in page.tags] == ["div", "b", "div", "pre", "img", "div"]
    assert dict(page.tags)["img"]["alt"] == alt
    assert page.text == f"✗ {headline}{paragraph}{paragraph}\nsecond line{alt}"


def test_plain_text_says_all_that_html_says() -> None:
    card = Card("passed", "good", ("one", "two"), Picture(b"png", "the picture in words"))
    assert str(card) == "✓ passed\none\ntwo\nthe picture in words"


@pytest.mark.parametrize("tone", ["good", "bad", "neutral"])
def test_tones_differ_by_more_than_colour(tone: Any) -> None:
    others = {str(Card("x", other))[0] for other in ("good", "bad", "neutral") if other != tone}
    assert str(Card("x", tone))[0] not in others


def test_the_picture_is_in_the_page_itself() -> None:
    source = dict(read(Card("x", "bad", picture=Picture(b"\x89PNG", "alt"))).tags)["img"]["src"]
    assert source is not None
    assert base64.b64decode(source.removeprefix("data:image/png;base64,")) == b"\x89PNG"


def test_a_notebooks_output_holds_the_record_as_json() -> None:
    record = {"exercise": "04.1", "verdict": "passed"}
    bundle = Card("x", "good", record=record)._repr_mimebundle_(include=None, exclude=None)
    assert json.loads(json.dumps(bundle))[Card.RECORD_TYPE] == record
    assert bundle["text/plain"] == "✓ x"
    assert Card.RECORD_TYPE not in Card("x", "good")._repr_mimebundle_()


def test_outside_a_notebook_a_card_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    show(Card("passed", "good", ("one",)))
    assert capsys.readouterr().out == "✓ passed\none\n"


def test_in_a_notebook_a_card_is_displayed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    displayed: list[Card] = []
    monkeypatch.setattr(card_module, "_in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", displayed.append)
    card = Card("passed", "good")
    show(card)
    assert displayed == [card]
    assert capsys.readouterr().out == ""


def test_backquoted_text_is_code_in_html_and_stays_escaped():
    page = Card("about `x < y`", "neutral", ("call `f(...)` again",)).to_html()
    assert "about <code>x &lt; y</code>" in page
    assert "call <code>f(...)</code> again" in page
