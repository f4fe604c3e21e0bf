"""Lays the elements of a web page out as text, as a browser would, and marks headings and blocks in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tierwise.knowledge.document import Block, BlockKind, Heading, Page
from tierwise.knowledge.reading.html_table import Table, data_table
from tierwise.knowledge.reading.html_visible import Visible

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_BLOCKS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl"),
        *("dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header"),
        *("hr", "html", "legend", "li", "main", "menu", "ol", "p", "pre", "section", "summary", "table", "tbody"),
        *("td", "tfoot", "th", "thead", "tr", "ul"),
    }
)
_TIGHT = frozenset({"caption", "dd", "dt", "li", "tbody", "thead", "tr"})  # one line apart, not a paragraph
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_ARTICLES = frozenset({"article", "main"})
_LISTS = frozenset({"menu", "ol", "ul"})
_GAPS = ("", " ", "\n", "\n\n")
_SPACE = re.compile(r"[ \t\n\r\f\v]+")
_MARKS = frozenset({"", "#", "§", "¶", "🔗", "\uf0c1"})  # links to a heading, beside it
_WHOLE_CHARS = 1500  # a block that holds others is whole itself up to this size; else they are
_MOST_ALT = 200


def tidy(text: str) -> str:
    """The words of a text, one space apart."""
    return _SPACE.sub(" ", text).strip()


@dataclass(slots=True)
class _Mark:
    """Where the first text after it begins: in characters, and in pieces."""

    place: int = -1
    piece: int = -1


@dataclass(slots=True)
class _Definitions:
    """A list of definitions that is being read: the open one begins at ``mark`` and defines ``term``."""

    mark: _Mark
    term: str | None = None
    defined: bool = False


class HtmlText:
    """Collects the text. It walks without recursion: pages nest as deep as they like.

    Args:
        visible: what is passed over.

    Attributes:
        length: characters of the text so far.
        headings: those found so far.
    """

    def __init__(self, visible: Visible) -> None:
        self.length = 0
        self.headings: list[Heading] = []
        self._visible = visible
        self._parts: list[str] = []
        self._gap = ""  # white space that is owed before the next word
        self._waiting: list[_Mark] = []
        self._open: list[_Mark] = []  # of the elements that become blocks
        self._blocks: list[Block] = []
        self._counts: list[int | None] = []  # of the lists around: the number of the next item, if they count
        self._bullet = ""
        self._definitions: list[_Definitions] = []
        self._articles = 0  # that are open
        self._pre: list[str] | None = None  # what is laid out already
        self._pre_depth = 0
        self._heading: _Mark | None = None

    @property
    def has_words(self) -> bool:
        """Whether there is any text."""
        return any(part.strip() for part in self._parts)

    def page(self) -> Page:
        """What was collected."""
        return Page(None, "".join(self._parts), tuple(self.headings), tuple(self._blocks))

    def write(self, root: LexborNode) -> None:
        """Add an element with all that is in it and is seen."""
        stack: list[tuple[LexborNode, bool]] = [(root, False)]
        while stack:
            node, leaving = stack.pop()
            if leaving:
                self._leave(node.tag or "")
            elif node.is_text_node:
                self._text(node.text_content or "")
            elif node.is_element_node and self._enter(node):
                stack.append((node, True))
                children, child = [], node.child
                while child is not None:
                    children.append((child, False))
                    child = child.next
                stack.extend(reversed(children))

    def _enter(self, node: LexborNode) -> bool:
        """Begin an element; false if what is in it is not to be read."""
        tag, attributes = node.tag or "", node.attributes
        if self._visible.skips(tag, attributes, in_article=self._articles > 0):
            return False
        self._articles += tag in _ARTICLES
        if self._pre is not None:
            if tag == "br":
                self._pre.append("\n")
            self._pre_depth += tag == "pre"
            return True
        if tag == "table" and (table := data_table(node, self._cell)) is not None:
            self._table(table)
            return False
        if tag == "a" and self._heading is not None and tidy(node.text()) in _MARKS:
            return False
        self._break(tag)
        if tag == "img":
            self._picture(attributes.get("alt"))
        elif tag == "pre":
            self._pre, self._pre_depth = [], 1
        elif tag in _HEADINGS:
            self._heading = self._mark()
        elif tag in _LISTS:
            self._open.append(self._mark())
            self._counts.append(_number(attributes.get("start")) if tag == "ol" else None)
        elif tag == "li":
            self._bullet = self._next_bullet()
        elif tag == "dl":
            self._definitions.append(_Definitions(self._mark()))
        elif tag == "dt" and self._definitions:
            self._term()
        return True

    def _leave(self, tag: str) -> None:
        self._articles -= tag in _ARTICLES
        if self._pre is not None:
            self._pre_depth -= tag == "pre"
            if not self._pre_depth:
                self._code("".join(self._pre))
            return
        if tag in _HEADINGS:
            self._end_heading(int(tag[1]))
        elif tag in _LISTS:
            self._counts.pop()
            self._block(self._open.pop(), "list")
        elif tag == "li":
            self._bullet = ""
        elif tag == "dt" and self._definitions and self._definitions[-1].term is None:
            definition = self._definitions[-1]
            definition.term = self._since(definition.mark)
        elif tag == "dd" and self._definitions:
            self._definitions[-1].defined = True
        elif tag == "dl":
            self._end_definition(self._definitions.pop())
        self._break(tag)

    # -- kinds of elements ---------------------------------------------------------------------------------------------

    def _end_heading(self, level: int) -> None:
        mark, self._heading = self._heading, None
        if mark is not None and mark.place >= 0 and (title := self._since(mark)):
            self.headings.append(Heading(mark.place, self.length, level, title))

    def _term(self) -> None:
        definition = self._definitions[-1]
        if definition.defined:  # else another name for the same thing
            self._end_definition(definition)
            self._definitions[-1] = _Definitions(self._mark())

    def _end_definition(self, definition: _Definitions) -> None:
        if definition.term is not None and definition.defined:
            self._block(definition.mark, "record", definition.term[:_MOST_ALT])

    def _code(self, text: str) -> None:
        self._pre = None
        text = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n").rstrip()
        if text.strip():
            mark = self._mark()
            self._emit(text)
            self._block(mark, "code")
        self._owe("\n\n")

    def _table(self, table: Table) -> None:
        self._owe("\n\n")
        if table.caption:
            self._emit(table.caption)
            self._owe("\n")
        mark = self._mark()
        for row in table.rows:
            self._emit(row)
            self._owe("\n")
        self._block(mark, "table", table.head)
        self._owe("\n\n")

    def _cell(self, node: LexborNode) -> str:
        """The text of a table's cell, on one line."""
        inner = HtmlText(self._visible)
        inner.write(node)
        return tidy("".join(inner._parts))

    def _picture(self, alt: str | None) -> None:
        words = tidy(alt or "")
        if " " in words:  # a single word is most often a file's name, or decoration
            self._text(f" [{words[:_MOST_ALT]}] ")

    def _next_bullet(self) -> str:
        if not self._counts or (number := self._counts[-1]) is None:
            return "- "
        self._counts[-1] = number + 1
        return f"{number}. "

    # -- text ----------------------------------------------------------------------------------------------------------

    def _break(self, tag: str) -> None:
        if tag == "br" or tag in _TIGHT:
            self._owe("\n")
        elif tag in _BLOCKS:
            self._owe("\n\n")

    def _owe(self, gap: str) -> None:
        if _GAPS.index(gap) > _GAPS.index(self._gap):
            self._gap = gap

    def _text(self, text: str) -> None:
        if self._pre is not None:
            self._pre.append(text)
            return
        words = _SPACE.sub(" ", text)
        if words[:1] == " ":
            self._owe(" ")
        if words.strip(" "):
            self._emit(words.strip(" "))
            if words[-1] == " ":
                self._owe(" ")

    def _emit(self, text: str) -> None:
        gap = self._gap if self.length else ""
        text, self._bullet = self._bullet + text, ""
        self._parts += (gap, text)
        for mark in self._waiting:
            mark.place, mark.piece = self.length + len(gap), len(self._parts) - 1
        self._waiting.clear()
        self.length += len(gap) + len(text)
        self._gap = ""

    # -- places --------------------------------------------------------------------------------------------------------

    def _mark(self) -> _Mark:
        mark = _Mark()
        self._waiting.append(mark)
        return mark

    def _since(self, mark: _Mark) -> str:
        return tidy("".join(self._parts[mark.piece :])).strip("#¶ ") if mark.place >= 0 else ""

    def _block(self, mark: _Mark, kind: BlockKind, head: str | None = None) -> None:
        """What was written since the mark is a block, unless what it holds does better by itself."""
        if mark.place < 0 or (self.headings and self.headings[-1].start >= mark.place):
            return
        inner = len(self._blocks)
        while inner and self._blocks[inner - 1].start >= mark.place:
            inner -= 1
        if inner < len(self._blocks) and self.length - mark.place > _WHOLE_CHARS:
            return
        self._blocks[inner:] = [Block(mark.place, self.length, kind, head)]


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else 1
