"""HTML to readable text: what a person would read on the page, blocks apart, with its headings."""

from __future__ import annotations

import re
import warnings as python_warnings
from typing import TYPE_CHECKING

from tierwise.errors import InvalidInput
from tierwise.knowledge.document import Heading, Page
from tierwise.knowledge.reading.plain import decode

if TYPE_CHECKING:
    from bs4 import Tag

_SKIPPED = {
    "script",
    "style",
    "noscript",
    "template",
    "svg",
    "math",
    "iframe",
    "object",
    "nav",
    "head",
    "button",
    "form",
}
_BLOCKS = {
    *("address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl", "dt"),
    *("fieldset", "figcaption", "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "li"),
    *("main", "ol", "p", "pre", "section", "summary", "table", "tbody", "tfoot", "thead", "tr", "ul"),
}
_TIGHT = {"li", "tr", "dt", "dd", "tbody", "thead", "caption"}  # one line apart, not a paragraph
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_GAPS = ("", " ", " | ", "\n", "\n\n")
_SPACE = re.compile(r"[ \t\n\r\f\v]+")


def read_html(data: bytes) -> tuple[str | None, tuple[Page, ...], list[str]]:
    """Title, the one page, and warnings of an HTML file.

    Raises:
        InvalidInput: if its bytes are not text, or not even a browser's patience makes HTML of them.
    """
    from bs4 import BeautifulSoup, XMLParsedAsHTMLWarning
    from bs4.builder import ParserRejectedMarkup
    from bs4.dammit import EncodingDetector

    declared = EncodingDetector.find_declared_encoding(data, is_html=True, search_entire_document=False)
    warnings: list[str] = []
    if declared and declared.lower() not in ("utf-8", "utf8"):
        try:
            source = data.decode(declared)
            source.encode()  # some codecs make halves of surrogate pairs, which nothing can store
        except (LookupError, ValueError):  # each codec has its own way to fail
            source, warnings = decode(data)
    else:
        source, warnings = decode(data)
    with python_warnings.catch_warnings():
        python_warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)  # XHTML is read well enough as HTML
        try:
            soup = BeautifulSoup(source, "html.parser")
        except ParserRejectedMarkup as error:
            raise InvalidInput("It is damaged HTML.", fix="Open it in a browser and save it as text.") from error
    title = _SPACE.sub(" ", soup.title.get_text()).strip() if soup.title else ""
    writer = _Writer()
    writer.write(soup)
    text, headings = writer.result()
    if not title:
        title = next((h.title for h in headings if h.level == 1), "")
    return title or None, (Page(None, text, tuple(headings)),), warnings


class _Writer:
    """Collects text as a browser would lay it out. It walks without recursion: pages nest as deep as they like."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._gap = ""  # white space that is owed before the next word
        self._bullet = False
        self._pre = 0
        self._headings: list[Heading] = []
        self._heading: list[str] | None = None  # words of the heading that is open
        self._heading_start = 0

    def write(self, root: Tag) -> None:
        from bs4.element import NavigableString, PreformattedString, Tag

        stack: list[tuple[object, bool]] = [(root, False)]
        while stack:
            node, leaving = stack.pop()
            if isinstance(node, Tag):
                if leaving:
                    self._leave(node.name)
                elif node.name not in _SKIPPED:
                    self._enter(node.name)
                    stack.append((node, True))
                    stack.extend((child, False) for child in reversed(node.contents))
            elif isinstance(node, NavigableString) and not isinstance(node, PreformattedString):
                self._text(str(node))

    def result(self) -> tuple[str, list[Heading]]:
        return "".join(self._parts), self._headings

    def _enter(self, name: str) -> None:
        self._break(name)
        if name == "li":
            self._bullet = True
        elif name == "pre":
            self._pre += 1
        elif name in _HEADINGS:
            self._heading = []

    def _leave(self, name: str) -> None:
        if name == "pre":
            self._pre -= 1
        elif name in _HEADINGS:
            if self._heading:
                title = _SPACE.sub(" ", "".join(self._heading)).strip("-#¶ ")
                self._headings.append(Heading(self._heading_start, self._length, int(name[1]), title))
            self._heading = None
        if name in ("td", "th"):
            self._owe(" | ")
        self._break(name)

    def _break(self, name: str) -> None:
        if name == "br" or name in _TIGHT:
            self._owe("\n")
        elif name in _BLOCKS:
            self._owe("\n\n")

    def _owe(self, gap: str) -> None:
        if _GAPS.index(gap) > _GAPS.index(self._gap):
            self._gap = gap

    def _text(self, text: str) -> None:
        if self._pre:
            self._emit(text.replace("\r\n", "\n").replace("\r", "\n"))
            return
        words = _SPACE.sub(" ", text)
        if words[:1] == " ":
            self._owe(" ")
        if words.strip(" "):
            self._emit(words.strip(" "))
            if words[-1] == " ":
                self._owe(" ")

    def _emit(self, text: str) -> None:
        gap = self._gap if self._length else ""
        if self._bullet:
            text, self._bullet = f"- {text}", False
        if self._heading is not None:
            if not self._heading:
                self._heading_start = self._length + len(gap)
            else:
                self._heading.append(" " if gap else "")
            self._heading.append(text)
        self._parts += (gap, text)
        self._length += len(gap) + len(text)
        self._gap = ""
