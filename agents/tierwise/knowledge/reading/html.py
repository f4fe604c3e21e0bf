"""HTML to readable text: what a person would read on the page, blocks apart, with its headings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tierwise.knowledge.document import Document, Page
from tierwise.knowledge.reading.html_text import HtmlText, tidy
from tierwise.knowledge.reading.html_visible import Visible
from tierwise.knowledge.reading.plain import decode

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_LOOK = 4096
_DECLARED = re.compile(
    rb"<\?xml[^>]{0,200}encoding\s*=\s*[\"']([\w.:-]+)|<meta[^>]{0,500}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.I
)
_XML = re.compile(r"<\?xml|<html[^>]{0,500}xmlns", re.I)
# In XHTML these may be closed at once; in HTML they would go on to the end of the page.
_CLOSED_AT_ONCE = re.compile(
    r"<(a|b|div|em|i|iframe|li|noscript|p|script|span|style|td|textarea|th|title)\b([^<>]*)/>", re.I
)
_MAIN = 'main, [role="main"]'
_LEAST_SHARE = 0.3  # of the page's text that its main part must have to be taken for all of it


def read_html(data: bytes, name: str) -> Document:
    """The text of a web page: its main part where it marks one, else all but navigation.

    Lists, tables, definitions and code are blocks; a row of a table is a line, its cells joined by `` | ``; pictures
    are the words that describe them. What a browser does not show, scripts and forms' controls are left out. Nothing
    that the page names is fetched.

    Raises:
        Unreadable: if its bytes are not text.
    """
    found = _DECLARED.search(data[:_LOOK])
    declared = (found[1] or found[2]).decode("ascii") if found else None
    source, warnings = decode(data, declared=declared)
    title, page = _page(source)
    return Document(name, title, (page,), tuple(warnings), "html")


def _page(source: str) -> tuple[str | None, Page]:
    """Title and text of HTML that is decoded already."""
    from selectolax.lexbor import LexborHTMLParser

    if _XML.search(source, 0, _LOOK):
        source = _CLOSED_AT_ONCE.sub(r"<\1\2></\1>", source)
    tree = LexborHTMLParser(source)
    body = tree.body
    if body is None:
        return None, Page(None, "")
    text = _main_text(body) or _text(body, Visible())
    if not text.has_words:
        text = _text(body, Visible(navigation=True))
    named = tree.css_first("head title")
    title = tidy(named.text()) if named is not None else ""
    if not title:
        title = next((heading.title for heading in text.headings if heading.level == 1), "")
    return title or None, text.page()


def _main_text(body: LexborNode) -> HtmlText | None:
    """The text of the part that the page calls its main one; ``None`` if it names none that could be it."""
    if (main := body.css_first(_MAIN)) is None:
        if body.css_first("article") is None:
            return None
        text = _text(body, Visible(chrome=False))
        return text if text.has_words else None
    inner, outer = _text(main, Visible()), _text(body, Visible(chrome=False))
    return inner if inner.length > _LEAST_SHARE * outer.length else outer if outer.has_words else None


def _text(root: LexborNode, visible: Visible) -> HtmlText:
    text = HtmlText(visible)
    text.write(root)
    return text
