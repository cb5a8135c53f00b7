"""The code that stands in a Markdown text: fenced, between backticks, or between HTML tags."""

from __future__ import annotations

import ast
import html
import re
import textwrap
import warnings
from collections.abc import Iterable, Iterator

_FENCED = re.compile(r"^[ \t]*(?P<fence>`{3,}|~{3,})[^\n]*\n(?P<code>.*?)^[ \t]*(?P=fence)", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?P<tick>`+)(?P<code>.+?)(?P=tick)", re.DOTALL)
_TAGGED = re.compile(r"<(?P<tag>code|pre)\b[^>]*>(?P<code>.*?)</(?P=tag)>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^>]*>")
_PROMPT = re.compile(r"^\s*(?:>>>|\.\.\.|In \[\d*\]:) ", re.MULTILINE)


def code_pieces(markdown: str) -> Iterator[str]:
    """Every piece of code in a Markdown text, with HTML's entities resolved; inside ``<details>`` too."""
    for pattern in (_FENCED, _INLINE, _TAGGED):
        for match in pattern.finditer(markdown):
            yield html.unescape(_TAG.sub("", match["code"]) if pattern is _TAGGED else match["code"])


def parsed_pieces(pieces: Iterable[str]) -> Iterator[ast.Module]:
    """The pieces as Python: each as a whole, or those of its lines that are Python by themselves."""
    for piece in pieces:
        code = _PROMPT.sub("", textwrap.dedent(piece).strip("\n"))
        whole = _parsed(code)
        if whole is not None:
            yield whole
            continue
        for line in code.splitlines():
            tree = _parsed(line.strip()) or _parsed(f"{line.strip()} pass")
            if tree is not None:
                yield tree


def plain_text(markdown: str) -> str:
    """The text without tags and entities of HTML."""
    return html.unescape(_TAG.sub("", markdown))


def _parsed(code: str) -> ast.Module | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        try:
            return ast.parse(code)
        except (SyntaxError, ValueError):
            return None
