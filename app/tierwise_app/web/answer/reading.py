"""Reads an answer's Markdown. An image or an HTML tag is nothing here but the text that it is written with."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from markdown_it.rules_inline.link import link

from tierwise_app.web.answer.addresses import address_of
from tierwise_app.web.answer.formulas import use_formulas

if TYPE_CHECKING:
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

# Deeper quotes and lists than this are no text that a person reads; what is deeper still is left out.
_DEEPEST = 40


class _Reader(MarkdownIt):
    """Takes addresses as they were written, and only those that a link may lead to, or any."""

    any_address = False

    def normalizeLink(self, url: str) -> str:  # noqa: N802
        return url

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802
        return link

    def validateLink(self, url: str) -> bool:  # noqa: N802
        return self.any_address or address_of(url) is not None


def read_blocks(text: str) -> list[Token]:
    """The text's tokens. Beside those of Markdown: ``source`` for what an image was, and ``formula``."""
    return _reader(any_address=False).parse(text)


@cache
def _reader(*, any_address: bool) -> MarkdownIt:
    reader = _Reader("commonmark", {"maxNesting": _DEEPEST})
    reader.any_address = any_address
    reader.enable(["table", "strikethrough"]).disable("html_block")
    reader.inline.ruler.at("image", _image)
    use_formulas(reader)
    return reader


def _image(state: StateInline, silent: bool) -> bool:
    """An image stays what was written, in one piece, and no address in it becomes a link."""
    start = state.pos
    if not state.src.startswith("![", start):
        return False
    state.pos = start + 1
    reader, state.md = state.md, _reader(any_address=True)
    found = link(state, True)
    state.md = reader
    if not found:
        state.pos = start
        return False
    if not silent:
        end, state.pos = state.pos, start
        state.push("source", "", 0).content = state.src[start:end]
        state.pos = end
    return True
