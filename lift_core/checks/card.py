"""Card: a short message with a headline, shown as a box in JupyterLab and as plain text elsewhere."""

from __future__ import annotations

import base64
import html
import re
from dataclasses import dataclass
from typing import Any, Literal

Tone = Literal["good", "bad", "neutral"]

# JupyterLab's own colours where the page has them, so that the card fits light and dark themes.
_COLOURS = {
    "good": "var(--jp-success-color1, #2e7d32)",
    "bad": "var(--jp-error-color1, #c62828)",
    "neutral": "var(--jp-info-color1, #0277bd)",
}
_MARKS = {"good": "✓", "bad": "✗", "neutral": "…"}
_BOX = "border-left: 5px solid {colour}; padding: 2px 12px; margin: 4px 0; max-width: 860px; line-height: 1.45;"
_PRE = "margin: 4px 0; padding: 4px 8px; white-space: pre-wrap; font-size: 90%;"


@dataclass(frozen=True)
class Picture:
    """A picture of a card: PNG bytes, and the sentence that says the same."""

    png: bytes
    alt: str


@dataclass(frozen=True)
class Card:
    """What a check or a question answers.

    Attributes:
        headline: one line; it says the result in words.
        tone: colour and mark of the box; they only repeat what the headline says.
        paragraphs: plain text; a paragraph with line breaks is shown in a fixed-width font.
        picture: drawn below the text; its sentence is printed with it.
        record: what a program may read from the notebook's output, as JSON; None for nothing.
    """

    headline: str
    tone: Tone
    paragraphs: tuple[str, ...] = ()
    picture: Picture | None = None
    record: dict[str, Any] | None = None

    RECORD_TYPE = "application/vnd.lift-lab.card+json"

    def __str__(self) -> str:
        """Plain text: the headline, then the paragraphs."""
        said = [f"{_MARKS[self.tone]} {self.headline}", *self.paragraphs]
        return "\n".join([*said, self.picture.alt] if self.picture else said)

    def to_html(self) -> str:
        """The card as HTML with inline styles, which need nothing from the page."""
        colour = _COLOURS[self.tone]
        parts = [f'<b style="color: {colour}">{_MARKS[self.tone]} {_inline(self.headline)}</b>']
        parts += [_paragraph(text) for text in self.paragraphs]
        if self.picture is not None:
            encoded = base64.b64encode(self.picture.png).decode()
            alt = html.escape(self.picture.alt, quote=True)
            parts.append(f'<img src="data:image/png;base64,{encoded}" alt="{alt}" style="max-width: 100%">')
            parts.append(_paragraph(self.picture.alt))
        return f'<div style="{_BOX.format(colour=colour)}">{"".join(parts)}</div>'

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/plain": str(self), "text/html": self.to_html()}
        if self.record is not None:
            bundle[self.RECORD_TYPE] = self.record
        return bundle


def show(card: Card) -> None:
    """Show a card where the code runs: a box in a notebook, printed text elsewhere."""
    if _in_notebook():
        from IPython.display import display

        display(card)
    else:
        print(card)


def _in_notebook() -> bool:
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def _paragraph(text: str) -> str:
    if "\n" in text:
        return f'<pre style="{_PRE}">{html.escape(text)}</pre>'
    return f'<div style="margin: 4px 0">{_inline(text)}</div>'


def _inline(text: str) -> str:
    """Plain text as HTML; what stands between backquotes is shown as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))
